// A partition in memory: slots of records and transaction markers, with the last stable offset that follows from them.

import type { CommittedOffset } from '../ports/broker.ts';
import type { RawRecord } from '../record/record.ts';
import type { InMemoryGroup } from './in-memory-group.ts';

/** One slot of a log: a record, or a marker that ended a transaction. */
export interface Slot {
  readonly offset: number;
  readonly record: RawRecord | undefined;
  readonly transaction: Transaction | undefined;
}

export interface Transaction {
  state: 'open' | 'committed' | 'aborted';
  /** Logs and groups that it has changed and that hold no marker of its end yet. */
  readonly unmarked: Set<Log | InMemoryGroup>;
  /** By group: what becomes its committed offsets if the transaction commits, by partition. */
  readonly offsets: Map<InMemoryGroup, Map<string, CommittedOffset>>;
}

export class Log {
  readonly slots: Slot[] = [];
  start = 0;
  readonly #keepsMarkers: boolean;
  #stable = 0;

  constructor(keepsMarkers = true) {
    this.#keepsMarkers = keepsMarkers;
  }

  get end(): number {
    return this.slots.length;
  }

  get lastStableOffset(): number {
    // Never goes back, so it is looked for from where it was.
    while (this.#stable < this.end && this.slots[this.#stable]!.transaction?.unmarked.has(this) !== true) this.#stable++;
    return this.#stable;
  }

  append(record: Omit<RawRecord, 'offset'> | undefined, transaction: Transaction | undefined): void {
    const offset = this.slots.length;
    const slot = record === undefined ? undefined : { offset, key: record.key, value: record.value, timestamp: record.timestamp, headers: record.headers };
    this.slots.push({ offset, record: slot, transaction });
  }

  /** The end of a transaction. */
  mark(transaction: Transaction): void {
    if (this.#keepsMarkers) this.append(undefined, transaction);
  }
}

export function newTransaction(): Transaction {
  return { state: 'open', unmarked: new Set(), offsets: new Map() };
}

/** The decision; its markers follow. Everything the transaction did becomes visible or void where, and when, its marker stands. */
export async function endTransaction(transaction: Transaction, state: 'committed' | 'aborted', markerDelay: (() => Promise<void>) | undefined): Promise<void> {
  transaction.state = state;
  const parts = [...transaction.unmarked];
  if (markerDelay === undefined) for (const part of parts) mark(part, transaction);
  else await Promise.all(parts.map((part) => markerDelay().then(() => mark(part, transaction))));
}

function mark(part: Log | InMemoryGroup, transaction: Transaction): void {
  transaction.unmarked.delete(part);
  if (part instanceof Log) part.mark(transaction);
  else if (transaction.state === 'committed') for (const [name, offset] of transaction.offsets.get(part)!) part.committed.set(name, offset);
}
