// What the audit sees: one record of a topic, where it stands, its bytes, and what they say, if they say anything.

import type { RecordSource } from 'millrace';

export interface Observed<T> {
  readonly source: RecordSource;
  readonly keyBytes: Buffer | null;
  readonly valueBytes: Buffer | null;
  readonly content: Content<T>;
}

export type Content<T> =
  | { readonly isReadable: true; readonly key: string | null; readonly value: T | null }
  | { readonly isReadable: false; readonly why: string };

/** `orders-3@42`: what findings and the headers of dead letters have in common. */
export function placeOf({ topic, partition, offset }: RecordSource): string {
  return `${topic}-${partition}@${offset}`;
}
