import { describe, expect, it } from 'vitest';
import { assignPartitions, subscribedTopics } from '../../../src/broker/group-leader.ts';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from '../../../src/broker/protocol/groups.ts';
import type { GroupAssignor } from '../../../src/ports/broker.ts';

const member = (memberId: string, topics: string[], userData = '') => ({ memberId, subscription: encodeSubscription(topics, Buffer.from(userData)) });

function assignor(assigned: Record<string, [string, number][]>): GroupAssignor {
  return { name: 'fixed', assign: () => new Map(Object.entries(assigned).map(([id, list]) => [id, list.map(([topic, partition]) => ({ topic, partition }))])) };
}

describe('group protocol', () => {
  it('carries subscriptions and assignments', () => {
    expect(decodeSubscription(encodeSubscription(['b', 'a'], Buffer.from('held')))).toEqual({ topics: ['b', 'a'], userData: Buffer.from('held') });
    const partitions = [{ topic: 'a', partition: 0 }, { topic: 'a', partition: 7 }, { topic: 'b', partition: 1 }];
    expect(decodeAssignment(encodeAssignment(partitions))).toEqual(partitions);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  });

  it('asks for the topics of all members', () => {
    expect(subscribedTopics([member('1', ['b']), member('2', ['a', 'b'])])).toEqual(['a', 'b']);
  });

  it('gives every member an answer, the empty one included', () => {
    const members = [member('1', ['a']), member('2', ['a'])];
    const assignments = assignPartitions(assignor({ 1: [['a', 0], ['a', 1]] }), members, new Map([['a', 2]]));
    expect(decodeAssignment(assignments.get('1')!)).toHaveLength(2);
    expect(decodeAssignment(assignments.get('2')!)).toEqual([]);
  });

  it.each([
    ['forgets a partition', { 1: [['a', 0]] }, /a-1 to 0 members/],
    ['gives a partition twice', { 1: [['a', 0], ['a', 1]], 2: [['a', 1]] }, /a-1 to 2 members/],
    ['invents a partition', { 1: [['a', 0], ['a', 1], ['a', 2]] }, /a-2, which does not exist/],
  ] as [string, Record<string, [string, number][]>, RegExp][])('refuses an assignor that %s', (_, assigned, message) => {
    expect(() => assignPartitions(assignor(assigned), [member('1', ['a']), member('2', ['a'])], new Map([['a', 2]]))).toThrow(message);
  });
});
