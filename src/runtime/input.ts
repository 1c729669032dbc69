// Between fetcher and tasks: holds a partition's data back until its serdes have what they need (a schema still to be looked up), in order, without
// holding up the others.

import type { FetchedPartition } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { SourceNode } from '../topology/graph/node.ts';

/** How the records of a partition are read. */
type Serdes = Pick<SourceNode, 'key' | 'value'>;

export class Input {
  readonly #deliver: (fetched: FetchedPartition) => void;
  readonly #waiting = new Map<string, { queue: FetchedPartition[]; source: Serdes }>();

  constructor(deliver: (fetched: FetchedPartition) => void) {
    this.#deliver = deliver;
  }

  add(fetched: FetchedPartition, source: Serdes): void {
    const name = partitionName(fetched);
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      waiting.queue.push(fetched);
      return;
    }
    const missing = whatIsMissing(fetched, source);
    if (missing.length === 0) return this.#deliver(fetched);
    const entry = { queue: [fetched], source };
    this.#waiting.set(name, entry);
    void this.#drain(name, entry, missing);
  }

  /** True while data of this partition is held back: fetching more of it would only pile up. */
  isHolding(tp: TopicPartition): boolean {
    return this.#waiting.has(partitionName(tp));
  }

  get isHoldingAny(): boolean {
    return this.#waiting.size > 0;
  }

  /** Data of a partition that is no longer ours is forgotten. */
  drop(tp: TopicPartition): void {
    this.#waiting.delete(partitionName(tp));
  }

  async #drain(name: string, entry: { queue: FetchedPartition[]; source: Serdes }, missing: Promise<void>[]): Promise<void> {
    for (let pending = missing; ; ) {
      await Promise.allSettled(pending);
      if (this.#waiting.get(name) !== entry) return;
      this.#deliver(entry.queue.shift()!);
      const next = entry.queue[0];
      if (next === undefined) break;
      pending = whatIsMissing(next, entry.source);
    }
    this.#waiting.delete(name);
  }
}

function whatIsMissing(fetched: FetchedPartition, source: Serdes): Promise<void>[] {
  const { key, value } = source;
  if (key.prepare === undefined && value.prepare === undefined) return [];
  const missing: Promise<void>[] = [];
  for (const record of fetched.records) {
    const forKey = record.key === null ? undefined : key.prepare?.(fetched.topic, record.key);
    const forValue = record.value === null ? undefined : value.prepare?.(fetched.topic, record.value);
    if (forKey !== undefined) missing.push(forKey);
    if (forValue !== undefined) missing.push(forValue);
  }
  return missing;
}
