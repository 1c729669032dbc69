// Opens tasks: from Kafka's committed offsets, the changelogs' bounds and what lies on this computer to a starting point.
// To be called only after the transactional producer is initialised: before that, an unfinished commit of a predecessor could still be decided.

import type { Broker, CommittedOffset } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import type { StateDirectory, TaskDatabase } from '../ports/state-directory.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import { CorruptStateError } from '../state/errors.ts';
import { becomeTask, type TaskIdentity } from '../state/task-identity.ts';
import { TaskState } from '../state/task-state.ts';
import { changelogTopic } from '../topology/graph/node.ts';
import type { Logger } from './logger.ts';
import { decodeOffsetMetadata, type OffsetMetadata } from './offset-metadata.ts';
import type { ChangelogPart } from './restoration.ts';
import { planRestore } from './restore-plan.ts';
import { TaskTimes, type StartingPoint } from './task.ts';
import { TOMBSTONES_KEPT_MS, type TaskPlan } from './topic-plan.ts';

export interface OpenedTask {
  readonly plan: TaskPlan;
  readonly state: TaskState;
  readonly times: TaskTimes;
  readonly start: StartingPoint;
  /** Empty: the stores are up to date already. */
  readonly changelogs: readonly ChangelogPart[];
}

/** What Kafka knows of tasks: read once for all of them. */
export interface CommittedTasks {
  readonly offsets: ReadonlyMap<string, CommittedOffset>;
  /** Commit number of a task, or why there is none. */
  numberOf(plan: TaskPlan): number | 'none' | 'foreign';
}

export class TaskOpener {
  readonly #broker: Broker;
  readonly #directory: StateDirectory;
  readonly #applicationId: string;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(parts: { broker: Broker; directory: StateDirectory; applicationId: string; clock: Clock; log: Logger }) {
    this.#broker = parts.broker;
    this.#directory = parts.directory;
    this.#applicationId = parts.applicationId;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  async committed(plans: readonly TaskPlan[]): Promise<CommittedTasks> {
    const inputs = plans.flatMap((plan) => plan.inputs);
    const offsets = await this.#broker.admin.committedOffsets(this.#applicationId, inputs);
    return { offsets, numberOf: (plan) => commitNumber(plan, offsets) };
  }

  async open(plans: readonly TaskPlan[], committed: CommittedTasks): Promise<OpenedTask[]> {
    const inputs = plans.flatMap((plan) => plan.inputs);
    const changelogs = plans.flatMap((plan) => this.#changelogsOf(plan));
    const [earliest, latest] = await Promise.all([
      this.#broker.admin.listOffsets([...inputs, ...changelogs], 'earliest'),
      this.#broker.admin.listOffsets([...inputs, ...changelogs], 'latest'),
    ]);
    const bounds = (tp: TopicPartition): { start: number; end: number } => ({ start: earliest.get(partitionName(tp))!, end: latest.get(partitionName(tp))! });
    const opened: OpenedTask[] = [];
    try {
      for (const plan of plans) opened.push(await this.#openOne(plan, committed, bounds));
    } catch (error) {
      for (const { state } of opened) await state.close();
      throw error;
    }
    return opened;
  }

  async #openOne(plan: TaskPlan, committed: CommittedTasks, bounds: (tp: TopicPartition) => { start: number; end: number }): Promise<OpenedTask> {
    const times = new TaskTimes();
    const number = committed.numberOf(plan);
    const changelogs = this.#changelogsOf(plan).map((part) => ({ ...part, ...bounds(part) }));
    let state = await this.#openState(plan, times);
    const choice = planRestore({ local: state.committed, committed: number, changelogs, nowMs: this.#clock.now(), tombstonesKeptMs: TOMBSTONES_KEPT_MS });
    if (choice.kind !== 'use') this.#log('info', `Task ${plan.name}: ${choice.kind === 'replay' ? 'bringing stores up to date from' : 'rebuilding stores from'} the changelog: ${choice.why}.`);
    if (choice.kind === 'rebuild') {
      await state.close();
      await this.#directory.wipe(plan.name);
      state = await this.#openState(plan, times);
    }
    // Numbers of a new history begin at the time, which no earlier history can have reached by counting commits: a copy of its state is never taken for ours.
    const n = typeof number === 'number' ? number : this.#clock.now();
    return {
      plan,
      state,
      times,
      start: this.#startingPoint(plan, n, state, committed, bounds),
      changelogs: choice.kind === 'use' ? [] : changelogs.map(({ start, end, ...part }) => ({ ...part, end, position: state.committed.positions[part.store] ?? start })),
    };
  }

  #startingPoint(plan: TaskPlan, n: number, state: TaskState, committed: CommittedTasks, bounds: (tp: TopicPartition) => { start: number; end: number }): StartingPoint {
    let streamTime = state.committed.streamTime;
    const positions = new Map<string, { position: number; metadata: OffsetMetadata | undefined }>();
    for (const input of plan.inputs) {
      const name = partitionName(input);
      const offset = committed.offsets.get(name);
      const metadata = offset === undefined ? undefined : decodeOffsetMetadata(offset.metadata);
      const { start, end } = bounds(input);
      let position = offset?.offset ?? start;
      if (position < start || position > end) {
        const gone = position < start ? `retention has removed records up to ${start}` : `the topic ends at ${end}, it seems to have been recreated`;
        this.#log('warn', `Task ${plan.name}: cannot go on at ${name}@${position}: ${gone}. It goes on at ${start}.`);
        position = start;
      }
      positions.set(name, { position, metadata });
      streamTime = Math.max(streamTime, metadata?.streamTime ?? -1);
    }
    return { n, streamTime, positions };
  }

  async #openState(plan: TaskPlan, times: TaskTimes): Promise<TaskState> {
    const topicOf = (store: string): string => changelogTopic(this.#applicationId, store);
    const build = (database: TaskDatabase): TaskState => new TaskState(database, plan.subtopology.stores, times, topicOf);
    let database: TaskDatabase | undefined;
    try {
      database = await this.#directory.open(plan.name);
      const change = await becomeTask(database, identityOf(plan));
      if (change !== undefined) this.#log('info', `Task ${plan.name} is not what it was: ${change}.`);
      return build(database);
    } catch (error) {
      if (!(error instanceof CorruptStateError)) throw error;
      this.#log('warn', error.message);
      await database?.close();
      await this.#directory.wipe(plan.name);
      database = await this.#directory.open(plan.name);
      await becomeTask(database, identityOf(plan));
      return build(database);
    }
  }

  #changelogsOf(plan: TaskPlan): { store: string; topic: string; partition: number }[] {
    const { stores } = plan.subtopology;
    return stores.map(({ name }) => ({ store: name, topic: changelogTopic(this.#applicationId, name), partition: plan.id.partition }));
  }
}

function identityOf({ inputs, subtopology }: TaskPlan): TaskIdentity {
  return { inputs: inputs.map(({ topic }) => topic), stores: subtopology.stores.map(({ name }) => name) };
}

function commitNumber(plan: TaskPlan, offsets: ReadonlyMap<string, CommittedOffset>): number | 'none' | 'foreign' {
  const own = plan.inputs.flatMap((input) => offsets.get(partitionName(input)) ?? []);
  if (own.length === 0) return 'none';
  const numbers = own.map(({ metadata }) => decodeOffsetMetadata(metadata)?.n);
  // One offset moved by a tool makes the whole commit another one than the stores belong to.
  if (numbers.includes(undefined)) return 'foreign';
  return Math.max(...(numbers as number[]));
}
