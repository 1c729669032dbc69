// A broker that stumbles (UNKNOWN_SERVER_ERROR) over a request that changes nothing is asked again.

import { expect, it } from 'vitest';
import { KafkaAdmin } from '../../src/broker/admin.ts';
import type { Connections } from '../../src/broker/connections.ts';
import { KafkaFetcher } from '../../src/broker/fetcher.ts';
import { protocolError } from '../../src/broker/errors.ts';
import type { KafkaRequest } from '../../src/broker/protocol/request.ts';

const tp = { topic: 't', partition: 0 };

/** One broker that answers each kind of request with its error the first time. */
function stumbling(): { connections: Connections; asked: string[] } {
  const asked: string[] = [];
  const stumble = (name: string): number => (asked.push(name), asked.filter((one) => one === name).length === 1 ? -1 : 0);
  const found = (errorCode: number) => ({ topic: 't', errorCode, isInternal: false, partitions: [{ partition: 0, leader: 1 }] });
  const answer = ({ apiName }: KafkaRequest<unknown>): unknown => {
    const errorCode = stumble(apiName);
    if (apiName === 'OffsetFetch') return { errorCode, partitions: [{ ...tp, errorCode: 0, offset: 5, metadata: '' }] };
    if (apiName === 'ListOffsets') return [{ ...tp, errorCode, offset: 7 }];
    return { errorCode: 0, partitions: [{ ...tp, errorCode, highWatermark: 3, lastStableOffset: 3, batches: Buffer.alloc(0), aborted: [] }] };
  };
  const connections = {
    closing: new AbortController().signal,
    leaderOf: () => 1,
    topic: () => found(0),
    refresh: async () => ({ topics: [found(stumble('Metadata'))] }),
    // In a turn of its own, as a socket would: a fetcher that is answered at once, for ever, leaves the event loop to nobody.
    send: async (_node: number, request: KafkaRequest<unknown>) => {
      await new Promise((resolve) => setImmediate(resolve));
      return answer(request);
    },
    sendToCoordinator: async (_kind: string, _key: string, request: KafkaRequest<unknown>) => answer(request),
    close: async () => {},
  };
  return { connections: connections as unknown as Connections, asked };
}

it('by the admin: metadata, offsets of logs and of groups', async () => {
  const { connections, asked } = stumbling();
  const admin = new KafkaAdmin(connections);
  expect(await admin.partitionCount('t')).toBe(1);
  expect(await admin.listOffsets([tp], 'latest')).toEqual(new Map([['t-0', 7]]));
  expect((await admin.committedOffsets('g', [tp])).get('t-0')).toMatchObject({ offset: 5 });
  for (const name of ['Metadata', 'ListOffsets', 'OffsetFetch']) expect(asked.filter((one) => one === name).length).toBeGreaterThan(1);
});

it('by the fetcher', async () => {
  const { connections, asked } = stumbling();
  const fetcher = new KafkaFetcher(connections);
  const troubles: string[] = [];
  fetcher.onTrouble = (reason) => troubles.push(reason);
  fetcher.assign(tp, 0);
  const arrived = [];
  while (arrived.length === 0) arrived.push(...(await fetcher.poll(100)));
  fetcher.unassign(tp);
  expect(arrived[0]).toMatchObject({ highWatermark: 3 });
  expect(asked[0]).toBe('Fetch');
  expect(troubles).toContainEqual(expect.stringContaining('UNKNOWN_SERVER_ERROR'));
});

it('but not with a request that may have taken effect', () => {
  expect(protocolError(-1, 'write').kind).toBe('fatal');
});
