// Watches the running system from outside: topics, group and inventory, by the audit's own reading. Nothing here asks the roles themselves.

import { partitionName, type Broker, type Registry } from 'millrace';
import { follow, inputEnds, isSettled, partitionsOf, type AuditCounts, type AuditFollower, type AuditReport, type Pending } from '../../orders/audit/index.ts';
import { APPLICATION_ID, TOPICS } from '../../orders/domain.ts';
import type { LiveSnapshot } from '../../orders/live-view.ts';

export interface ObserverOptions {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly inventoryUrl: string;
  /** Where this run begins in the input topics. */
  readonly countFrom: ReadonlyMap<string, number>;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;

export interface Sight {
  readonly counts: AuditCounts;
  readonly pending: Pending;
  readonly recordsIn: number;
  readonly lagRecords: number | undefined;
}

export class Observer implements AsyncDisposable {
  readonly #options: ObserverOptions;
  readonly #follower: AuditFollower;
  #sight: Sight | undefined;
  #trouble: string | undefined;
  #changedAtMs = Date.now();

  constructor(options: ObserverOptions) {
    this.#options = options;
    const { broker, registry, inventoryUrl, countFrom, signal } = options;
    this.#follower = follow({ broker, registry, inventoryUrl, countFrom, signal, onTrouble: (reason) => void (this.#trouble = reason) });
  }

  get sight(): Sight | undefined {
    return this.#sight;
  }

  /** When what is pending last changed. */
  get changedAtMs(): number {
    return this.#changedAtMs;
  }

  get isSettled(): boolean {
    return this.#sight !== undefined && isSettled(this.#sight.pending);
  }

  /** Looks about once a second until `until` says so after a look. */
  async watch(until: (sight: Sight) => boolean): Promise<void> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      if (until(await this.#look())) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  report(): Promise<AuditReport> {
    return this.#follower.report();
  }

  live(state: string, startedMs: number, planned: number, lookFurther: Readonly<Record<string, string>>): LiveSnapshot {
    const { counts, pending, recordsIn = 0, lagRecords } = this.#sight ?? {};
    return {
      elapsedMs: Date.now() - startedMs,
      state,
      generator: { orders: counts?.orders ?? 0, ordersPlanned: planned },
      recordsIn,
      joined: counts?.joined ?? 0,
      duplicates: counts?.duplicatesSeen ?? 0,
      escalationsInFlight: pending?.ordersWithoutTerminal ?? 0,
      orders: counts?.statuses ?? {},
      refunds: counts?.refunds ?? 0,
      deadLetters: counts?.deadLetters ?? 0,
      lagRecords,
      lookFurther,
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower.close();
  }

  async #look(): Promise<Sight> {
    this.#trouble = undefined;
    await this.#follower.catchUp();
    const { admin } = this.#options.broker;
    const inputs = await partitionsOf(this.#options.broker, [TOPICS.orders, TOPICS.payments]);
    // In this order, or the lag of a quick reader would be negative.
    const committed = await admin.committedOffsets(APPLICATION_ID, inputs);
    const ends = await inputEnds(this.#options.broker);
    let [recordsIn, lagRecords] = [0, 0];
    for (const tp of inputs) {
      const name = partitionName(tp);
      recordsIn += ends.get(name)! - (this.#options.countFrom.get(name) ?? 0);
      lagRecords += ends.get(name)! - (committed.get(name)?.offset ?? 0);
    }
    const before = JSON.stringify(this.#sight);
    this.#sight = { counts: this.#follower.counts(), pending: this.#follower.pending(), recordsIn, lagRecords };
    if (JSON.stringify(this.#sight) !== before) this.#changedAtMs = Date.now();
    return this.#sight;
  }
}
