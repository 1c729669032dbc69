// Reads topics like any read_committed consumer that belongs to no group: from the start to where they stably end, and on from there at the next call.

import type { Broker, FetchedPartition, Fetcher, TopicPartition } from 'millrace';
import { partitionName } from 'millrace';

const POLL_MS = 500;

export class TopicReader {
  readonly #broker: Broker;
  readonly #fetcher: Fetcher;
  /** By partition: where to read on. */
  readonly #positions = new Map<string, number>();
  readonly #signal: AbortSignal | undefined;

  constructor(broker: Broker, options: { onTrouble?: ((reason: string) => void) | undefined; signal?: AbortSignal | undefined } = {}) {
    this.#broker = broker;
    this.#signal = options.signal;
    this.#fetcher = broker.fetcher();
    if (options.onTrouble !== undefined) this.#fetcher.onTrouble = options.onTrouble;
  }

  /** Reads what the topics hold at the time of the call (some newer records may come along). Topics that do not exist are empty. */
  async readToEnd(topics: readonly string[], onData: (data: FetchedPartition) => Promise<void>): Promise<void> {
    const partitions = await partitionsOf(this.#broker, topics);
    const ends = await this.#broker.admin.listOffsets(partitions, 'stable');
    const starts = await this.#broker.admin.listOffsets(partitions.filter((tp) => !this.#positions.has(partitionName(tp))), 'earliest');
    for (const [name, start] of starts) this.#positions.set(name, start);

    const isBehind = (tp: TopicPartition) => this.#positions.get(partitionName(tp))! < (ends.get(partitionName(tp)) ?? 0);
    const behind = new Map(partitions.filter(isBehind).map((tp) => [partitionName(tp), tp]));
    for (const [name, tp] of behind) this.#fetcher.assign(tp, this.#positions.get(name)!);
    try {
      while (behind.size > 0) {
        this.#signal?.throwIfAborted();
        for (const data of await this.#fetcher.poll(POLL_MS)) {
          const name = partitionName(data);
          if (!behind.has(name)) continue;
          await onData(data);
          this.#positions.set(name, data.nextPosition);
          if (isBehind(data)) continue;
          behind.delete(name);
          this.#fetcher.unassign(data);
        }
      }
    } finally {
      for (const tp of behind.values()) this.#fetcher.unassign(tp);
    }
  }

  close(): Promise<void> {
    return this.#fetcher.close();
  }
}

export async function partitionsOf(broker: Broker, topics: readonly string[]): Promise<TopicPartition[]> {
  const counts = await Promise.all(topics.map(async (topic) => ({ topic, count: (await broker.admin.partitionCount(topic)) ?? 0 })));
  return counts.flatMap(({ topic, count }) => Array.from({ length: count }, (_, partition) => ({ topic, partition })));
}
