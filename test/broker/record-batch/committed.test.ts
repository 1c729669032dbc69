import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPartition } from '../../../src/broker/record-batch/committed.ts';
import { batchAt, content, markerAt, TP } from './batches.ts';

// A log of interleaved transactions, and what a broker would say about it: the batches from a position on, and every aborted transaction that overlaps them,
// ordered by *last* offset as in the broker's index. The reference simply knows how each transaction ended.

interface Logged {
  readonly batch: Buffer;
  readonly first: number;
  readonly last: number;
  readonly producerId: number;
}

type Step = { readonly producer: number; readonly act: 'send' | 'commit' | 'abort'; readonly count: number };

const anyStep: fc.Arbitrary<Step> = fc.record({
  producer: fc.nat(3),
  act: fc.constantFrom('send' as const, 'send' as const, 'send' as const, 'commit' as const, 'abort' as const),
  count: fc.integer({ min: 1, max: 4 }),
});

function build(steps: readonly Step[]) {
  const log: Logged[] = [];
  const open = new Map<number, { first: number; offsets: number[] }>();
  const committed: number[] = [];
  const aborted: { producerId: number; firstOffset: number; lastOffset: number }[] = [];
  let next = 0;
  const append = (batch: Buffer, count: number, producerId: number) => {
    log.push({ batch, first: next, last: next + count - 1, producerId });
    next += count;
  };
  const finish = (producerId: number, act: 'commit' | 'abort') => {
    const transaction = open.get(producerId);
    if (transaction === undefined) return;
    open.delete(producerId);
    if (act === 'commit') committed.push(...transaction.offsets);
    else aborted.push({ producerId, firstOffset: transaction.first, lastOffset: next });
    append(markerAt(next, producerId, act), 1, producerId);
  };
  for (const { producer, act, count } of steps) {
    if (act !== 'send') {
      finish(producer, act);
      continue;
    }
    const isPlain = producer === 3;
    const transaction = open.get(producer) ?? { first: next, offsets: [] };
    const offsets = Array.from({ length: count }, (_, i) => next + i);
    if (isPlain) committed.push(...offsets);
    else open.set(producer, { ...transaction, offsets: [...transaction.offsets, ...offsets] });
    // A key of four zero bytes looks like an abort marker's, and is not one.
    const records = offsets.map((offset) => content(`${offset}`, { key: Buffer.alloc(4) }));
    append(batchAt(next, records, isPlain ? {} : { producerId: producer, transactional: true }), count, producer);
  }
  for (const producerId of [...open.keys()]) finish(producerId, 'commit');
  return { log, committed: committed.sort((a, b) => a - b), aborted, end: next };
}

describe('reading committed', () => {
  it('is what a reader sees who knows how every transaction ended, from any position and in answers of any size', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60, size: 'max' }), fc.nat(120), fc.integer({ min: 1, max: 12 }), (steps, start, batchesPerAnswer) => {
        const { log, committed, aborted, end } = build(steps);
        const from = Math.min(start, end);
        const seen: number[] = [];
        let position = from;
        while (position < end) {
          const index = log.findIndex(({ last }) => last >= position);
          const answer = log.slice(index, index + batchesPerAnswer);
          const upTo = answer.at(-1)!.last;
          const overlapping = aborted
            .filter(({ firstOffset, lastOffset }) => firstOffset <= upTo && lastOffset >= position)
            .sort((a, b) => a.lastOffset - b.lastOffset);
          const result = readPartition({ ...TP, batches: Buffer.concat(answer.map(({ batch }) => batch)), aborted: overlapping }, position, 'committed');
          seen.push(...result.records.map(({ offset }) => offset));
          expect(result.nextPosition).toBe(upTo + 1);
          position = result.nextPosition;
        }
        expect(seen).toEqual(committed.filter((offset) => offset >= from));
      }),
      { numRuns: 500 },
    );
  });

  it('shows everything but markers to an uncommitted reader', () => {
    const batches = Buffer.concat([batchAt(0, [content('a')], { producerId: 1, transactional: true }), markerAt(1, 1, 'abort')]);
    const result = readPartition({ ...TP, batches, aborted: [{ producerId: 1, firstOffset: 0 }] }, 0, 'uncommitted');
    expect(result.records.map(({ offset }) => offset)).toEqual([0]);
    expect(result.nextPosition).toBe(2);
  });
});
