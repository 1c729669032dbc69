// Batches as a broker would hand them out: at an offset, with control markers, with records that compaction took.

import * as at from '../../../src/broker/record-batch/layout.ts';
import { crc32c } from '../../../src/broker/record-batch/crc32c.ts';
import { writeBatch, type RecordContent } from '../../../src/broker/record-batch/write.ts';
import type { Compression } from '../../../src/broker/record-batch/compression.ts';
import { NO_HEADERS } from '../../../src/record/record.ts';

export const TP = { topic: 't', partition: 3 };

export function content(value: string, more: Partial<RecordContent> = {}): RecordContent {
  return { key: null, value: Buffer.from(value), timestamp: 1_750_000_000_000, headers: NO_HEADERS, ...more };
}

export function batchAt(
  baseOffset: number,
  records: readonly RecordContent[],
  { producerId = -1, transactional = false, compression = 'none' as Compression } = {},
): Buffer {
  const batch = writeBatch(records, { producerId, epoch: 0, baseSequence: 0, transactional }, compression);
  return placed(batch, baseOffset);
}

export function markerAt(offset: number, producerId: number, marker: 'commit' | 'abort'): Buffer {
  const key = Buffer.from([0, 0, 0, marker === 'commit' ? 1 : 0]);
  const batch = batchAt(offset, [content('', { key, value: Buffer.alloc(6) })], { producerId, transactional: true });
  batch.writeInt16BE(at.TRANSACTIONAL | at.CONTROL, at.ATTRIBUTES);
  return resealed(batch);
}

/** What the cleaner leaves: fewer records, or none, under the offsets the batch had. */
export function compactedBatch(baseOffset: number, lastOffset: number, kept: readonly (RecordContent & { offset: number })[], producerId = -1): Buffer {
  const gaps = Array.from({ length: lastOffset - baseOffset + 1 }, (_, i) => kept.find(({ offset }) => offset === baseOffset + i));
  const records = gaps.flatMap((record, delta) => (record === undefined ? [] : [withDelta(record, delta)]));
  const head = batchAt(baseOffset, [content('x')], { producerId, transactional: producerId >= 0 }).subarray(0, at.RECORDS);
  const batch = Buffer.concat([head, ...records]);
  batch.writeInt32BE(batch.length - at.LENGTH_OVERHEAD, at.BATCH_LENGTH);
  batch.writeInt32BE(lastOffset - baseOffset, at.LAST_OFFSET_DELTA);
  batch.writeInt32BE(records.length, at.RECORD_COUNT);
  return resealed(batch);
}

export function resealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, at.ATTRIBUTES), at.CRC);
  return batch;
}

function placed(batch: Buffer, baseOffset: number): Buffer {
  batch.writeBigInt64BE(BigInt(baseOffset), at.BASE_OFFSET);
  return batch;
}

/** One record alone, cut out of a batch in which it stands behind `delta` others. */
function withDelta(record: RecordContent, delta: number): Buffer {
  const filler = Array.from({ length: delta }, () => content('', { timestamp: record.timestamp }));
  const before = batchAt(0, [...filler, content('', { timestamp: record.timestamp })].slice(0, Math.max(delta, 1))).length;
  const whole = batchAt(0, [...filler, record]);
  return whole.subarray(delta === 0 ? at.RECORDS : before);
}
