// What must hold once everything is at rest: each committed record follows from the committed inputs and from nothing else, and stores are what their
// changelogs say.

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { partitionName, type StreamsSettings, type Topology, type TopicPartition } from 'millrace';
import { decodeOffsetMetadata } from '../../src/runtime/offset-metadata.ts';
import { TaskTimes, type Task } from '../../src/runtime/task.ts';
import type { TaskPlan } from '../../src/runtime/topic-plan.ts';
import { changelogTopic } from '../../src/topology/graph/node.ts';
import { emptyState, isChangelog, Replay, shown, type CommitRule } from './replay.ts';
import { shownBy } from './store-contents.ts';
import type { Committed, CommittedLog } from './transactions.ts';

export interface ExaminationParts {
  readonly log: CommittedLog;
  readonly topology: Topology;
  readonly settings: StreamsSettings;
  readonly partitions: ReadonlyMap<string, number>;
  readonly startMs: number;
  /** Where the past of versioned stores is looked at. */
  readonly keys: readonly string[];
  readonly times: readonly number[];
}

export class Examination {
  readonly #parts: ExaminationParts;

  constructor(parts: ExaminationParts) {
    this.#parts = parts;
  }

  /** Whatever died: the tasks did what one that never dies does with the same records in the same order. Returns that one's state, task by task. */
  async repeat(rule: CommitRule): Promise<Replay> {
    const { log, settings } = this.#parts;
    const replay = await Replay.begin({ ...this.#parts, rule, recordAt: (place) => log.recordAt(place) });
    const transactions = log.transactions(settings.applicationId, (input) => taskOf(replay.plans, input).name);
    this.#checkTaken(replay.plans, transactions);
    for (const [at, transaction] of transactions.entries()) {
      const expected: string[] = [];
      for (const [task, steps] of transaction.steps) {
        const { outputs, offsets } = await replay.commit(task, steps);
        for (const output of outputs) expected.push(`${partitionName(output)} ${shown(output)}`);
        for (const position of offsets) this.#checkPosition(position, transaction);
      }
      const actual = [...transaction.records].flatMap(([name, records]) => records.map((record) => `${name} ${shown(record)}`));
      const isCompared = (line: string): boolean => rule === 'as-recorded' || !isChangelog(topicOf(line.split(' ')[0]!));
      const [found, wanted] = [byPartition(actual.filter(isCompared)), byPartition(expected.filter(isCompared))];
      // Said in words only where there is something to say: there are thousands of transactions.
      if (isDeepStrictEqual(found, wanted)) continue;
      expect(found, `transaction ${at}, after ${JSON.stringify([...transaction.steps])}, commits ${rule}`).toEqual(wanted);
    }
    return replay;
  }

  /** The stores of a running task, those of the reference, and those that the changelogs would give a newcomer, all show the same. */
  async compareStores(task: Task, replay: Replay | undefined): Promise<void> {
    const { settings, log } = this.#parts;
    const times = new TaskTimes();
    times.streamTimeMs = task.streamTime();
    const restored = await emptyState(task.plan, times, settings.applicationId);
    for (const { name } of task.plan.subtopology.stores) {
      const changelog = log.read({ topic: changelogTopic(settings.applicationId, name), partition: task.id.partition });
      // In pieces, as they come from a broker.
      for (let at = 0; at < changelog.length; at += 7) {
        await restored.applyChangelog(name, changelog.slice(at, at + 7).map(({ key, ...rest }) => ({ key: key!, ...rest })), changelog[at]!.offset, 0);
      }
    }
    await restored.load();
    const reference = replay?.state(task.name);
    for (const spec of task.plan.subtopology.stores) {
      const own = await shownBy(task.state, spec, this.#parts);
      expect(await shownBy(restored, spec, this.#parts), `${spec.name} of task ${task.name}, from its changelog`).toEqual(own);
      if (reference !== undefined) expect(own, `${spec.name} of task ${task.name}`).toEqual(await shownBy(reference, spec, this.#parts));
    }
  }

  /** Every committed record of every input was taken once, in order. */
  #checkTaken(plans: readonly TaskPlan[], transactions: readonly Committed[]): void {
    const taken = new Map<string, number[]>();
    for (const { record } of transactions.flatMap(({ steps }) => [...steps.values()].flat())) {
      if (record !== undefined) taken.set(partitionName(record), [...(taken.get(partitionName(record)) ?? []), record.offset]);
    }
    for (const input of plans.flatMap(({ inputs }) => inputs)) {
      expect(taken.get(partitionName(input)) ?? [], `records taken of ${partitionName(input)}`).toEqual(this.#parts.log.read(input).map(({ offset }) => offset));
    }
  }

  /** Positions may have moved past the ends of transactions, but not past records; times are those of the reference. */
  #checkPosition({ offset, metadata, ...tp }: TopicPartition & { offset: number; metadata: string }, { offsets }: Committed): void {
    const committed = offsets.get(partitionName(tp))!;
    const [own, expected] = [decodeOffsetMetadata(committed.metadata)!, decodeOffsetMetadata(metadata)!];
    if (own.streamTime !== expected.streamTime || own.partitionTime !== expected.partitionTime) {
      expect({ ...own, n: 0 }, `times of ${partitionName(tp)}@${committed.offset}`).toEqual({ ...expected, n: 0 });
    }
    if (committed.offset === offset) return;
    expect(committed.offset, `position of ${partitionName(tp)}`).toBeGreaterThan(offset);
    expect(this.#parts.log.read(tp, { from: offset, to: committed.offset }), `records of ${partitionName(tp)} that nobody took`).toEqual([]);
  }
}

function taskOf(plans: readonly TaskPlan[], { topic, partition }: TopicPartition): TaskPlan {
  return plans.find(({ inputs }) => inputs.some((input) => input.topic === topic && input.partition === partition))!;
}

/**
 * The order between partitions is nobody's business; nor is that between keys of a changelog: a store that has been restored does not hold what had died of age
 * already, so the first write to a key may be a later one.
 */
function byPartition(lines: readonly string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const line of lines) (found[line.split(' ')[0]!] ??= []).push(line.slice(line.indexOf(' ') + 1));
  for (const [partition, own] of Object.entries(found)) if (isChangelog(topicOf(partition))) own.sort();
  return found;
}

function topicOf(partition: string): string {
  return partition.replace(/-\d+$/, '');
}
