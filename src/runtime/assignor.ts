// Who runs which task. Partitions of one task travel together; a task stays where its state is unless that would leave instances unevenly loaded.

import type { AssignorMember, GroupAssignor } from '../ports/broker.ts';
import type { TopicPartition } from '../record/record.ts';
import { murmur2 } from '../topology/partitioner.ts';
import type { TaskPlan } from './topic-plan.ts';

/** What an instance says of itself when it joins. */
export interface HeldTasks {
  /** Commit numbers of the tasks whose state it holds. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Those among them that it was running until this moment. */
  readonly running: readonly string[];
}

export function encodeHeldTasks({ numbers, running }: HeldTasks): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, held: numbers, running }));
}

/** Words that make no sense are those of a member that holds nothing. */
export function decodeHeldTasks(userData: Buffer): HeldTasks {
  try {
    const { v, held, running } = JSON.parse(userData.toString()) as { v: number; held: Record<string, number>; running: string[] };
    if (v === 1) return { numbers: Object.fromEntries(Object.entries(held).filter(([, n]) => Number.isSafeInteger(n))), running: running.map(String) };
  } catch {
    // Another program in our group, or a later release: its members can be given tasks like any other.
  }
  return { numbers: {}, running: [] };
}

export function stickyTaskAssignor(tasks: readonly TaskPlan[]): GroupAssignor {
  return {
    // Kafka lets only members of one assignor's name into a group. Two that cut the work into different tasks would both process what one of them was given
    // for a task that the other does not have.
    name: `millrace-sticky-tasks-1-${layoutOf(tasks)}`,
    assign(members) {
      const byMember = assignTasks(tasks, members);
      return new Map([...byMember].map(([member, own]) => [member, own.flatMap(inputPartitions)]));
    },
  };
}

/** Balanced to within one task; within that, tasks stay with who runs them, then go to the freshest copy of their state. */
export function assignTasks(tasks: readonly TaskPlan[], members: readonly AssignorMember[]): Map<string, TaskPlan[]> {
  // Sorted, so that every leader comes to the same answer from the same facts.
  const ids = members.map(({ memberId }) => memberId).sort();
  const held = new Map(members.map(({ memberId, userData }) => [memberId, decodeHeldTasks(userData)]));
  const assigned = new Map<string, TaskPlan[]>(ids.map((id) => [id, []]));
  const most = Math.ceil(tasks.length / ids.length);
  // Only so many members may have one more than the floor, or another would end with two fewer.
  const room = (id: string): boolean => {
    const own = assigned.get(id)!.length;
    if (own < Math.floor(tasks.length / ids.length)) return true;
    const full = [...assigned.values()].filter((list) => list.length >= most).length;
    return own < most && full < (tasks.length % ids.length || ids.length);
  };
  const numberOf = (id: string, task: TaskPlan): number => held.get(id)!.numbers[task.name] ?? Number.NEGATIVE_INFINITY;
  const isHolder = (id: string, task: TaskPlan): boolean => numberOf(id, task) > Number.NEGATIVE_INFINITY;
  const runs = (id: string, task: TaskPlan): boolean => held.get(id)!.running.includes(task.name);
  const holders = (task: TaskPlan): number => ids.filter((id) => isHolder(id, task)).length;
  // Who runs a task keeps it, before any older copy takes the place that it needs. Those that others hold too come last: they are cheapest to move.
  let open = [...tasks].sort((a, b) => holders(a) - holders(b));
  for (const has of [runs, isHolder]) {
    open = open.filter((task) => {
      const best = ids.filter((id) => has(id, task) && room(id)).sort((a, b) => numberOf(b, task) - numberOf(a, task))[0];
      if (best !== undefined) assigned.get(best)!.push(task);
      return best === undefined;
    });
  }
  for (const task of open) {
    const least = ids.filter(room).sort((a, b) => assigned.get(a)!.length - assigned.get(b)!.length)[0]!;
    assigned.get(least)!.push(task);
  }
  return assigned;
}

/** Which topics each subtopology reads, as eight hex digits. Not how many partitions they have: for topics that grow there is src/runtime/partitions-changed.ts. */
function layoutOf(tasks: readonly TaskPlan[]): string {
  const first = tasks.filter(({ id }) => id.partition === 0);
  const layout = first.map(({ id, inputs }) => `${id.subtopology}: ${inputs.map(({ topic }) => topic).sort().join(', ')}`).sort().join('\n');
  return (murmur2(Buffer.from(layout)) >>> 0).toString(16).padStart(8, '0');
}

function inputPartitions(task: TaskPlan): TopicPartition[] {
  return task.inputs.map(({ topic, partition }) => ({ topic, partition }));
}
