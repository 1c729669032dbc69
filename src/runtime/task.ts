// One subtopology for one partition number: the unit of order, state and failure. Everything in here is synchronous except what touches disk at a commit.

import type { FetchedPartition, OffsetToCommit, OutgoingRecord, ProduceAck } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import { GLOBAL_TABLES } from '../ports/state-directory.ts';
import { partitionName, type RawRecord, type RecordSource, type TopicPartition } from '../record/record.ts';
import { StreamsError } from '../record/errors.ts';
import { changelogTopic } from '../topology/graph/node.ts';
import { partitionFor } from '../topology/partitioner.ts';
import type { TaskId } from '../topology/processor.ts';
import { CorruptGlobalStateError } from '../state/errors.ts';
import type { TaskState } from '../state/task-state.ts';
import { deadLetter } from './dead-letter.ts';
import { OutputRefusedError, TaskFailedError, TaskStateLostError } from './errors.ts';
import { messageOf } from './logger.ts';
import type { Counters } from './metrics.ts';
import { encodeOffsetMetadata, type OffsetMetadata } from './offset-metadata.ts';
import type { OutputTopics } from './output-topics.ts';
import { ProcessorGraph, type GlobalStores, type GraphHost } from './processor-graph.ts';
import { Punctuation } from './punctuation.ts';
import { RecordQueue, type Head, type Rejects } from './record-queue.ts';
import type { RecordLimits } from './record-limits.ts';
import type { ErrorHandler, ResolvedSettings } from './settings.ts';
import type { LateOutput } from './sink-step.ts';
import type { TaskPlan } from './topic-plan.ts';

/** Where a task begins: the positions and times that the last commit left in Kafka. */
export interface StartingPoint {
  readonly n: number;
  readonly streamTime: number;
  /** By `partitionName`. */
  readonly positions: ReadonlyMap<string, { readonly position: number; readonly metadata: OffsetMetadata | undefined }>;
}

export interface TaskParts {
  readonly plan: TaskPlan;
  readonly settings: ResolvedSettings;
  readonly state: TaskState;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly outputTopics: OutputTopics;
  readonly limits: RecordLimits;
  readonly globals: GlobalStores;
  readonly times: TaskTimes;
  readonly start: StartingPoint;
}

/** The times that stores read; made before the state, which is made before the task. */
export class TaskTimes {
  streamTimeMs = -1;
  recordTimestampMs: number | undefined;

  streamTime(): number {
    return this.streamTimeMs;
  }

  /** Before the first record a wall-clock punctuator may already write: stores keep no times below 0. */
  recordTimestamp(): number {
    return this.recordTimestampMs ?? Math.max(this.streamTimeMs, 0);
  }
}

export class Task implements GraphHost, Rejects {
  readonly id: TaskId;
  readonly name: string;
  readonly applicationId: string;
  readonly emitIntervalMs: number;
  readonly plan: TaskPlan;
  readonly state: TaskState;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly punctuation = new Punctuation();
  readonly queues: readonly RecordQueue[];
  readonly outputTopics: OutputTopics;
  readonly globals: GlobalStores;
  readonly #settings: ResolvedSettings;
  readonly #limits: RecordLimits;
  readonly #times: TaskTimes;
  readonly #graph: ProcessorGraph;
  /** Where the record being processed was read: put together when somebody asks. */
  #current: { readonly queue: RecordQueue; readonly raw: RawRecord } | undefined;
  #outputs: (OutgoingRecord | LateOutput)[] = [];
  #outputBytes = 0;
  /** Whether any of them may be late. */
  #hasLate = false;
  /** Commit number of what is durable. */
  #n: number;
  /** Positions of the last commit, by partition. */
  #committed = new Map<string, number>();
  /** True when a record was taken since the last commit, whatever came of it: its position is to be committed. */
  #worked = false;

  constructor(parts: TaskParts) {
    const { plan, start } = parts;
    this.plan = plan;
    this.id = plan.id;
    this.name = plan.name;
    this.applicationId = parts.settings.applicationId;
    this.emitIntervalMs = parts.settings.emitIntervalMs;
    this.state = parts.state;
    this.clock = parts.clock;
    this.counters = parts.counters;
    this.#settings = parts.settings;
    this.outputTopics = parts.outputTopics;
    this.globals = parts.globals;
    this.#limits = parts.limits;
    this.#times = parts.times;
    this.#times.streamTimeMs = start.streamTime;
    this.#n = start.n;
    this.queues = plan.inputs.map(({ topic, partition, source }) => {
      const tp = { topic, partition };
      const { position, metadata } = start.positions.get(partitionName(tp))!;
      this.#committed.set(partitionName(tp), position);
      return new RecordQueue(tp, source, position, metadata?.partitionTime ?? -1, this);
    });
    this.#graph = new ProcessorGraph(plan.subtopology, this);
  }

  get n(): number {
    return this.#n;
  }

  add(fetched: FetchedPartition): void {
    this.queues.find(({ tp }) => tp.topic === fetched.topic && tp.partition === fetched.partition)?.add(fetched);
  }

  get buffered(): number {
    return this.queues.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** True when the next round has something to do here whatever arrives. */
  get canGoOn(): boolean {
    return this.hasWork || this.#choose() !== undefined;
  }

  /** True when records wait here for others that the broker is known to hold. (Those that wait for `maxTaskIdleMs` wait for time.) */
  get isBehind(): boolean {
    return this.buffered > 0 && this.queues.some((queue) => !queue.isCaughtUp);
  }

  /** Processes records while there are any to choose and the bounds allow. Returns how many it took. @throws {TaskFailedError} */
  process(most: number): number {
    let taken = 0;
    try {
      while (taken < most && this.uncommittedBytes < this.#settings.maxUncommittedBytes) {
        const queue = this.#choose();
        if (queue === undefined) break;
        taken++;
        this.#processHead(queue, queue.head()!);
      }
    } finally {
      if (taken > 0) this.counters.add('records', taken);
    }
    return taken;
  }

  /** Runs wall-clock punctuators that are due. */
  punctuate(): boolean {
    const now = this.clock.now();
    let hasFired = false;
    for (const punctuator of this.punctuation.dueByWallClock(now)) {
      this.#step(() => punctuator(now), (error) => this.#fail('a wall-clock punctuator', error));
      hasFired = true;
    }
    return hasFired;
  }

  get uncommittedBytes(): number {
    return this.state.pendingBytes + this.#outputBytes;
  }

  /** Work that waits for a commit; not merely positions that moved past markers. */
  get hasWork(): boolean {
    return this.#worked || this.#outputs.length > 0 || this.state.hasPending;
  }

  get hasMoved(): boolean {
    return this.queues.some((queue) => queue.position !== this.#committed.get(partitionName(queue.tp)));
  }

  committedPosition(tp: TopicPartition): number {
    return this.#committed.get(partitionName(tp))!;
  }

  /** Outputs whose topics must be known before the commit can be prepared. */
  get lateOutputs(): readonly LateOutput[] {
    return this.#hasLate ? this.#outputs.filter((output) => 'addressed' in output) : [];
  }

  /**
   * Everything that becomes durable together, as number n + 1. The task must not be fed until `committed` or `close`.
   * @throws {OutputRefusedError} when a late output cannot be written after all
   */
  prepareCommit(): { outputs: OutgoingRecord[]; offsets: OffsetToCommit[] } {
    const partition = this.id.partition;
    const outputs = this.#hasLate ? this.#outputs.map((output) => ('addressed' in output ? this.#addressed(output) : output)) : [...(this.#outputs as OutgoingRecord[])];
    for (const { store, key, value, timestamp, headers } of this.state.changelogWrites()) {
      outputs.push({ topic: changelogTopic(this.applicationId, store), partition, key, value, timestamp: Math.max(timestamp, 0), headers });
    }
    const offsets = this.queues.map((queue): OffsetToCommit => ({
      ...queue.tp,
      offset: queue.position,
      metadata: encodeOffsetMetadata({ n: this.#n + 1, streamTime: this.streamTime(), partitionTime: queue.partitionTime }),
    }));
    return { outputs, offsets };
  }

  /** Kafka has committed number n + 1: local state follows. */
  async committed(acks: readonly ProduceAck[]): Promise<void> {
    const positions = new Map<string, number>();
    for (const store of this.plan.subtopology.stores) {
      const ack = acks.find(({ topic, partition }) => topic === changelogTopic(this.applicationId, store.name) && partition === this.id.partition);
      if (ack !== undefined) positions.set(store.name, ack.nextPosition);
    }
    await this.state.persist({ n: this.#n + 1, positions, streamTime: this.streamTime(), wallTime: this.clock.now() });
    this.#n++;
    this.#outputs = [];
    this.#outputBytes = 0;
    this.#hasLate = false;
    this.#worked = false;
    for (const queue of this.queues) this.#committed.set(partitionName(queue.tp), queue.position);
  }

  /** Uncommitted work is forgotten; local state stays at the last commit. */
  async close(): Promise<void> {
    this.#graph.close();
    await this.state.close();
  }

  streamTime(): number {
    return this.#times.streamTime();
  }

  source(): RecordSource | undefined {
    return this.#current === undefined ? undefined : { ...this.#current.queue.tp, offset: this.#current.raw.offset };
  }

  /** @throws {RecordTooLargeError} */
  emit(record: OutgoingRecord): void {
    this.#limits.check(record);
    this.#outputs.push(record);
    this.#outputBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0) + 64;
  }

  emitLate(output: LateOutput): void {
    this.#hasLate = true;
    this.#outputs.push(output);
    this.#outputBytes += output.bytes + 64;
  }

  undecodable(error: unknown, queue: RecordQueue, raw: RawRecord): void {
    this.counters.add('undecodable');
    this.#decide(this.#settings.errors.deserialization, error, queue, raw);
  }

  negativeTimestamp(): void {
    this.#worked = true;
    this.counters.add('dropped');
  }

  /**
   * The queue whose head has the lowest timestamp. An empty partition is waited for while the broker holds more of it, and then for `maxTaskIdleMs`
   * (KIP-353, KIP-695): otherwise the order between partitions would depend on which fetch came back first.
   */
  #choose(): RecordQueue | undefined {
    let chosen: RecordQueue | undefined;
    let mustWait = false;
    for (const queue of this.queues) {
      const head = queue.head();
      if (head === undefined) mustWait ||= this.#waitsFor(queue);
      else if (chosen === undefined || head.record.timestamp < chosen.head()!.record.timestamp) chosen = queue;
    }
    return mustWait ? undefined : chosen;
  }

  #waitsFor(queue: RecordQueue): boolean {
    const { maxTaskIdleMs } = this.#settings;
    if (maxTaskIdleMs < 0) return false;
    if (!queue.isCaughtUp) return true;
    if (maxTaskIdleMs === 0) return false;
    queue.idleSince ??= this.clock.now();
    return this.clock.now() - queue.idleSince < maxTaskIdleMs;
  }

  #processHead(queue: RecordQueue, { raw, record }: Head): void {
    this.#current = { queue, raw };
    this.#times.recordTimestampMs = record.timestamp;
    this.#times.streamTimeMs = Math.max(this.#times.streamTimeMs, record.timestamp);
    this.#worked = true;
    this.#step(
      () => this.#graph.process(queue.source.name, record),
      (error) => this.#decide(this.#settings.errors.processing, error, queue, raw),
    );
    queue.take();
    this.#current = undefined;
    this.#times.recordTimestampMs = undefined;
    const now = this.streamTime();
    for (const punctuator of this.punctuation.dueByStreamTime(now)) {
      this.#step(() => punctuator(now), (error) => this.#fail('a stream-time punctuator', error));
    }
  }

  /** All or nothing: what throws leaves no trace in stores or outputs. */
  #step(action: () => void, onError: (error: unknown) => void): void {
    const outputs = this.#outputs.length;
    const bytes = this.#outputBytes;
    this.state.beginStep();
    try {
      action();
    } catch (error) {
      this.state.rollbackStep();
      this.#outputs.length = outputs;
      this.#outputBytes = bytes;
      // Not the record's fault, so not for the error policy to decide.
      if (error instanceof StreamsError && error.remedy === 'rebuild-store') throw new TaskStateLostError(error instanceof CorruptGlobalStateError ? GLOBAL_TABLES : this.name, error);
      onError(error);
    }
  }

  #decide(handler: ErrorHandler, error: unknown, queue: RecordQueue, raw: RawRecord): void {
    this.#worked = true;
    const source: RecordSource = { ...queue.tp, offset: raw.offset };
    const decision = handler(error, { source, key: raw.key, value: raw.value });
    const { deadLetterTopic } = this.#settings;
    if (decision === 'continue') return this.counters.add('skipped');
    if (decision === 'dlq' && deadLetterTopic !== undefined) {
      const count = this.outputTopics.countOf(deadLetterTopic);
      const partition = raw.key === null ? this.id.partition % count : partitionFor(raw.key, count);
      this.emit(deadLetter(deadLetterTopic, partition, error, queue.tp, raw, this.#limits));
      return this.counters.add('dead-letters');
    }
    this.#fail(`record ${partitionName(queue.tp)}@${raw.offset}`, error);
  }

  #addressed(output: LateOutput): OutgoingRecord {
    try {
      const record = output.addressed(this.outputTopics.countFor(output)!);
      this.#limits.check(record);
      return record;
    } catch (error) {
      throw new OutputRefusedError(this.name, output.topic, error);
    }
  }

  #fail(what: string, error: unknown): never {
    throw new TaskFailedError(this.name, what, messageOf(error), error);
  }
}
