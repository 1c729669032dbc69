// The reference: tasks that live once and never fail, on state of their own, which take the committed inputs in the order in which the journal says they were
// taken. What was committed must be byte for byte what they make of it.

import { NO_HEADERS, partitionName, type OffsetToCommit, type OutgoingRecord, type RawRecord, type Topology, type TopicPartition } from 'millrace';
import { InMemoryCluster, MemoryStateDirectory } from 'millrace/testing';
import { Metrics } from '../../src/runtime/metrics.ts';
import { OutputTopics } from '../../src/runtime/output-topics.ts';
import { RecordLimits } from '../../src/runtime/record-limits.ts';
import { resolveSettings, type StreamsSettings } from '../../src/runtime/settings.ts';
import { Task, TaskTimes } from '../../src/runtime/task.ts';
import { planTopics, type TaskPlan } from '../../src/runtime/topic-plan.ts';
import { TaskState } from '../../src/state/task-state.ts';
import { changelogTopic } from '../../src/topology/graph/node.ts';
import type { Step } from './journal.ts';

/** as-recorded: where the tasks did, so that changelogs can be compared too. The others must not make a difference to anything else. */
export type CommitRule = 'as-recorded' | 'each-record' | 'never';

export interface ReplayParts {
  readonly topology: Topology;
  readonly settings: StreamsSettings;
  /** Of external topics. */
  readonly partitions: ReadonlyMap<string, number>;
  readonly rule: CommitRule;
  readonly startMs: number;
  recordAt(place: TopicPartition & { readonly offset: number }): RawRecord;
}

interface Reference {
  readonly task: Task;
  /** How many outputs have been told already, where nothing is ever committed. */
  told: number;
}

export class Replay {
  readonly plans: readonly TaskPlan[];
  readonly #parts: ReplayParts;
  readonly #outputTopics: OutputTopics;
  readonly #limits = new RecordLimits(new Map());
  readonly #references = new Map<string, Reference>();
  #nowMs: number;

  private constructor(parts: ReplayParts) {
    this.#parts = parts;
    this.#nowMs = parts.startMs;
    const { topology, settings, partitions } = parts;
    const plan = planTopics(topology, settings.applicationId, partitions, 1);
    this.plans = plan.tasks;
    const cluster = new InMemoryCluster({ autoCreate: (topic) => partitions.get(topic)! });
    this.#outputTopics = new OutputTopics(cluster.connect().admin, new Map([...plan.partitions, ...partitions]), this.#limits);
  }

  /** All tasks begin when the first instance does: their punctuators count from then. */
  static async begin(parts: ReplayParts): Promise<Replay> {
    const replay = new Replay(parts);
    for (const plan of replay.plans) replay.#references.set(plan.name, { task: await replay.#task(plan), told: 0 });
    return replay;
  }

  /** What one task wrote in one commit, and the positions it left. */
  async commit(name: string, steps: readonly Step[]): Promise<{ outputs: OutgoingRecord[]; offsets: OffsetToCommit[] }> {
    const { rule } = this.#parts;
    const reference = this.#references.get(name)!;
    const outputs: OutgoingRecord[] = [];
    for (const [at, step] of steps.entries()) {
      this.#take(reference.task, step);
      const isLast = at === steps.length - 1;
      if (rule === 'each-record' || isLast) outputs.push(...(await this.#prepared(reference, rule === 'each-record' || (rule === 'as-recorded' && isLast))));
    }
    return { outputs, offsets: reference.task.prepareCommit().offsets };
  }

  /** The stores of a task, as they must be. */
  state(name: string): TaskState {
    return this.#references.get(name)!.task.state;
  }

  #take(task: Task, { wallMs, record }: Step): void {
    if (wallMs !== undefined) this.#nowMs = wallMs;
    if (record === undefined) return void task.punctuate();
    const raw = this.#parts.recordAt(record);
    task.add({ topic: record.topic, partition: record.partition, records: [raw], nextPosition: raw.offset + 1, lastStableOffset: raw.offset + 1, highWatermark: raw.offset + 1 });
    task.process(1);
  }

  async #prepared(reference: Reference, commits: boolean): Promise<OutgoingRecord[]> {
    const { task } = reference;
    await this.#outputTopics.learn(task.lateOutputs);
    const { outputs } = task.prepareCommit();
    if (commits) {
      await task.committed([]);
      return outputs;
    }
    const own = outputs.filter(({ topic }) => !isChangelog(topic));
    const fresh = own.slice(reference.told);
    reference.told = own.length;
    return fresh;
  }

  async #task(plan: TaskPlan): Promise<Task> {
    const { settings } = this.#parts;
    const times = new TaskTimes();
    const positions = new Map(plan.inputs.map((input) => [partitionName(input), { position: 0, metadata: undefined }]));
    return new Task({
      plan,
      state: await emptyState(plan, times, settings.applicationId),
      times,
      start: { n: 0, streamTime: -1, positions },
      // One record at a time is there, so there is nothing to wait for, and nothing is too much.
      settings: resolveSettings({ ...settings, maxTaskIdleMs: -1, maxUncommittedBytes: Number.MAX_SAFE_INTEGER }),
      clock: { now: () => this.#nowMs },
      counters: new Metrics(),
      outputTopics: this.#outputTopics,
      limits: this.#limits,
      globals: { store: () => undefined },
    });
  }
}

export function isChangelog(topic: string): boolean {
  return topic.endsWith('-changelog');
}

/** Stores of a task with nothing in them. */
export async function emptyState(plan: TaskPlan, times: TaskTimes, applicationId: string): Promise<TaskState> {
  const database = await new MemoryStateDirectory().open(plan.name);
  const state = new TaskState(database, plan.subtopology.stores, times, (store) => changelogTopic(applicationId, store));
  await state.load();
  return state;
}

/** A record as text that can be compared, and read. */
export function shown({ key, value, timestamp, headers = NO_HEADERS }: Pick<RawRecord, 'key' | 'value' | 'timestamp' | 'headers'>): string {
  const text = (bytes: Buffer | null): string => (bytes === null ? 'null' : JSON.stringify(bytes.toString('latin1')));
  const named = headers.map(([name, content]) => ` ${name}:${text(content)}`).join('');
  return `${text(key)} = ${text(value)} @${timestamp}${named}`;
}
