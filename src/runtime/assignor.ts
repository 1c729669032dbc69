// Who runs which task. Partitions of one task travel together; a task stays where its state is unless that would leave instances unevenly loaded.

import type { AssignorMember, GroupAssignor } from '../ports/broker.ts';
import type { TopicPartition } from '../record/record.ts';
import type { TaskPlan } from './topic-plan.ts';

/** What an instance says of itself when it joins: commit numbers of the tasks whose state it holds. */
export interface HeldTasks {
  readonly [task: string]: number;
}

export function encodeHeldTasks(held: HeldTasks): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, held }));
}

export function decodeHeldTasks(userData: Buffer): HeldTasks {
  try {
    const { v, held } = JSON.parse(userData.toString()) as { v: number; held: HeldTasks };
    return v === 1 && typeof held === 'object' && held !== null ? held : {};
  } catch {
    return {};
  }
}

export function stickyTaskAssignor(tasks: readonly TaskPlan[]): GroupAssignor {
  return {
    name: 'millrace-sticky-tasks-1',
    assign(members) {
      const byMember = assignTasks(tasks, members);
      return new Map([...byMember].map(([member, own]) => [member, own.flatMap(inputPartitions)]));
    },
  };
}

/** Balanced to within one task; among those, as few tasks as possible move away from the freshest copy of their state. */
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
  const unplaced: TaskPlan[] = [];
  for (const task of tasks) {
    const holders = ids.filter((id) => held.get(id)![task.name] !== undefined && room(id));
    const best = holders.sort((a, b) => held.get(b)![task.name]! - held.get(a)![task.name]!)[0];
    if (best === undefined) unplaced.push(task);
    else assigned.get(best)!.push(task);
  }
  for (const task of unplaced) {
    const least = ids.filter(room).sort((a, b) => assigned.get(a)!.length - assigned.get(b)!.length)[0]!;
    assigned.get(least)!.push(task);
  }
  return assigned;
}

function inputPartitions(task: TaskPlan): TopicPartition[] {
  return task.inputs.map(({ topic, partition }) => ({ topic, partition }));
}
