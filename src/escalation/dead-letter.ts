// A command that can never be delivered, as it goes to the dead-letter topic: its bytes as they came, with headers that say what, why and where from.
// Header names are Kafka Streams' own (KIP-1034).

import type { OutgoingRecord } from '../ports/broker.ts';
import type { RawRecord, TopicPartition } from '../record/record.ts';

/** What the header `__streams.errors.exception` says; docs/errors.md explains each. */
export type DeadLetterCode = 'UNREADABLE_COMMAND' | 'UNKNOWN_WORKFLOW_TYPE' | 'REFUSED_BY_TEMPORAL' | 'NOWHERE_TO_REPLY' | 'ANSWER_TOO_LARGE';

/** Where commands go that can never be delivered: `<commands topic>-dlq`. */
export function deadLetterTopic(commandsTopic: string): string {
  return `${commandsTopic}-dlq`;
}

export function deadLetter(at: TopicPartition, record: RawRecord, code: DeadLetterCode, detail: string): OutgoingRecord {
  return {
    topic: deadLetterTopic(at.topic),
    partition: 0,
    key: record.key,
    value: record.value,
    timestamp: Math.max(0, record.timestamp),
    headers: [
      ...record.headers,
      ['__streams.errors.exception', Buffer.from(code)],
      ['__streams.errors.message', Buffer.from(detail)],
      ['__streams.errors.topic', Buffer.from(at.topic)],
      ['__streams.errors.partition', Buffer.from(String(at.partition))],
      ['__streams.errors.offset', Buffer.from(String(record.offset))],
    ],
  };
}

/** For a command that is itself too large for the dead-letter topic. */
export function deadLetterWithoutValue(at: TopicPartition, record: RawRecord, code: DeadLetterCode, detail: string): OutgoingRecord {
  const note = `; its ${record.value?.length ?? 0} bytes are too many for the dead-letter topic, read them at their source`;
  return { ...deadLetter(at, record, code, detail + note), value: null };
}
