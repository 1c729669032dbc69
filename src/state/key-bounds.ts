// Bounds of keys as bounds of bytes.

import type { KeyBounds } from '../topology/store-spec.ts';

/** `from` inclusive, `end` exclusive, undefined: open. */
export function byteBounds<K>({ from, to }: KeyBounds<K>, bytesOf: (key: K) => Buffer): { from: Buffer; end: Buffer | undefined } {
  return {
    from: from === undefined ? Buffer.alloc(0) : bytesOf(from),
    end: to === undefined ? undefined : Buffer.concat([bytesOf(to), Buffer.of(0)]), // the next key there can be
  };
}
