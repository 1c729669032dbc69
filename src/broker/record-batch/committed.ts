// Read-committed, as the Java client does it. The broker's list of aborted transactions is ordered by their last offset, transactions interleave, and one
// may have begun before this answer and end after it: so sort by first offset, switch a producer's transaction on when its first batch can have come, off at its abort marker.

import type { RawRecord, TopicPartition } from '../../record/record.ts';
import type { AbortedTransaction } from '../protocol/data.ts';
import type { Isolation } from '../protocol/offsets.ts';
import * as at from './layout.ts';
import { batchHeaders, controlMarker, readRecords } from './read.ts';

export interface ReadResult {
  readonly records: RawRecord[];
  /** After the last complete batch, whatever became of its records; `fromOffset` when there was none. */
  readonly nextPosition: number;
}

export function readPartition(
  data: TopicPartition & { readonly batches: Buffer; readonly aborted: readonly AbortedTransaction[] },
  fromOffset: number,
  isolation: Isolation,
): ReadResult {
  const records: RawRecord[] = [];
  let nextPosition = fromOffset;
  const aborted = new AbortedProducers(isolation === 'committed' ? data.aborted : []);
  for (const batch of batchHeaders(data.batches, data)) {
    if (batch.lastOffset < fromOffset) continue;
    nextPosition = batch.lastOffset + 1;
    aborted.advanceTo(batch.lastOffset);
    if (batch.attributes & at.CONTROL) {
      if (controlMarker(data.batches, batch) === 'abort') aborted.ended(batch.producerId);
      continue;
    }
    if (batch.attributes & at.TRANSACTIONAL && aborted.has(batch.producerId)) continue;
    readRecords(data.batches, batch, fromOffset, data, records);
  }
  return { records, nextPosition };
}

class AbortedProducers {
  readonly #waiting: AbortedTransaction[];
  readonly #active = new Set<number>();
  #next = 0;

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  advanceTo(lastOffset: number): void {
    for (; this.#next < this.#waiting.length; this.#next += 1) {
      const transaction = this.#waiting[this.#next]!;
      if (transaction.firstOffset > lastOffset) return;
      this.#active.add(transaction.producerId);
    }
  }

  ended(producerId: number): void {
    this.#active.delete(producerId);
  }

  has(producerId: number): boolean {
    return this.#active.has(producerId);
  }
}
