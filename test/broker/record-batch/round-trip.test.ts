import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPartition } from '../../../src/broker/record-batch/committed.ts';
import * as at from '../../../src/broker/record-batch/layout.ts';
import { recordSizeMax, writeBatch, type RecordContent } from '../../../src/broker/record-batch/write.ts';
import { BrokerError } from '../../../src/ports/broker.ts';
import type { RawRecord } from '../../../src/record/record.ts';
import { batchAt, compactedBatch, content, resealed, TP } from './batches.ts';

const anyBytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const anyRecord: fc.Arbitrary<RecordContent> = fc.record({
  key: anyBytes,
  value: anyBytes,
  timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 45 }), fc.integer({ min: 1_750_000_000_000, max: 1_750_000_100_000 })),
  headers: fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 20 }), anyBytes), { maxLength: 4 }),
});
const anyCompression = fc.constantFrom('none' as const, 'gzip' as const, 'zstd' as const);

function read(batches: Buffer, from = 0): { records: RawRecord[]; nextPosition: number } {
  return readPartition({ ...TP, batches, aborted: [] }, from, 'committed');
}

describe('record batches', () => {
  it('bring back what was written, in every codec', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), anyCompression, fc.nat(2 ** 48), (records, compression, baseOffset) => {
        const { records: found, nextPosition } = read(batchAt(baseOffset, records, { compression }), baseOffset);
        expect(found).toEqual(records.map((record, i) => ({ offset: baseOffset + i, ...record })));
        expect(nextPosition).toBe(baseOffset + records.length);
      }),
    );
  });

  it('never take more room than was estimated', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), (records) => {
        const estimate = records.reduce((sum, record) => sum + recordSizeMax(record), at.RECORDS);
        expect(batchAt(0, records).length).toBeLessThanOrEqual(estimate);
      }),
    );
  });

  it.each([0, 1, -1, 63, 64, -64, -65, 2 ** 27, 2 ** 28, -(2 ** 28), 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 40])(
    'carry a timestamp %d ms from the first',
    (delta) => {
      const base = 2 ** 41;
      const { records } = read(batchAt(0, [content('a', { timestamp: base }), content('b', { timestamp: base + delta })]));
      expect(records.map(({ timestamp }) => timestamp)).toEqual([base, base + delta]);
    },
  );

  it('name the highest timestamp, which the broker keeps its time index by', () => {
    const batch = batchAt(0, [3, 9, 1].map((timestamp) => content('x', { timestamp })));
    expect(Number(batch.readBigInt64BE(at.MAX_TIMESTAMP))).toBe(9);
  });

  it('take the broker’s time where the topic says so', () => {
    const batch = batchAt(0, [content('a', { timestamp: 5 }), content('b', { timestamp: 7 })]);
    batch.writeInt16BE(at.LOG_APPEND_TIME, at.ATTRIBUTES);
    batch.writeBigInt64BE(99n, at.MAX_TIMESTAMP);
    expect(read(resealed(batch)).records.map(({ timestamp }) => timestamp)).toEqual([99, 99]);
  });

  it('begin in the middle when the position does', () => {
    const { records, nextPosition } = read(batchAt(10, ['a', 'b', 'c'].map((text) => content(text))), 12);
    expect(records.map(({ offset }) => offset)).toEqual([12]);
    expect(nextPosition).toBe(13);
  });

  it('leave out a last one that was cut off, wherever the cut is', () => {
    const whole = Buffer.concat([batchAt(0, [content('a')]), batchAt(1, [content('b')])]);
    const first = batchAt(0, [content('a')]).length;
    for (let cut = first; cut < whole.length; cut += 1) {
      expect(read(whole.subarray(0, cut))).toMatchObject({ records: [{ offset: 0 }], nextPosition: 1 });
    }
    expect(read(whole.subarray(0, first - 1))).toEqual({ records: [], nextPosition: 0 });
  });

  it('move the position past what compaction took: gaps, tails, and whole batches', () => {
    const batches = Buffer.concat([
      compactedBatch(0, 9, [{ ...content('two'), offset: 2 }, { ...content('five'), offset: 5 }]),
      compactedBatch(10, 19, []),
      compactedBatch(20, 29, [{ ...content('twenty'), offset: 20 }]),
    ]);
    const { records, nextPosition } = read(batches);
    expect(records.map(({ offset, value }) => [offset, String(value)])).toEqual([[2, 'two'], [5, 'five'], [20, 'twenty']]);
    expect(nextPosition).toBe(30);
    expect(read(compactedBatch(10, 19, []), 10)).toEqual({ records: [], nextPosition: 20 });
  });

  it('are refused when a bit has changed', () => {
    const batch = batchAt(0, [content('hello')]);
    for (let i = at.ATTRIBUTES; i < batch.length; i += 1) {
      const damaged = Buffer.from(batch);
      damaged[i]! ^= 0x10;
      expect(() => read(damaged)).toThrow(/checksum/);
    }
  });

  it.each([
    [2, 'snappy'],
    [3, 'lz4'],
  ])('say which codec cannot be read (%d)', (codec, name) => {
    const batch = batchAt(0, [content('x')]);
    batch.writeInt16BE(codec, at.ATTRIBUTES);
    expect(() => read(resealed(batch))).toThrow(expect.objectContaining({ kind: 'fatal', message: expect.stringContaining(name) }));
  });

  it('of formats before Kafka 0.11 are named as such', () => {
    const batch = batchAt(0, [content('x')]);
    batch[at.MAGIC] = 1;
    expect(() => read(batch)).toThrow(BrokerError);
    expect(() => read(batch)).toThrow(/message format 1/);
  });

  it('need a record', () => {
    expect(() => writeBatch([], { producerId: 1, epoch: 0, baseSequence: 0, transactional: false })).toThrow(RangeError);
  });
});
