// The small parts of the bridge, each against a reference too simple to be wrong.

import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckedPrefix } from '../../src/escalation/acked-prefix.ts';
import { decodeCommand, encodeCommand, UnreadableCommandError } from '../../src/escalation/codec.ts';
import { InFlightLimit } from '../../src/escalation/in-flight-limit.ts';
import { laneOf, Lanes } from '../../src/escalation/lanes.ts';
import { roundRobinAssignor } from '../../src/escalation/partition-assignor.ts';
import { troubleOf } from '../../src/escalation/temporal-errors.ts';
import { aCommand } from './commands.ts';
import { busyWorkflow, denied, grpcError, invalid, noNamespace, rateLimited, unavailable } from './fake-temporal.ts';

describe('AckedPrefix', () => {
  it('moves only over records that are all acknowledged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ gap: fc.integer({ min: 0, max: 3 }), tail: fc.integer({ min: 0, max: 2 }) }), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        (records, dice) => {
          const prefix = new AckedPrefix(5);
          let offset = 5;
          const open: { offset: number; ack: () => void }[] = [];
          let read = 5;
          for (const { gap, tail } of records) {
            offset += gap;
            open.push({ offset, ack: prefix.track(offset, 0) });
            offset++;
            offset += tail;
            read = offset;
            prefix.readUpTo(read);
          }
          while (open.length > 0) {
            const [one] = open.splice(dice.next().value % open.length, 1);
            one?.ack();
            const firstOpen = Math.min(...open.map((entry) => entry.offset), read);
            expect(prefix.position).toBeLessThanOrEqual(firstOpen);
            expect(prefix.unacked).toBeGreaterThanOrEqual(open.length);
          }
          expect(prefix.position).toBe(read);
          expect(prefix.unacked).toBe(0);
        },
      ),
    );
  });

  it('moves over markers when nothing is open', () => {
    const prefix = new AckedPrefix(10);
    prefix.readUpTo(13);
    expect(prefix.position).toBe(13);
  });

  it('knows since when its oldest record waits', () => {
    const prefix = new AckedPrefix(0);
    const first = prefix.track(0, 100);
    prefix.track(1, 200);
    expect(prefix.oldestSinceMs).toBe(100);
    first();
    expect(prefix.oldestSinceMs).toBe(200);
  });
});

describe('decodeCommand', () => {
  it('reads what was written', () => {
    const command = aCommand('a', 7);
    expect(decodeCommand(encodeCommand(command))).toEqual(command);
  });

  it.each([
    ['no value', null, /no value/],
    ['no JSON', Buffer.from('{'), /not JSON/],
    ['a list', Buffer.from('[]'), /version/],
    ['a number', Buffer.from('7'), /not a JSON object/],
    ['another version', Buffer.from(JSON.stringify({ ...aCommand('a', 1), v: 9 })), /version is 9; this bridge reads version 1/],
    ['missing fields', Buffer.from('{"v":1}'), /workflowType, workflowId, kind, key, seq, at, notAfter, op, replyTo, payload/],
    ['seq 0', encodeCommand(aCommand('a', 0)), /seq must count from 1/],
    ['an unknown op', encodeCommand(aCommand('a', 1, { op: 'poke' as never })), /op/],
  ])('names what is wrong with %s', (_name, value, message) => {
    expect(() => decodeCommand(value)).toThrow(UnreadableCommandError);
    expect(() => decodeCommand(value)).toThrow(message);
  });

  it('never throws anything else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map((text) => Buffer.from(text))), (bytes) => {
        try {
          decodeCommand(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableCommandError);
        }
      }),
    );
  });
});

describe('Lanes', () => {
  it('runs the jobs of one workflow one after the other, those of others meanwhile', async () => {
    const lanes = new Lanes(8);
    const log: string[] = [];
    let running = 0;
    let most = 0;
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (let n = 0; n < 5; n++) {
      for (const id of ids) {
        lanes.add(id, async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 1));
          running--;
          log.push(id + n);
        });
      }
    }
    await lanes.idle();
    for (const id of ids) expect(log.filter((entry) => entry.startsWith(id))).toEqual([0, 1, 2, 3, 4].map((n) => id + n));
    expect(most).toBeGreaterThan(1);
    expect(lanes.queued + lanes.running).toBe(0);
  });

  it('spreads ids over all lanes', () => {
    const lanes = new Set(Array.from({ length: 1_000 }, (_, i) => laneOf(`order-${i}`, 64)));
    expect(lanes.size).toBe(64);
  });
});

describe('InFlightLimit', () => {
  it('halves once per burst of refusals and grows back', async () => {
    const limit = new InFlightLimit(8);
    limit.throttled(10_000);
    limit.throttled(10_500);
    expect(limit.limit).toBe(4);
    limit.throttled(11_001);
    limit.throttled(12_100);
    limit.throttled(13_200);
    expect(limit.limit).toBe(1);
    for (let i = 0; i < 100; i++) limit.succeeded();
    expect(limit.limit).toBe(8);
  });

  it('lets everything through in the end, whatever fails', async () => {
    const limit = new InFlightLimit(2);
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => limit.run(() => (i % 3 === 0 ? Promise.reject(new Error('no')) : Promise.resolve(i)))));
    expect(results).toHaveLength(20);
    expect(limit.inFlight).toBe(0);
  });
});

describe('roundRobinAssignor', () => {
  it('gives every partition to exactly one member that reads its topic, evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 12 }), (memberCount, partitions) => {
        const members = Array.from({ length: memberCount }, (_, i) => ({ memberId: `m${i}`, topics: ['t'], userData: Buffer.alloc(0) }));
        const assignment = roundRobinAssignor.assign(members, new Map([['t', partitions]]));
        const all = [...assignment.values()].flat().map(({ partition }) => partition);
        expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, i) => i));
        const sizes = [...assignment.values()].map((list) => list.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('troubleOf', () => {
  it.each([
    ['connection refused', unavailable(), { kind: 'again' }],
    ['a deadline', grpcError(4, 'Deadline exceeded'), { kind: 'again' }],
    ['an internal error', grpcError(13, 'oops'), { kind: 'again' }],
    ['something that is no gRPC error', new TypeError('x'), { kind: 'again' }],
    ['a busy workflow', busyWorkflow(), { kind: 'throttled', cause: 'busy-workflow' }],
    ['a rate limit', rateLimited(), { kind: 'throttled', cause: 'rps-limit' }],
    ['exhaustion without details', grpcError(8, 'slow down'), { kind: 'throttled', cause: 'unspecified' }],
    ['a message too large for gRPC', grpcError(8, 'grpc: received message larger than max (5000000 vs. 4194304)'), { kind: 'poison' }],
    ['a payload too large', invalid(), { kind: 'poison' }],
    ['a workflow full of signals', grpcError(3, 'exceeded workflow execution limit for signal events'), { kind: 'workflow-full' }],
    ['no permission', denied(), { kind: 'fatal' }],
    ['no authentication', grpcError(16, 'token expired'), { kind: 'fatal' }],
    ['no namespace', noNamespace(), { kind: 'fatal' }],
    ['already started', new WorkflowExecutionAlreadyStartedError('x', 'a', 'b'), { kind: 'already-started' }],
    ['not found', new WorkflowNotFoundError('x', 'a', undefined), { kind: 'not-found' }],
  ])('%s', (_name, error, expected) => {
    expect(troubleOf(error)).toMatchObject(expected);
  });
});
