// Record batches → records, as slices of the answer they came in: nothing is copied, so what is kept for long must be copied by whoever keeps it.

import { BrokerError } from '../../ports/broker.ts';
import { NO_HEADERS, partitionName, type Headers, type RawRecord, type TopicPartition } from '../../record/record.ts';
import { readInt64 } from '../protocol/reader.ts';
import { decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import * as at from './layout.ts';

export interface BatchHeader {
  /** Where the batch starts and ends in the buffer. */
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  /** Of the batch, not of its last record: compaction removes records but keeps this. */
  readonly lastOffset: number;
  readonly attributes: number;
  readonly producerId: number;
  readonly recordCount: number;
}

/** The complete batches of a buffer; a last one that the broker cut off is left out. @throws on a wrong checksum or an old format. */
export function* batchHeaders(buffer: Buffer, partition: TopicPartition): Generator<BatchHeader> {
  let start = 0;
  while (start + at.RECORDS <= buffer.length) {
    const end = start + at.LENGTH_OVERHEAD + buffer.readInt32BE(start + at.BATCH_LENGTH);
    if (end > buffer.length) return;
    const magic = buffer[start + at.MAGIC]!;
    const baseOffset = readInt64(buffer, start + at.BASE_OFFSET);
    if (magic !== 2) throw oldFormat(partition, baseOffset, magic);
    if (crc32c(buffer, start + at.ATTRIBUTES, end) !== buffer.readUInt32BE(start + at.CRC)) throw corrupt(partition, baseOffset);
    yield {
      start,
      end,
      baseOffset,
      lastOffset: baseOffset + buffer.readInt32BE(start + at.LAST_OFFSET_DELTA),
      attributes: buffer.readInt16BE(start + at.ATTRIBUTES),
      producerId: readInt64(buffer, start + at.PRODUCER_ID),
      recordCount: buffer.readInt32BE(start + at.RECORD_COUNT),
    };
    start = end;
  }
}

/** Appends the records of one batch, from `fromOffset` on, to `into`. */
export function readRecords(buffer: Buffer, batch: BatchHeader, fromOffset: number, partition: TopicPartition, into: RawRecord[]): void {
  if (batch.recordCount === 0) return; // compaction keeps empty batches to remember a producer's sequence
  const compressed = buffer.subarray(batch.start + at.RECORDS, batch.end);
  const cursor = new RecordCursor(decompress(batch.attributes & at.CODEC_MASK, compressed, partition));
  const baseTimestamp = readInt64(buffer, batch.start + at.BASE_TIMESTAMP);
  const appendTime = batch.attributes & at.LOG_APPEND_TIME ? readInt64(buffer, batch.start + at.MAX_TIMESTAMP) : undefined;
  for (let i = 0; i < batch.recordCount; i += 1) {
    const end = cursor.varint() + cursor.position;
    cursor.position += 1; // attributes
    const timestamp = baseTimestamp + cursor.varlong();
    const offset = batch.baseOffset + cursor.varint();
    if (offset < fromOffset) {
      cursor.position = end;
      continue;
    }
    into.push({ offset, timestamp: appendTime ?? timestamp, key: cursor.bytes(), value: cursor.bytes(), headers: cursor.headers() });
    cursor.position = end;
  }
}

export type Marker = 'abort' | 'commit' | 'other';

/** What the only record of a control batch says. */
export function controlMarker(buffer: Buffer, batch: BatchHeader): Marker {
  if (batch.recordCount === 0) return 'other';
  const cursor = new RecordCursor(buffer.subarray(batch.start + at.RECORDS, batch.end));
  cursor.varint();
  cursor.position += 1;
  cursor.varlong();
  cursor.varint();
  const key = cursor.bytes();
  if (key === null || key.length < 4) return 'other';
  const type = key.readInt16BE(2); // after the version
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other';
}

class RecordCursor {
  position = 0;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  varint(): number {
    const buffer = this.#buffer;
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = buffer[this.position++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /** Up to 2^53: by arithmetic once 28 bits are passed, because shifts end at 32. */
  varlong(): number {
    const buffer = this.#buffer;
    let zigzag = 0;
    let byte = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      byte = buffer[this.position++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    for (let scale = 2 ** 28; byte >= 0x80; scale *= 0x80) {
      byte = buffer[this.position++]!;
      zigzag += (byte & 0x7f) * scale;
    }
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.position;
    this.position = start + length;
    return this.#buffer.subarray(start, start + length);
  }

  headers(): Headers {
    const count = this.varint();
    if (count === 0) return NO_HEADERS;
    const headers: [string, Buffer | null][] = [];
    for (let i = 0; i < count; i += 1) headers.push([(this.bytes() ?? Buffer.alloc(0)).toString('utf8'), this.bytes()]);
    return headers;
  }
}

function corrupt(partition: TopicPartition, baseOffset: number): BrokerError {
  return new BrokerError(
    'retriable',
    'CORRUPT_MESSAGE',
    `The record batch at offset ${baseOffset} of ${partitionName(partition)} does not match its checksum. If it stays so, the log on the broker's disk is ` +
      `damaged: compare with another replica (kafka-dump-log --deep-iteration).`,
    { partition },
  );
}

function oldFormat(partition: TopicPartition, baseOffset: number, magic: number): BrokerError {
  return new BrokerError(
    'fatal',
    'UNSUPPORTED_FOR_MESSAGE_FORMAT',
    `The record batch at offset ${baseOffset} of ${partitionName(partition)} has message format ${magic}, from before Kafka 0.11. ` +
      `Copy the topic with a current producer; this client reads format 2 only.`,
    { partition },
  );
}
