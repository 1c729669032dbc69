// A membership against a coordinator that refuses, at the moment that matters.

import { expect, it } from 'vitest';
import type { Connections } from '../../src/broker/connections.ts';
import { KafkaMembership } from '../../src/broker/membership.ts';
import { encodeAssignment } from '../../src/broker/protocol/groups.ts';
import type { KafkaRequest } from '../../src/broker/protocol/request.ts';

const UNKNOWN_SERVER_ERROR = -1;
const GROUP_AUTHORIZATION_FAILED = 30;

/** A group of one follower; heartbeats are answered with `heartbeats` in turn, then with 0. */
async function member(heartbeats: number[]): Promise<{ log: string[]; failed: Promise<unknown>; membership: KafkaMembership }> {
  const log: string[] = [];
  const failed = Promise.withResolvers<unknown>();
  const answer = ({ apiName }: KafkaRequest<unknown>): unknown => {
    if (apiName === 'Heartbeat') return { errorCode: heartbeats.shift() ?? 0 };
    log.push(apiName);
    return { errorCode: 0, generationId: 1, memberId: 'm', leaderId: 'another', members: [], assignment: encodeAssignment([]) };
  };
  const connections = {
    closing: new AbortController().signal,
    refresh: async () => ({ topics: [] }),
    sendToCoordinator: async (_kind: string, _key: string, request: KafkaRequest<unknown>) => answer(request),
    interrupt: () => {},
    close: async () => {},
  };
  const membership = await KafkaMembership.join(connections as unknown as Connections, {
    groupId: 'g',
    topics: ['t'],
    assignor: { name: 'a', assign: () => new Map() },
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    heartbeatIntervalMs: 5,
    userData: () => Buffer.alloc(0),
    onRevoked: async () => void log.push('revoked'),
    onLost: async () => void log.push('lost'),
    onAssigned: async () => void log.push('assigned'),
    onFatal: (error) => failed.resolve(error),
  });
  return { log, failed: failed.promise, membership };
}

it('ends when a heartbeat is refused for good: what it had is given up, and the group told', async () => {
  const { log, failed, membership } = await member([0, GROUP_AUTHORIZATION_FAILED]);
  expect(await failed).toMatchObject({ kind: 'fatal', code: 'GROUP_AUTHORIZATION_FAILED' });
  expect(log).toEqual(['JoinGroup', 'SyncGroup', 'assigned', 'revoked', 'LeaveGroup']);
  await membership.leave();
});

it('goes on when a coordinator stumbles', async () => {
  const heartbeats = [UNKNOWN_SERVER_ERROR, UNKNOWN_SERVER_ERROR, 0, 0];
  const { log, membership } = await member(heartbeats);
  while (heartbeats.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(log.at(-1)).toBe('assigned');
  await membership.leave();
  expect(log.slice(-2)).toEqual(['revoked', 'LeaveGroup']);
});
