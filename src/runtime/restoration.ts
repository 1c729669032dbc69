// Brings tasks' stores up to date from their changelogs, step by step, so that a rebalance can interrupt it.

import type { Broker, Fetcher } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { TaskState } from '../state/task-state.ts';

export interface ChangelogPart extends TopicPartition {
  readonly store: string;
  readonly position: number;
  /** Log end when the task was opened, open transactions included: past it everything committed before has been seen. */
  readonly end: number;
}

export class Restoration {
  readonly #fetcher: Fetcher;
  readonly #parts = new Map<string, { part: ChangelogPart; state: TaskState }>();
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
      this.#parts.set(partitionName(part), { part, state });
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
    for (const fetched of await this.#fetcher.poll(maxWaitMs)) {
      const entry = this.#parts.get(partitionName(fetched));
      if (entry === undefined) continue;
      const { part, state } = entry;
      const records = fetched.records.flatMap(({ key, ...rest }) => (key === null ? [] : [{ key, ...rest }]));
      await state.applyChangelog(part.store, records, fetched.nextPosition, this.#clock.now());
      this.#records += records.length;
      if (fetched.nextPosition >= part.end) this.#forget(part);
    }
  }

  /** Stops whatever is being restored into these stores; what was applied stays applied. */
  cancel(state: TaskState): void {
    for (const { part, state: own } of [...this.#parts.values()]) if (own === state) this.#forget(part);
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
  }

  #forget(part: ChangelogPart): void {
    this.#parts.delete(partitionName(part));
    this.#fetcher.unassign(part);
  }
}
