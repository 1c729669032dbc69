// The leader's part of a rebalance: from everybody's subscription to everybody's partitions.

import { BrokerError, type GroupAssignor } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import { messageOf } from './errors.ts';
import { decodeSubscription, encodeAssignment, type JoinAnswer } from './protocol/groups.ts';

export function subscribedTopics(members: JoinAnswer['members']): string[] {
  return [...new Set(members.flatMap(({ subscription }) => decodeSubscription(subscription).topics))].sort();
}

/** Encoded assignments by member id. @throws when the assignor has no answer, or breaks its contract: a partition read twice, or by nobody, would go unnoticed later. */
export function assignPartitions(
  assignor: GroupAssignor,
  members: JoinAnswer['members'],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, Buffer> {
  const described = members.map(({ memberId, subscription }) => ({ memberId, ...decodeSubscription(subscription) }));
  const assigned = answerOf(assignor, described, partitionCounts);
  checkComplete(assignor.name, assigned, partitionCounts);
  return new Map(members.map(({ memberId }) => [memberId, encodeAssignment(assigned.get(memberId) ?? [])]));
}

/** An assignor is pure: what it threw it would throw again. */
function answerOf(assignor: GroupAssignor, ...facts: Parameters<GroupAssignor['assign']>): ReturnType<GroupAssignor['assign']> {
  try {
    return assignor.assign(...facts);
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError('fatal', 'BAD_ASSIGNMENT', `The assignor ${assignor.name} has no answer: ${messageOf(error)}`, { cause: error });
  }
}

function checkComplete(name: string, assigned: ReadonlyMap<string, readonly TopicPartition[]>, partitionCounts: ReadonlyMap<string, number>): void {
  const owners = new Map<string, number>();
  for (const partitions of assigned.values()) {
    for (const tp of partitions) owners.set(partitionName(tp), (owners.get(partitionName(tp)) ?? 0) + 1);
  }
  const wrong: string[] = [];
  for (const [topic, count] of partitionCounts) {
    for (let partition = 0; partition < count; partition += 1) {
      const given = owners.get(partitionName({ topic, partition })) ?? 0;
      if (given !== 1) wrong.push(`${partitionName({ topic, partition })} to ${given} members`);
      owners.delete(partitionName({ topic, partition }));
    }
  }
  wrong.push(...[...owners.keys()].map((unknown) => `${unknown}, which does not exist`));
  if (wrong.length === 0) return;
  throw new BrokerError('fatal', 'BAD_ASSIGNMENT', `The assignor ${name} must give every partition to exactly one member, but gave ${wrong.slice(0, 5).join('; ')}.`);
}
