// Records → one record batch, written in place into one buffer whose size is computed first.

import type { OutgoingRecord } from '../../ports/broker.ts';
import { codecNumber, compress, type Compression } from './compression.ts';
import { crc32c } from './crc32c.ts';
import * as at from './layout.ts';

export interface BatchProducer {
  readonly producerId: number;
  readonly epoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

export type RecordContent = Pick<OutgoingRecord, 'key' | 'value' | 'timestamp' | 'headers'>;

export function writeBatch(records: readonly RecordContent[], producer: BatchProducer, compression: Compression = 'none'): Buffer {
  if (records.length === 0) throw new RangeError('A record batch needs at least one record');
  const baseTimestamp = records[0]!.timestamp;
  const bodySizes = new Array<number>(records.length);
  let recordBytes = 0;
  let maxTimestamp = baseTimestamp;
  for (let i = 0; i < records.length; i += 1) {
    const record = records[i]!;
    const body = bodySize(record, i, record.timestamp - baseTimestamp);
    bodySizes[i] = body;
    recordBytes += varintSize(body) + body;
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
  }

  let batch = Buffer.allocUnsafe(at.RECORDS + recordBytes);
  let position = at.RECORDS;
  for (let i = 0; i < records.length; i += 1) {
    position = writeRecord(batch, position, records[i]!, bodySizes[i]!, i, records[i]!.timestamp - baseTimestamp);
  }
  if (compression !== 'none') {
    const compressed = compress(compression, batch.subarray(at.RECORDS));
    batch = Buffer.concat([batch.subarray(0, at.RECORDS), compressed]);
  }

  writeInt64(batch, at.BASE_OFFSET, 0); // the leader puts in the real one; it is outside the checksum for that reason
  batch.writeInt32BE(batch.length - at.LENGTH_OVERHEAD, at.BATCH_LENGTH);
  batch.writeInt32BE(-1, at.LEADER_EPOCH);
  batch.writeInt8(2, at.MAGIC);
  batch.writeInt16BE(codecNumber(compression) | (producer.transactional ? at.TRANSACTIONAL : 0), at.ATTRIBUTES);
  batch.writeInt32BE(records.length - 1, at.LAST_OFFSET_DELTA);
  writeInt64(batch, at.BASE_TIMESTAMP, baseTimestamp);
  writeInt64(batch, at.MAX_TIMESTAMP, maxTimestamp);
  writeInt64(batch, at.PRODUCER_ID, producer.producerId);
  batch.writeInt16BE(producer.epoch, at.PRODUCER_EPOCH);
  batch.writeInt32BE(producer.baseSequence, at.BASE_SEQUENCE);
  batch.writeInt32BE(records.length, at.RECORD_COUNT);
  batch.writeUInt32BE(crc32c(batch, at.ATTRIBUTES), at.CRC);
  return batch;
}

/** What a record can take in a batch at most, for filling batches up to a limit before they are written. */
export function recordSizeMax(record: RecordContent): number {
  return 5 + bodySize(record, 0x7fffffff, Number.MAX_SAFE_INTEGER);
}

function bodySize(record: RecordContent, offsetDelta: number, timestampDelta: number): number {
  let size = 1 + varlongSize(timestampDelta) + varintSize(offsetDelta) + bytesSize(record.key) + bytesSize(record.value);
  size += varintSize(record.headers.length);
  for (const [name, value] of record.headers) {
    const nameBytes = Buffer.byteLength(name);
    size += varintSize(nameBytes) + nameBytes + bytesSize(value);
  }
  return size;
}

function writeRecord(
  buffer: Buffer,
  start: number,
  record: RecordContent,
  body: number,
  offsetDelta: number,
  timestampDelta: number,
): number {
  let position = writeVarint(buffer, start, body);
  buffer[position++] = 0; // attributes: none are defined
  position = writeVarlong(buffer, position, timestampDelta);
  position = writeVarint(buffer, position, offsetDelta);
  position = writeBytes(buffer, position, record.key);
  position = writeBytes(buffer, position, record.value);
  position = writeVarint(buffer, position, record.headers.length);
  for (const [name, value] of record.headers) {
    position = writeVarint(buffer, position, Buffer.byteLength(name));
    position += buffer.write(name, position);
    position = writeBytes(buffer, position, value);
  }
  return position;
}

function bytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeBytes(buffer: Buffer, position: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(buffer, position, -1);
  const start = writeVarint(buffer, position, bytes.length);
  buffer.set(bytes, start);
  return start + bytes.length;
}

function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let position = start;
  while (zigzag > 0x7f) {
    buffer[position++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[position++] = zigzag;
  return position;
}

// Timestamp deltas can pass 32 bits (two records of one batch a month apart), so this one calculates instead of shifting: exact below 2^52.
function zigzagLong(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varlongSize(value: number): number {
  let size = 1;
  for (let rest = zigzagLong(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

function writeVarlong(buffer: Buffer, start: number, value: number): number {
  let zigzag = zigzagLong(value);
  let position = start;
  while (zigzag > 0x7f) {
    buffer[position++] = (zigzag % 0x80) | 0x80;
    zigzag = Math.floor(zigzag / 0x80);
  }
  buffer[position++] = zigzag;
  return position;
}

function writeInt64(buffer: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * 0x1_0000_0000, position + 4);
}
