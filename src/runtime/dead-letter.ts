// A record that cannot be processed, as it goes to the dead-letter topic: raw bytes as they came, with headers that say what, why and where from.
// Header names are Kafka Streams' own (KIP-1034).

import type { OutgoingRecord } from '../ports/broker.ts';
import { StreamsError } from '../record/errors.ts';
import { partitionName, type Headers, type RawRecord, type TopicPartition } from '../record/record.ts';
import { messageOf } from './logger.ts';
import type { RecordLimits } from './record-limits.ts';

/** An error may quote what it is about, which may be as large as the record itself. */
const MESSAGE_LENGTH_MAX = 2_000;

export function deadLetter(topic: string, partition: number, error: unknown, from: TopicPartition, raw: RawRecord, limits: RecordLimits): OutgoingRecord {
  const about = headersAbout(error, from, raw);
  const letter = { topic, partition, key: raw.key, value: raw.value, timestamp: Math.max(0, raw.timestamp), headers: [...raw.headers, ...about] };
  if (limits.fits(letter)) return letter;
  // Better a dead letter without the bytes than no way on: it says where they still are.
  const place = `${partitionName(from)}@${raw.offset}`;
  const omitted = `key ${raw.key?.length ?? 0} bytes, value ${raw.value?.length ?? 0} bytes, headers ${raw.headers.length}: too large for this topic, still at ${place}`;
  return { ...letter, key: null, value: null, headers: [...about, ['__streams.errors.omitted', Buffer.from(omitted)]] };
}

function headersAbout(error: unknown, from: TopicPartition, raw: RawRecord): Headers {
  const code = error instanceof StreamsError ? error.code : error instanceof Error ? error.name : 'UNKNOWN';
  const message = messageOf(error);
  return [
    ['__streams.errors.exception', Buffer.from(code)],
    ['__streams.errors.message', Buffer.from(message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message)],
    ['__streams.errors.topic', Buffer.from(from.topic)],
    ['__streams.errors.partition', Buffer.from(String(from.partition))],
    ['__streams.errors.offset', Buffer.from(String(raw.offset))],
  ];
}
