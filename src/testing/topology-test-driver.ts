// TopologyTestDriver: a topology under test, without a server. It runs the very loop that production runs, tasks, commits and restores included, on a
// broker in memory and a clock that the test moves.

import type { Broker } from '../ports/broker.ts';
import type { Headers, RawRecord, StreamRecord } from '../record/record.ts';
import { NO_HEADERS } from '../record/record.ts';
import type { Serde } from '../record/serde.ts';
import { GLOBAL_TABLES } from '../ports/state-directory.ts';
import { KafkaStreams } from '../runtime/kafka-streams.ts';
import type { Logger } from '../runtime/logger.ts';
import type { StreamsSettings } from '../runtime/settings.ts';
import type { StreamThread } from '../runtime/stream-thread.ts';
import { externalTopics } from '../runtime/topic-plan.ts';
import { MemoryStateDirectory } from '../state/memory/memory-state-directory.ts';
import { partitionFor } from '../topology/partitioner.ts';
import { taskName } from '../topology/processor.ts';
import type {
  AnyStoreSpec,
  KeyValueStore,
  KeyValueStoreSpec,
  SessionStore,
  SessionStoreSpec,
  StoreOf,
  VersionedStore,
  VersionedStoreSpec,
  WindowStore,
  WindowStoreSpec,
} from '../topology/store-spec.ts';
import type { Topology } from '../topology/graph/topology.ts';
import { InMemoryCluster } from './in-memory-broker.ts';

/** How the driver runs a topology: all settings of production, and what a test chooses beside them. `applicationId` is `test` by default. */
export interface TestDriverOptions extends Partial<StreamsSettings> {
  /** Partitions of every external topic, or of each by name (the rest have 1). Default 1. Topics that a function in `to(…)` names are made when first needed. */
  readonly partitions?: number | Readonly<Record<string, number>>;
  /** The whole topology as one task, as in Kafka Streams' own test driver: one stream time, one order of records, offsets without gaps. Default: tasks as in production. */
  readonly oneTask?: boolean;
  /** How many records a task takes before a commit may come. With 1, and a `commitIntervalMs` of 0, each record is finished before the next begins. */
  readonly recordsPerRound?: number;
  /** The clock at the start, epoch ms. Default 0. */
  readonly wallClockStartMs?: number;
  readonly log?: Logger;
}

/** A topic that a test writes. Records go to the partition of their key, as a producer would choose; those without a key to partition 0. */
export interface TestInputTopic<K, V> {
  /** Writes a record and runs the topology until nothing is left to do. `timestamp`: epoch ms, by default the driver's clock. */
  pipeInput(key: K | null, value: V | null, timestamp?: number, headers?: Headers): Promise<void>;
  /** Writes all of them, then runs the topology: as when they waited in the topic. */
  pipeInputs(records: readonly TestRecord<K, V>[]): Promise<void>;
  /** Writes all of them and runs nothing yet: for topics that are to be read side by side. `driver.settle()` runs the topology. */
  enqueue(records: readonly TestRecord<K, V>[]): Promise<void>;
}

/** A record that a test writes. */
export interface TestRecord<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  /** epoch ms, by default the driver's clock */
  readonly timestamp?: number;
  readonly headers?: Headers;
}

/** A topic that a test reads. */
export interface TestOutputTopic<K, V> {
  /** Committed records that came since the last call, by partition, then offset. */
  readRecords(): StreamRecord<K | null, V | null>[];
  /** The values of `readRecords`. */
  readValues(): (V | null)[];
}

interface TopicSerdes<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** @example
 * await using driver = await TopologyTestDriver.start(topology);
 * await driver.createInputTopic('in', { key: Serdes.string(), value: Serdes.string() }).pipeInput('a', 'x');
 * driver.createOutputTopic('out', { key: Serdes.string(), value: Serdes.long() }).readValues();
 */
export class TopologyTestDriver implements AsyncDisposable {
  readonly #topology: Topology;
  readonly #options: TestDriverOptions;
  readonly #cluster: InMemoryCluster;
  #broker: Broker;
  readonly #directory = new MemoryStateDirectory();
  #nowMs: number;
  #streams!: KafkaStreams;
  #thread!: StreamThread;

  private constructor(topology: Topology, options: TestDriverOptions) {
    this.#topology = options.oneTask === true ? topology.asOneTask() : topology;
    this.#options = options;
    this.#cluster = new InMemoryCluster({
      autoCreate: (topic) => (topic === options.deadLetterTopic ? 1 : this.#countOf(topic)),
      keepsMarkers: options.oneTask !== true,
    });
    this.#broker = this.#cluster.connect();
    this.#nowMs = options.wallClockStartMs ?? 0;
  }

  /** @throws what building or starting a topology throws. */
  static async start(topology: Topology, options: TestDriverOptions = {}): Promise<TopologyTestDriver> {
    const driver = new TopologyTestDriver(topology, options);
    await driver.#broker.admin.ensureTopics(externalTopics(topology).map((topic) => ({ topic, partitions: driver.#countOf(topic) })));
    await driver.#boot();
    return driver;
  }

  /** A topic to write. The topology must read it, or write it. */
  createInputTopic<K, V>(topic: string, serdes: TopicSerdes<K, V>): TestInputTopic<K, V> {
    const enqueue = async (records: readonly TestRecord<K, V>[]): Promise<void> => {
      await serdes.key.open?.(topic, 'key');
      await serdes.value.open?.(topic, 'value');
      const bytes = records.map(({ key, value, timestamp = this.#nowMs, headers = NO_HEADERS }) => ({
        key: key === null ? null : serdes.key.serialize(topic, key),
        value: value === null ? null : serdes.value.serialize(topic, value),
        timestamp,
        headers,
      }));
      await this.#write(topic, bytes, serdes.key);
    };
    const pipeInputs = async (records: readonly TestRecord<K, V>[]): Promise<void> => {
      await enqueue(records);
      await this.settle();
    };
    return { enqueue, pipeInputs, pipeInput: (key, value, timestamp = this.#nowMs, headers = NO_HEADERS) => pipeInputs([{ key, value, timestamp, headers }]) };
  }

  /** Bytes as they are: for records that no serde would write. */
  async pipeBytes(topic: string, key: Buffer | null, value: Buffer | null, timestamp = this.#nowMs): Promise<void> {
    await this.#write(topic, [{ key, value, timestamp, headers: NO_HEADERS }]);
    await this.settle();
  }

  /** A topic to read, from its beginning: an output, an input, or an internal one (`test-<name>-repartition`). */
  createOutputTopic<K, V>(topic: string, serdes: TopicSerdes<K, V>): TestOutputTopic<K, V> {
    const positions = new Map<number, number>();
    const readRecords = (): StreamRecord<K | null, V | null>[] =>
      (this.#cluster.topics.get(topic) ?? []).flatMap((log, partition) => {
        const from = positions.get(partition) ?? 0;
        positions.set(partition, log.lastStableOffset);
        return log.slots.slice(from, log.lastStableOffset).flatMap(({ record, transaction }) => {
          if (record === undefined || transaction?.state === 'aborted') return [];
          const key = record.key === null ? null : serdes.key.deserialize(topic, record.key);
          const value = record.value === null ? null : serdes.value.deserialize(topic, record.value);
          return [{ key, value, timestamp: record.timestamp, headers: record.headers }];
        });
      });
    return { readRecords, readValues: () => readRecords().map(({ value }) => value) };
  }

  /** Moves the wall clock and runs what becomes due. */
  async advanceWallClockTime(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.settle();
  }

  /** The clock, epoch ms. */
  get wallClockTime(): number {
    return this.#nowMs;
  }

  /** A store of the task with this partition number, uncommitted writes included; or that of a global table. */
  store<S extends AnyStoreSpec>(spec: S, partition = 0): StoreOf<S> {
    const global = this.#thread.globalStore(spec);
    if (global !== undefined) return global as never;
    const subtopology = this.#topology.subtopologies.find(({ stores }) => stores.some(({ name }) => name === spec.name));
    const name = subtopology === undefined ? '' : taskName({ subtopology: subtopology.id, partition });
    const task = this.#thread.tasks.get(name);
    if (task === undefined) throw new Error(`No running task has the store "${spec.name}" for partition ${partition}. The topology has: ${this.#storeNames()}.`);
    return task.state.store(spec);
  }

  /** The store of this name, such as that of a `count` or of a table that is kept: types are the caller's promise. @throws when there is none of this name and kind. */
  keyValueStore<K = string, V = any>(name: string, partition = 0): KeyValueStore<K, V> {
    return this.store(this.#specOf('keyValue', name) as KeyValueStoreSpec<K, V>, partition);
  }

  /** As `keyValueStore`. Windowed tables keep `TimestampedValue`s, under the start of each window. */
  windowStore<K = string, V = any>(name: string, partition = 0): WindowStore<K, V> {
    return this.store(this.#specOf('window', name) as WindowStoreSpec<K, V>, partition);
  }

  /** As `keyValueStore`. */
  sessionStore<K = string, V = any>(name: string, partition = 0): SessionStore<K, V> {
    return this.store(this.#specOf('session', name) as SessionStoreSpec<K, V>, partition);
  }

  /** As `keyValueStore`, of a table with `historyMs`. */
  versionedStore<K = string, V = any>(name: string, partition = 0): VersionedStore<K, V> {
    return this.store(this.#specOf('versioned', name) as VersionedStoreSpec<K, V>, partition);
  }

  /** What the topology knows of a store of this name. */
  storeSpec(name: string): AnyStoreSpec | undefined {
    const { subtopologies, globalTables } = this.#topology;
    return [...subtopologies.flatMap(({ stores }) => stores), ...globalTables.map(({ store }) => store)].find((spec) => spec.name === name);
  }

  /** Counters since the last start: `records`, `commits`, `dead-letters`, `<node>.<counter>` such as `counts.dropped`. */
  metrics(): Record<string, number> {
    return this.#streams.metrics();
  }

  /** The process dies and starts again: uncommitted work is gone, local state and topics are as they were. */
  async crash({ wipeState = false } = {}): Promise<void> {
    await this.#thread.close();
    await this.#broker.close();
    this.#broker = this.#cluster.connect();
    if (wipeState) for (const database of [...(await this.#directory.tasks()), GLOBAL_TABLES]) await this.#directory.wipe(database);
    await this.#boot();
  }

  /** Runs until nothing is left to do. @throws what stopped the topology. */
  async settle(): Promise<void> {
    for (;;) {
      if (await this.#thread.round(0)) continue;
      if (this.#thread.isIdle) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Ends it; `await using` does so at the end of the block. */
  async close(): Promise<void> {
    await this.#thread.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #specOf(kind: AnyStoreSpec['kind'], name: string): AnyStoreSpec {
    const spec = this.storeSpec(name);
    if (spec?.kind === kind) return spec;
    if (spec !== undefined) throw new Error(`The store "${name}" is of the kind ${spec.kind}, not ${kind}.`);
    throw new Error(`The topology has no store "${name}". It has: ${this.#storeNames()}. Tables are only stored where an operator reads them, or with "materialized: true".`);
  }

  #storeNames(): string {
    const { subtopologies, globalTables } = this.#topology;
    return [...subtopologies.flatMap(({ stores }) => stores), ...globalTables.map(({ store }) => store)].map(({ name }) => name).join(', ');
  }

  #countOf(topic: string): number {
    const { partitions = 1 } = this.#options;
    return typeof partitions === 'number' ? partitions : (partitions[topic] ?? 1);
  }

  async #boot(): Promise<void> {
    const { partitions: _partitions, wallClockStartMs: _start, oneTask: _oneTask, recordsPerRound, log, ...settings } = this.#options;
    const components = {
      broker: this.#broker,
      clock: { now: () => this.#nowMs },
      openStateDirectory: async () => this.#directory,
      ...(log === undefined ? {} : { log }),
      ...(recordsPerRound === undefined ? {} : { recordsPerRound }),
    };
    this.#streams = new KafkaStreams(this.#topology, { applicationId: 'test', ...settings }, components);
    const { thread, held } = await this.#streams.prepare();
    this.#thread = thread;
    thread.join(held);
    await this.settle();
  }

  async #write(topic: string, records: readonly Omit<RawRecord, 'offset'>[], keySerde?: Serde<any>): Promise<void> {
    const partitions = this.#cluster.topics.get(topic)?.length;
    if (partitions === undefined) throw new Error(`The topology does not read or write a topic "${topic}".`);
    const partitionOf = (key: Buffer | null): number => (key === null ? 0 : partitionFor(keySerde?.partitionBytes?.(key) ?? key, partitions));
    await this.#broker.producer().send(records.map((record) => ({ topic, partition: partitionOf(record.key), ...record })));
  }
}
