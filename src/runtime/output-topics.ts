// Topics that records are written to. Those that the topology names are known from the start. Those that a function names record by record are looked up
// when the first commit is prepared that has a record for them: processing never waits.

import type { BrokerAdmin } from '../ports/broker.ts';
import { StreamsError } from '../record/errors.ts';
import type { SinkNode } from '../topology/graph/node.ts';
import type { RecordLimits } from './record-limits.ts';

/** A record is to be written to a topic that does not exist. */
export class UnknownTopicError extends StreamsError {
  readonly code = 'UNKNOWN_TOPIC';
  readonly remedy = 'fix-settings';
  readonly topic: string;
  constructor(topic: string, sink: string) {
    super(`A record is to be written to topic "${topic}", which the function at "${sink}" has named, and which does not exist. Create the topic and start again, or name another.`);
    this.topic = topic;
  }
}

/** What must be known of a topic before a sink can write to it. */
export interface Wanted {
  readonly sink: SinkNode;
  readonly topic: string;
}

export class OutputTopics {
  readonly #admin: BrokerAdmin;
  readonly #partitions: Map<string, number>;
  readonly #limits: RecordLimits;
  readonly #missing = new Set<string>();
  /** Topics that a sink's serdes have been opened for. */
  readonly #opened = new Map<SinkNode, Set<string>>();

  constructor(admin: BrokerAdmin, partitions: ReadonlyMap<string, number>, limits: RecordLimits) {
    this.#admin = admin;
    this.#partitions = new Map(partitions);
    this.#limits = limits;
  }

  /** Partition count of a topic that the topology or a setting names. */
  countOf(topic: string): number {
    return this.#partitions.get(topic)!;
  }

  /** Partition count of a topic that a function has named; undefined until it has been looked up. @throws {UnknownTopicError} */
  countFor({ sink, topic }: Wanted): number | undefined {
    if (this.#missing.has(topic)) throw new UnknownTopicError(topic, sink.name);
    return this.#opened.get(sink)?.has(topic) === true ? this.#partitions.get(topic) : undefined;
  }

  /** Looks up what is not known yet, once each; a topic that does not exist is remembered as such until the instance starts again. */
  async learn(wanted: readonly Wanted[]): Promise<void> {
    for (const { sink, topic } of wanted) {
      const opened = this.#opened.get(sink) ?? new Set();
      if (opened.has(topic) || !(await this.#exists(topic))) continue;
      await sink.key.open?.(topic, 'key');
      await sink.value.open?.(topic, 'value');
      this.#opened.set(sink, opened.add(topic));
    }
  }

  async #exists(topic: string): Promise<boolean> {
    if (this.#partitions.has(topic)) return true;
    if (this.#missing.has(topic)) return false;
    const count = await this.#admin.partitionCount(topic);
    if (count === undefined) {
      this.#missing.add(topic);
      return false;
    }
    await this.#limits.learn(this.#admin, topic);
    this.#partitions.set(topic, count);
    return true;
  }
}
