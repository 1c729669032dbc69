// Who runs which task, for any members and any history of theirs.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { assignTasks, decodeHeldTasks, encodeHeldTasks, stickyTaskAssignor, type HeldTasks } from '../../src/runtime/assignor.ts';
import { planTopics, type TaskPlan } from '../../src/runtime/topic-plan.ts';
import { partitionName } from '../../src/record/record.ts';
import type { AssignorMember } from '../../src/ports/broker.ts';

const text = { key: Serdes.string(), value: Serdes.string() };

/** A join of two inputs with `partitions` each, and a second subtopology of its own. */
function tasksOf(partitions: number, more = 0): TaskPlan[] {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', text);
  const right = builder.stream('right', text);
  left.join(right, (a, b) => `${a}${b}`, { name: 'pair', window: { beforeMs: 1, afterMs: 1, graceMs: 0 }, ...text, otherValue: text.value }).to('out', text);
  if (more > 0) builder.stream('other', text).foreach(() => {});
  const counts = new Map([['left', partitions], ['right', partitions], ['out', 1], ['other', more]]);
  return [...planTopics(builder.build(), 'app', counts, -1).tasks];
}

function member(memberId: string, numbers: HeldTasks['numbers'] = {}, running: readonly string[] = []): AssignorMember {
  return { memberId, topics: ['left', 'right', 'other'], userData: encodeHeldTasks({ numbers, running }) };
}

function names(assigned: ReadonlyMap<string, readonly TaskPlan[]>): Record<string, string[]> {
  return Object.fromEntries([...assigned].map(([id, tasks]) => [id, tasks.map(({ name }) => name).sort()]));
}

/** What the members say of themselves at the next rebalance: what they ran is at commit `n` or where it was, what they had before is where it was. */
function after(assigned: ReadonlyMap<string, readonly TaskPlan[]>, members: readonly AssignorMember[], n?: number): AssignorMember[] {
  const highest = (name: string): number => Math.max(0, ...members.map(({ userData }) => decodeHeldTasks(userData).numbers[name] ?? 0));
  return members.map(({ memberId, userData }) => {
    const own = (assigned.get(memberId) ?? []).map(({ name }) => name);
    return member(memberId, { ...decodeHeldTasks(userData).numbers, ...Object.fromEntries(own.map((name) => [name, n ?? highest(name)])) }, own);
  });
}

const anyTasks = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat(5)).map(([partitions, more]) => tasksOf(partitions, more));
const anyHeld = fc.dictionary(fc.tuple(fc.nat(2), fc.nat(7)).map(([a, b]) => `${a}_${b}`), fc.integer({ min: -1, max: 9 }), { maxKeys: 8 });
const anyMembers = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 1, maxLength: 6 })
  .chain((ids) => fc.tuple(...ids.map((id) => anyHeld.map((held) => member(id, held)))));

describe('for any members and whatever they hold', () => {
  test('every task has exactly one owner, and loads differ by at most one', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers, (tasks, members) => {
        const assigned = assignTasks(tasks, members);
        expect([...assigned.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort());
        expect([...assigned.values()].flat().map(({ name }) => name).sort()).toEqual(tasks.map(({ name }) => name).sort());
        const loads = [...assigned.values()].map((own) => own.length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('every leader comes to the same answer', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers.chain((members) => fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length }))), (tasks, [members, shuffled]) => {
        expect(names(assignTasks(tasks, shuffled))).toEqual(names(assignTasks(tasks, members)));
      }),
    );
  });

  test('when nothing has changed nothing moves', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers, (tasks, members) => {
        const first = assignTasks(tasks, members);
        const second = assignTasks(tasks, after(first, members, 10));
        expect(names(second)).toEqual(names(first));
      }),
    );
  });

  test('nor when nothing was committed in between, so that others hold state as new', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers, (tasks, members) => {
        const first = assignTasks(tasks, members);
        expect(names(assignTasks(tasks, after(first, members)))).toEqual(names(first));
      }),
    );
  });

  test('a member that joins takes no more than its share, from those above theirs', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers, fc.boolean(), (tasks, members, hasOldState) => {
        const before = assignTasks(tasks, members);
        const joining = member('zz-new', hasOldState ? Object.fromEntries(tasks.map(({ name }) => [name, 1])) : {});
        const now = assignTasks(tasks, [...after(before, members, 10), joining]);
        const moved = movedTasks(before, now);
        const most = Math.ceil(tasks.length / (members.length + 1));
        const least = Math.floor(tasks.length / (members.length + 1));
        // What no assignment can avoid: the excess of each, and the share of the newcomer.
        const loads = [...before.values()].map((own) => own.length);
        const mayHaveMore = tasks.length % (members.length + 1);
        const kept = loads.map((load) => Math.min(load, least)).reduce((a, b) => a + b, 0);
        const more = Math.min(mayHaveMore, loads.filter((load) => load >= most && most > least).length);
        expect(moved).toHaveLength(tasks.length - kept - more);
      }),
    );
  });

  test('when a member leaves, the others keep what they have', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers, (tasks, members) => {
        fc.pre(members.length > 1);
        const before = assignTasks(tasks, members);
        const [gone, ...rest] = after(before, members, 10);
        const now = assignTasks(tasks, rest);
        expect(movedTasks(before, now).sort()).toEqual(before.get(gone!.memberId)!.map(({ name }) => name).sort());
      }),
    );
  });

  test('inputs of one task travel together', () => {
    fc.assert(
      fc.property(anyTasks, anyMembers, (tasks, members) => {
        const assigned = stickyTaskAssignor(tasks).assign(members, new Map());
        const owner = new Map([...assigned].flatMap(([id, partitions]) => partitions.map((tp) => [partitionName(tp), id])));
        expect([...assigned.values()].flat()).toHaveLength(tasks.flatMap(({ inputs }) => inputs).length);
        for (const { inputs } of tasks) expect(new Set(inputs.map((input) => owner.get(partitionName(input)))).size).toBe(1);
      }),
    );
  });
});

test('a task goes to who holds the newest state of it', () => {
  const assigned = assignTasks(tasksOf(2), [member('a', { '0_0': 3, '0_1': 8 }), member('b', { '0_0': 7, '0_1': 2 })]);
  expect(names(assigned)).toEqual({ a: ['0_1'], b: ['0_0'] });
});

test('state that is not the newest is better than none', () => {
  const assigned = assignTasks(tasksOf(2), [member('a', { '0_0': 9, '0_1': 9 }), member('b', { '0_0': 8 })]);
  expect(names(assigned)).toEqual({ a: ['0_1'], b: ['0_0'] });
});

test.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['null', 'null'],
  ['another version', '{"v":2,"held":{"0_0":5}}'],
  ['held by nobody', '{"v":1,"held":null}'],
  ['words for numbers', '{"v":1,"held":{"0_0":"many"},"running":[]}'],
])('a member whose words make no sense (%s) is one that holds nothing', (_, words) => {
  expect(decodeHeldTasks(Buffer.from(words))).toEqual({ numbers: {}, running: [] });
});

function movedTasks(before: ReadonlyMap<string, readonly TaskPlan[]>, now: ReadonlyMap<string, readonly TaskPlan[]>): string[] {
  const ownerBefore = new Map([...before].flatMap(([id, tasks]) => tasks.map(({ name }) => [name, id])));
  return [...now].flatMap(([id, tasks]) => tasks.filter(({ name }) => ownerBefore.get(name) !== id).map(({ name }) => name));
}
