// A request is a value: what to write, how to read the answer. Who carries it (a kafkajs connection) is known in door.ts only.

import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

export interface KafkaRequest<Answer> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly version: number;
  /** From a version on that the protocol fixes per request, headers and fields use the compact forms. */
  readonly flexible: boolean;
  /** Other than the usual half minute: longer for what the broker holds back on purpose, shorter where silence itself is the news. */
  readonly timeoutMs?: number;
  readonly sizeHint?: number;
  write(writer: Writer): void;
  read(reader: Reader): Answer;
}

/** For requests that a healthy broker answers at once: a frozen one should be noticed within a session timeout. */
export const PROMPT_TIMEOUT_MS = 8_000;

export interface TopicGroup<T> {
  readonly topic: string;
  readonly partitions: readonly T[];
}

/** Most requests nest partitions under topics; everything else here is flat. */
export function groupByTopic<T extends { readonly topic: string }>(items: Iterable<T>): TopicGroup<T>[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group === undefined) groups.set(item.topic, [item]);
    else group.push(item);
  }
  return [...groups].map(([topic, partitions]) => ({ topic, partitions }));
}
