// KafkaStreams: a topology that runs. States and their names are Kafka Streams' own.

import type { Broker } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import type { StateDirectory } from '../ports/state-directory.ts';
import { changelogTopic, topicName, topicsOf } from '../topology/graph/node.ts';
import type { Topology } from '../topology/graph/topology.ts';
import { TaskState } from '../state/task-state.ts';
import { GlobalTables } from './global-tables.ts';
import { messageOf, silent, type Logger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { OWN_BATCH_BYTES_MAX, RecordLimits } from './record-limits.ts';
import { resolveSettings, type ResolvedSettings, type StreamsSettings } from './settings.ts';
import { transition, type StreamsState } from './streams-state.ts';
import type { CommitStage } from './committer.ts';
import { StreamThread } from './stream-thread.ts';
import { TaskTimes } from './task.ts';
import { externalTopics, planTopics } from './topic-plan.ts';
import type { HeldTasks } from './assignor.ts';

/** What an instance runs on: handed in by the application, or by a test. */
export interface StreamsComponents {
  readonly broker: Broker;
  readonly clock: Clock;
  openStateDirectory(stateDir: string, applicationId: string): Promise<StateDirectory>;
  readonly log?: Logger;
  /** Told how far each commit has come. Tests kill the process here. */
  readonly onCommitStage?: (stage: CommitStage) => void;
  /** How many records a task may take before others have their turn, and a commit may come. Default 1,000. */
  readonly recordsPerRound?: number;
}

const ROUND_WAIT_MS = 100;

/**
 * A topology that runs: one instance of an application. Instances with the same `applicationId` share its tasks, whatever computers they are on.
 * @example
 * const streams = new KafkaStreams(topology, { applicationId: 'word-count' }, onKafka(connectKafka({ brokers: ['localhost:9092'] })));
 * await streams.start();
 * process.once('SIGTERM', () => void streams.close());
 * await streams.closed();
 */
export class KafkaStreams implements AsyncDisposable {
  readonly #topology: Topology;
  readonly #settings: ResolvedSettings;
  readonly #parts: StreamsComponents;
  readonly #log: Logger;
  readonly #metrics = new Metrics();
  readonly #listeners: ((state: StreamsState, before: StreamsState) => void)[] = [];
  readonly #aborted = new AbortController();
  #state: StreamsState = 'CREATED';
  #thread: StreamThread | undefined;
  #directory: StateDirectory | undefined;
  #globals: GlobalTables | undefined;
  #bootstrap: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  #isLeaving = false;
  #failure: unknown;

  /** @throws {SettingsError} with every problem at once. */
  constructor(topology: Topology, settings: StreamsSettings, components: StreamsComponents) {
    this.#topology = topology;
    this.#settings = resolveSettings(settings);
    this.#parts = components;
    this.#log = components.log ?? silent;
  }

  /** Where the instance is in its life. */
  get state(): StreamsState {
    return this.#state;
  }

  /** Tells each move, after it was made. It must not throw. */
  onStateChange(listener: (state: StreamsState, before: StreamsState) => void): void {
    this.#listeners.push(listener);
  }

  /** Counters since the start: `records`, `commits`, `dead-letters`, `<node>.<counter>`. */
  metrics(): Record<string, number> {
    return this.#metrics.snapshot();
  }

  /**
   * Waits for the broker, creates the topics the application owns, reads global tables to their ends, joins the group and begins to process. Resolves once the group has been asked; RUNNING
   * is reached later and told to `onStateChange`.
   * @throws {TopologyError} when input topics are missing or do not fit together.
   */
  async start(): Promise<void> {
    try {
      const { thread, held } = await this.prepare();
      if (this.#isLeaving) return await this.#release();
      this.#move('REBALANCING');
      thread.join(held);
      this.#loop = this.#run(thread);
    } catch (error) {
      await this.#release();
      throw error;
    }
  }

  /** @internal Everything before joining, for drivers that step the loop themselves. */
  async prepare(): Promise<{ thread: StreamThread; held: HeldTasks['numbers'] }> {
    const { broker, clock, onCommitStage } = this.#parts;
    const { applicationId, stateDir, replicationFactor } = this.#settings;
    await broker.admin.waitUntilReachable({ onWaiting: (reason) => this.#log('warn', reason), signal: this.#aborted.signal });
    const topics = planTopics(this.#topology, applicationId, await this.#externalCounts(), replicationFactor);
    await broker.admin.ensureTopics(topics.owned);
    const { deadLetterTopic } = this.#settings;
    const written = [...topics.partitions.keys(), ...(deadLetterTopic === undefined ? [] : [deadLetterTopic])];
    const limits = await RecordLimits.of(broker.admin, [...new Set(written)]);
    await this.#openSerdes();
    this.#directory = await this.#parts.openStateDirectory(stateDir, applicationId);
    await this.#removePredecessor(this.#directory);
    const tables = this.#topology.globalTables;
    this.#globals = new GlobalTables({ tables, broker, directory: this.#directory, clock, counters: this.#metrics, errors: this.#settings.errors, log: this.#log });
    // Before joining: the group is not to wait for an instance that could not begin yet.
    this.#bootstrap = this.#globals.bootstrap(ROUND_WAIT_MS, () => !this.#isLeaving);
    await this.#bootstrap;
    this.#thread = new StreamThread({
      topics,
      limits,
      sourceTopics: this.#topology.sourceTopics(applicationId),
      settings: this.#settings,
      broker,
      directory: this.#directory,
      globals: this.#globals,
      clock,
      metrics: this.#metrics,
      log: this.#log,
      recordsPerRound: this.#parts.recordsPerRound ?? 1_000,
      ...(onCommitStage === undefined ? {} : { onCommitStage }),
    });
    return { thread: this.#thread, held: await this.#heldTasks(this.#directory) };
  }

  /** Commits, leaves the group and releases everything but the broker. Idempotent. */
  async close(): Promise<void> {
    this.#aborted.abort();
    if (this.#state === 'NOT_RUNNING' || this.#state === 'ERROR') return void (await this.#loop);
    if (this.#state !== 'PENDING_SHUTDOWN') this.#move('PENDING_SHUTDOWN');
    this.#isLeaving = true;
    await this.#bootstrap?.catch(() => {}); // `start` tells
    await this.#loop;
    await this.#release();
    if (this.#state === 'PENDING_SHUTDOWN') this.#move('NOT_RUNNING');
  }

  /** Resolves when the instance has stopped; rejects with what stopped it, if that was an error. */
  async closed(): Promise<void> {
    await this.#loop;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(thread: StreamThread): Promise<void> {
    try {
      let leaving: Promise<void> | undefined;
      let hasLeft = false;
      while (!hasLeft) {
        if (this.#isLeaving && leaving === undefined) {
          leaving = thread.leave().finally(() => void (hasLeft = true));
          leaving.catch(() => {}); // looked at when the last round is over
        }
        await thread.round(leaving === undefined ? ROUND_WAIT_MS : 10);
        if (this.#isLeaving) continue;
        if (thread.isRunning && this.#state === 'REBALANCING') this.#move('RUNNING');
        else if (!thread.isRunning && this.#state === 'RUNNING') this.#move('REBALANCING');
      }
      await leaving;
    } catch (error) {
      this.#failure = error;
      this.#log('error', messageOf(error));
      if (this.#state !== 'PENDING_SHUTDOWN') this.#move('PENDING_ERROR');
      const leaving = thread.leave().catch(() => {});
      await thread.close();
      await leaving;
      await this.#release();
      if (this.#state === 'PENDING_ERROR') this.#move('ERROR');
    }
  }

  async #release(): Promise<void> {
    await this.#thread?.close();
    await this.#globals?.close();
    await this.#directory?.close();
    this.#directory = undefined;
  }

  async #externalCounts(): Promise<Map<string, number>> {
    const { deadLetterTopic } = this.#settings;
    const names = [...externalTopics(this.#topology), ...(deadLetterTopic === undefined ? [] : [deadLetterTopic])];
    const counts = new Map<string, number>();
    for (const topic of names) {
      const count = await this.#parts.broker.admin.partitionCount(topic);
      if (count !== undefined) counts.set(topic, count);
      else if (topic === deadLetterTopic) {
        const config = { 'max.message.bytes': String(OWN_BATCH_BYTES_MAX) };
        await this.#parts.broker.admin.ensureTopics([{ topic, partitions: 1, replicationFactor: this.#settings.replicationFactor, config }]);
        counts.set(topic, 1);
      }
    }
    return counts;
  }

  /** Sinks and changelogs: whatever will be serialized is registered before the first record. */
  async #openSerdes(): Promise<void> {
    const { applicationId } = this.#settings;
    for (const node of this.#topology.nodes) {
      if (node.kind === 'sink') {
        for (const topic of topicsOf(node)) {
          await node.key.open?.(topicName(topic, applicationId), 'key');
          await node.value.open?.(topicName(topic, applicationId), 'value');
        }
      }
      if (node.kind === 'global-table') await node.store.key.open?.(node.topic, 'key'); // rows are looked up by key
      if (node.kind !== 'processor') continue;
      for (const store of node.stores) {
        if (store.kind === 'timer') continue;
        await store.key.open?.(changelogTopic(applicationId, store.name), 'key');
        await store.value.open?.(changelogTopic(applicationId, store.name), 'value');
      }
    }
  }

  /** This place's last holder is dead, or its lock would not have been free: the group need not wait for its session to run out. */
  async #removePredecessor(directory: StateDirectory): Promise<void> {
    const memberId = await directory.note('memberId');
    if (memberId === undefined) return;
    await this.#parts.broker.admin.removeMember(this.#settings.applicationId, memberId).catch((error: unknown) => {
      this.#log('debug', `The predecessor's membership could not be removed (${messageOf(error)}); its session will run out.`);
    });
  }

  async #heldTasks(directory: StateDirectory): Promise<HeldTasks['numbers']> {
    const held: Record<string, number> = {};
    for (const task of await directory.tasks()) {
      try {
        const database = await directory.open(task);
        try {
          held[task] = new TaskState(database, [], new TaskTimes(), String).committed.n;
        } finally {
          await database.close(); // or its lock would be in the way of whoever mends it
        }
      } catch {
        // Unreadable state is no reason to prefer this instance; opening the task will deal with it.
      }
    }
    return held;
  }

  #move(to: StreamsState): void {
    const before = this.#state;
    this.#state = transition(before, to);
    this.#log('info', `${before} → ${to}`);
    for (const listener of this.#listeners) listener(to, before);
  }
}
