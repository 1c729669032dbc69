// Brings tasks' stores up to date from their changelogs, step by step, so that a rebalance can interrupt it.

import type { Broker, FetchedPartition, Fetcher } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { TaskState } from '../state/task-state.ts';

export interface ChangelogPart extends TopicPartition {
  readonly store: string;
  readonly position: number;
  /** Log end when the task was opened, open transactions included: past it everything committed before has been seen. */
  readonly end: number;
}

interface Entry {
  readonly part: ChangelogPart;
  readonly state: TaskState;
  /** What has come and is not applied. */
  readonly queue: FetchedPartition[];
  /** The first of the queue needs schemas that are being looked up, or needed them. */
  lookup: 'none' | 'pending' | 'over';
}

export class Restoration {
  readonly #fetcher: Fetcher;
  readonly #parts = new Map<string, Entry>();
  readonly #clock: Clock;
  #records = 0;

  constructor(broker: Broker, clock: Clock, onTrouble: (reason: string) => void) {
    this.#fetcher = broker.fetcher({ maxBytes: 16 * 1024 * 1024, maxBytesPerPartition: 4 * 1024 * 1024 });
    this.#clock = clock;
    this.#fetcher.onTrouble = onTrouble;
  }

  add(state: TaskState, parts: readonly ChangelogPart[]): void {
    for (const part of parts) {
      if (part.position >= part.end) continue;
      this.#parts.set(partitionName(part), { part, state, queue: [], lookup: 'none' });
      this.#fetcher.assign(part, part.position);
    }
  }

  isRestoring(state: TaskState): boolean {
    return [...this.#parts.values()].some((entry) => entry.state === state);
  }

  get isActive(): boolean {
    return this.#parts.size > 0;
  }

  /** Records applied since the last call of this. */
  takeCount(): number {
    const count = this.#records;
    this.#records = 0;
    return count;
  }

  /** @throws BrokerError `out-of-range` when a changelog lost records under us. */
  async step(maxWaitMs: number): Promise<void> {
    for (const fetched of await this.#fetcher.poll(maxWaitMs)) this.#parts.get(partitionName(fetched))?.queue.push(fetched);
    for (const entry of [...this.#parts.values()]) {
      while (entry.queue.length > 0 && entry.lookup !== 'pending') await this.#apply(entry, entry.queue[0]!);
    }
  }

  async #apply(entry: Entry, fetched: FetchedPartition): Promise<void> {
    const { part, state, queue } = entry;
    const records = fetched.records.flatMap(({ key, ...rest }) => (key === null ? [] : [{ key, ...rest }]));
    if (entry.lookup === 'none') {
      const missing = state.prepareChangelog(part.store, records);
      if (missing !== undefined) return this.#hold(entry, missing);
    } else this.#fetcher.resume(part);
    entry.lookup = 'none';
    queue.shift();
    await state.applyChangelog(part.store, records, fetched.nextPosition, this.#clock.now());
    this.#records += records.length;
    if (fetched.nextPosition >= part.end) this.#forget(entry);
  }

  /** A registry may be away for long: other partitions go on, and so does the place in the group. */
  #hold(entry: Entry, missing: Promise<unknown>): void {
    entry.lookup = 'pending';
    this.#fetcher.pause(entry.part);
    void missing.finally(() => (entry.lookup = 'over'));
  }

  /** Stops whatever is being restored into these stores; what was applied stays applied. */
  cancel(state: TaskState): void {
    for (const entry of [...this.#parts.values()]) if (entry.state === state) this.#forget(entry);
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
  }

  #forget(entry: Entry): void {
    entry.queue.length = 0;
    this.#parts.delete(partitionName(entry.part));
    this.#fetcher.unassign(entry.part);
  }
}
