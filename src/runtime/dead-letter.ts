// A record that cannot be processed, as it goes to the dead-letter topic: raw bytes as they came, with headers that say what, why and where from.
// Header names are Kafka Streams' own (KIP-1034).

import type { OutgoingRecord } from '../ports/broker.ts';
import type { RawRecord, TopicPartition } from '../record/record.ts';
import { StreamsError } from '../record/errors.ts';
import { messageOf } from './logger.ts';

export function deadLetter(topic: string, partition: number, error: unknown, from: TopicPartition, raw: RawRecord): OutgoingRecord {
  const code = error instanceof StreamsError ? error.code : error instanceof Error ? error.name : 'UNKNOWN';
  return {
    topic,
    partition,
    key: raw.key,
    value: raw.value,
    timestamp: Math.max(0, raw.timestamp),
    headers: [
      ...raw.headers,
      ['__streams.errors.exception', Buffer.from(code)],
      ['__streams.errors.message', Buffer.from(messageOf(error))],
      ['__streams.errors.topic', Buffer.from(from.topic)],
      ['__streams.errors.partition', Buffer.from(String(from.partition))],
      ['__streams.errors.offset', Buffer.from(String(raw.offset))],
    ],
  };
}
