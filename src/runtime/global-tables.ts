// Reads the topics of global tables: all their partitions, on every instance. To their ends before the first task runs, and on from there, in between the rounds
// of the loop.
//
// Invariant: the rows are what the topics say up to the stored positions, neither more nor less. Rows and positions are one batch, so a crash in the middle of it
// changes nothing and a restart goes on from there; whatever cannot be gone on from (topics that have lost records, positions of another topic, deletions that
// the topics may have forgotten, damage) is wiped and read anew, and meanwhile no task runs. A broker that is slow or away makes rows old, never wrong.

import { BrokerError, type Broker, type FetchedPartition, type Fetcher } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import { GLOBAL_TABLES, type StateDirectory, type TaskDatabase } from '../ports/state-directory.ts';
import { partitionName, type RawRecord, type TopicPartition } from '../record/record.ts';
import { CorruptStateError } from '../state/errors.ts';
import { GlobalState, type GlobalRow } from '../state/global-state.ts';
import type { GlobalTableNode } from '../topology/graph/node.ts';
import type { AnyStoreSpec, KeyValueStore } from '../topology/store-spec.ts';
import { TaskFailedError } from './errors.ts';
import { TOO_OLD, whyUnusable } from './global-plan.ts';
import { Input } from './input.ts';
import { messageOf, type Logger } from './logger.ts';
import type { Counters } from './metrics.ts';
import type { ResolvedSettings } from './settings.ts';

export interface GlobalTablesParts {
  readonly tables: readonly GlobalTableNode[];
  readonly broker: Broker;
  readonly directory: StateDirectory;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly errors: ResolvedSettings['errors'];
  readonly log: Logger;
}

/** How often the ends of the topics are asked for, to know how current the tables are and whether a topic has got more partitions. */
const LOOK_INTERVAL_MS = 30_000;
/** So many of them may go by unanswered before it is taken for being cut off. */
const LOOKS_MISSED = 10;

interface Followed {
  readonly tp: TopicPartition;
  /** Everything before has been applied. */
  position: number;
}

/** Where the topics ended at a time (epoch ms), by `partitionName`. */
interface Ends {
  readonly atMs: number;
  readonly partitions: readonly TopicPartition[];
  readonly stable: ReadonlyMap<string, number>;
}

export class GlobalTables {
  readonly #parts: GlobalTablesParts;
  readonly #byTopic: ReadonlyMap<string, GlobalTableNode>;
  readonly #fetcher: Fetcher;
  readonly #input: Input;
  #arrived: FetchedPartition[] = [];
  readonly #state: GlobalState;
  readonly #followed = new Map<string, Followed>();
  /** When all this is read, the tables are as current as its time. */
  #target: Ends | undefined;
  #isReady = false;
  /** The answer to the last look, for the loop to take up. */
  #found: Ends | undefined;
  #lookedAtMs = 0;
  /** How long the topics show deletions, the shortest of them. */
  #deletionsKeptMs = Number.POSITIVE_INFINITY;

  constructor(parts: GlobalTablesParts) {
    this.#parts = parts;
    this.#byTopic = new Map(parts.tables.map((table) => [table.topic, table]));
    this.#state = new GlobalState(parts.tables);
    this.#fetcher = parts.broker.fetcher();
    this.#fetcher.onTrouble = (reason) => parts.log('warn', reason);
    this.#input = new Input((fetched) => {
      this.#arrived.push(fetched);
      this.#fetcher.resume(fetched);
    });
  }

  /** True when every topic has been read to where it ended when it was opened: tasks may run. */
  get isReady(): boolean {
    return this.#byTopic.size === 0 || this.#isReady;
  }

  /** True when nothing that has arrived waits to be applied. */
  get isIdle(): boolean {
    return this.isReady && this.#arrived.length === 0 && !this.#input.isHoldingAny;
  }

  /** The rows of a global table, to be read only; undefined when no global table has this store. */
  store<K, V>(spec: AnyStoreSpec): KeyValueStore<K, V> | undefined {
    return this.#state.store(spec);
  }

  /** Reads to the ends, as long as `isWanted`. */
  async bootstrap(maxWaitMs: number, isWanted: () => boolean): Promise<void> {
    while (!this.isReady && isWanted()) await this.step(maxWaitMs);
  }

  /**
   * Applies what has arrived, waiting at most `maxWaitMs` for it; tells whether that was anything.
   * @throws {TaskFailedError} when the error policy does not want to go on without a record.
   */
  async step(maxWaitMs: number): Promise<boolean> {
    if (this.#byTopic.size === 0) return false;
    try {
      return await this.#step(maxWaitMs);
    } catch (error) {
      if (!(error instanceof TablesLostError)) throw error;
      this.#parts.log('warn', `Global tables are wiped and read anew: ${error.message}`);
      await this.wipe();
      return true;
    }
  }

  /** Forgets everything; the next step begins anew. */
  async wipe(): Promise<void> {
    await this.#closeState();
    await this.#parts.directory.wipe(GLOBAL_TABLES);
  }

  async close(): Promise<void> {
    await this.#closeState();
    await this.#fetcher.close();
  }

  async #step(maxWaitMs: number): Promise<boolean> {
    if (!this.#state.isOpen) await this.#open();
    for (const fetched of await this.#poll(this.#arrived.length > 0 ? 0 : maxWaitMs)) {
      this.#input.add(fetched, this.#byTopic.get(fetched.topic)!.store);
      // Its schemas are still being looked up: more of it would only pile up.
      if (this.#input.isHolding(fetched)) this.#fetcher.pause(fetched);
    }
    let hasApplied = false;
    for (let fetched = this.#arrived.shift(); fetched !== undefined; fetched = this.#arrived.shift()) hasApplied = (await this.#apply(fetched)) || hasApplied;
    this.#aim();
    await this.#arrive();
    return hasApplied;
  }

  async #open(): Promise<void> {
    const { broker, log, clock, directory, tables } = this.#parts;
    const ends = await this.#endsNow();
    const [starts, latest] = await Promise.all([broker.admin.listOffsets(ends.partitions, 'earliest'), broker.admin.listOffsets(ends.partitions, 'latest')]);
    this.#deletionsKeptMs = Math.min(...(await broker.admin.deletionsKeptMs([...this.#byTopic.keys()])).values());
    await this.#openDatabase();
    const why = whyUnusable(this.#state.record, { tables, partitions: ends.partitions, starts, ends: latest, deletionsKeptMs: this.#deletionsKeptMs, nowMs: clock.now() });
    if (why !== undefined) {
      log('info', `Global tables are read anew: ${why}.`);
      await this.#state.close();
      await directory.wipe(GLOBAL_TABLES);
      await this.#openDatabase();
    }
    await this.#guarded(() => this.#prepareValues());
    const { positions = {} } = this.#state.record ?? {};
    for (const tp of ends.partitions) this.#follow(tp, positions[partitionName(tp)] ?? starts.get(partitionName(tp))!);
    this.#target = ends;
    this.#lookedAtMs = clock.now();
  }

  async #openDatabase(): Promise<void> {
    const { directory, log } = this.#parts;
    let database: TaskDatabase | undefined;
    try {
      database = await directory.open(GLOBAL_TABLES);
      this.#state.open(database);
    } catch (error) {
      if (!(error instanceof CorruptStateError)) throw error;
      log('warn', error.message);
      await database?.close();
      await directory.wipe(GLOBAL_TABLES);
      this.#state.open(await directory.open(GLOBAL_TABLES));
    }
  }

  /** Rows are read in the middle of processing, where nobody can wait for a schema. */
  async #prepareValues(): Promise<void> {
    for (const { topic, store } of this.#parts.tables) {
      if (store.value.prepare === undefined) continue;
      for await (const bytes of this.#state.values(store.name)) await store.value.prepare(topic, bytes)?.catch(() => {});
    }
  }

  #follow(tp: TopicPartition, position: number): void {
    this.#followed.set(partitionName(tp), { tp, position });
    this.#fetcher.assign(tp, position);
  }

  async #poll(maxWaitMs: number): Promise<FetchedPartition[]> {
    try {
      return await this.#fetcher.poll(maxWaitMs);
    } catch (error) {
      if (error instanceof BrokerError && error.kind === 'out-of-range') throw new TablesLostError(error.message);
      throw error;
    }
  }

  async #apply(fetched: FetchedPartition): Promise<boolean> {
    const { records, topic, nextPosition } = fetched;
    const followed = this.#followed.get(partitionName(fetched));
    if (followed === undefined || nextPosition <= followed.position) return false;
    const table = this.#byTopic.get(topic)!;
    const rows = records.flatMap((raw) => this.#rowOf(table, fetched, raw) ?? []);
    await this.#guarded(() => this.#state.apply(table.store.name, fetched, rows, nextPosition, this.#parts.clock.now()));
    followed.position = nextPosition;
    return true;
  }

  /** The key in this application's own bytes: another writer's may be others for the same key. */
  #rowOf({ name, store: { key, value } }: GlobalTableNode, { topic, partition }: TopicPartition, raw: RawRecord): GlobalRow | undefined {
    const { counters, errors, log } = this.#parts;
    if (raw.key === null) return void counters.add(`${name}.dropped`);
    try {
      const own = key.serialize(topic, key.deserialize(topic, raw.key));
      if (raw.value !== null) value.deserialize(topic, raw.value); // whoever looks it up must be able to read it
      return { key: own, value: raw.value, timestamp: Math.max(0, raw.timestamp) };
    } catch (error) {
      const place = `record ${partitionName({ topic, partition })}@${raw.offset}`;
      const decision = errors.deserialization(error, { source: { topic, partition, offset: raw.offset }, key: raw.key, value: raw.value });
      counters.add('undecodable');
      if (decision === 'fail') throw new TaskFailedError('of the global tables', place, messageOf(error), error);
      // Not to the dead letters: every instance reads it, and again after each wipe.
      log('warn', `Global tables: ${place} is left out: ${messageOf(error)}`);
      counters.add('skipped');
      return undefined;
    }
  }

  /** Asks for the ends from time to time, without waiting: the broker may be away. The answer is taken up in a later step, so that only the loop changes anything. */
  #aim(): void {
    if (this.#target !== undefined) return;
    if (this.#found !== undefined) {
      // Keys of a topic that has grown have moved to other partitions; rows read before stay until they are written again.
      for (const tp of this.#found.partitions) if (!this.#followed.has(partitionName(tp))) this.#follow(tp, 0);
      this.#target = this.#found;
      this.#found = undefined;
      return;
    }
    const now = this.#parts.clock.now();
    if (now - this.#lookedAtMs < LOOK_INTERVAL_MS) return;
    this.#lookedAtMs = now;
    void this.#endsNow().then(
      (ends) => void (this.#found = ends),
      () => {}, // the next look asks again
    );
  }

  /** When what was aimed at is read. Whoever was cut off for longer than topics keep deletions, though running all the while, has missed some for good. */
  async #arrive(): Promise<void> {
    const target = this.#target;
    if (target === undefined || !target.partitions.every((tp) => this.#followed.get(partitionName(tp))!.position >= target.stable.get(partitionName(tp))!)) return;
    this.#target = undefined;
    const before = this.#state.record?.currentAtMs;
    // Between two looks nobody can tell, and a topic that forgets so fast is not compacted at once.
    const keptMs = Math.max(this.#deletionsKeptMs, LOOKS_MISSED * LOOK_INTERVAL_MS);
    if (before !== undefined && target.atMs - before > keptMs) throw new TablesLostError(TOO_OLD);
    await this.#guarded(() => this.#state.isCurrent(target.atMs));
    this.#isReady = true;
  }

  async #endsNow(): Promise<Ends> {
    const { broker, clock } = this.#parts;
    const atMs = clock.now();
    const partitions: TopicPartition[] = [];
    for (const topic of this.#byTopic.keys()) {
      const count = (await broker.admin.partitionCount(topic)) ?? 0;
      for (let partition = 0; partition < count; partition++) partitions.push({ topic, partition });
    }
    return { atMs, partitions, stable: await broker.admin.listOffsets(partitions, 'stable') };
  }

  async #guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      throw error instanceof CorruptStateError ? new TablesLostError(error.message) : error;
    }
  }

  async #closeState(): Promise<void> {
    for (const { tp } of this.#followed.values()) {
      this.#fetcher.unassign(tp);
      this.#input.drop(tp);
    }
    this.#followed.clear();
    this.#arrived = [];
    this.#target = undefined;
    this.#found = undefined;
    this.#isReady = false;
    await this.#state.close();
  }
}

/** The tables must be wiped and read anew. */
class TablesLostError extends Error {}
