// The generator and the audit's reading, together, on a broker in memory: what goes in comes out. No order system is running here.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Broker, BrokerError, memoryRegistry, partitionFor, type PlainProducer } from 'millrace';
import { InMemoryCluster } from 'millrace/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, follow, inputEnds } from '../../src/orders/audit/index.ts';
import { TOPICS } from '../../src/orders/domain.ts';
import { type GeneratorProgress, planOrders, runGenerator } from '../../src/orders/generator/index.ts';

const PARTITIONS = 3;
const RUN = { orders: 300, ratePerSecond: 1_500, paymentTimeoutMs: 300, seed: 7, runId: 'run' };

let inventoryUrl: string;
const inventory = createServer((_request, response) => void response.end(JSON.stringify({ tea: { initial: 5, available: 5, reserved: 0, sold: 0 } })));
beforeAll(async () => {
  await new Promise<void>((resolve) => inventory.listen(0, '127.0.0.1', resolve));
  inventoryUrl = `http://127.0.0.1:${(inventory.address() as AddressInfo).port}`;
});
afterAll(() => {
  inventory.closeAllConnections();
  inventory.close();
});

async function newBroker(): Promise<Broker> {
  const broker = new InMemoryCluster().connect();
  await broker.admin.ensureTopics(Object.values(TOPICS).map((topic) => ({ topic, partitions: PARTITIONS })));
  return broker;
}

describe('a generator run', () => {
  it('puts the whole plan into the topics, each key where Java would put it, and the audit counts the same', async () => {
    const broker = await newBroker();
    const registry = memoryRegistry();
    const progress: GeneratorProgress[] = [];
    const result = await runGenerator({ ...RUN, broker, registry, onProgress: (now) => progress.push(now) });
    const plan = planOrders({ ...RUN, startMs: 0 });
    expect(result).toMatchObject({ records: [...plan.sends()].length, orders: 300, runId: 'run', seed: 7 });
    expect(progress.at(-1)).toEqual(result);
    expect(progress.every(({ records }, at) => at === 0 || records > progress[at - 1]!.records)).toBe(true);

    const report = await audit({ broker, registry, inventoryUrl });
    const stories = [...plan.stories()];
    const sum = (of: (story: (typeof stories)[number]) => number) => stories.reduce((total, story) => total + of(story), 0);
    expect(report).toMatchObject({
      orders: 300,
      validOrders: sum(({ expected }) => Math.min(1, expected.terminal.length)),
      duplicatesSeen: sum(({ expected }) => expected.duplicates),
      capturedPayments: sum(({ expected }) => expected.captured.length),
      deadLetters: 0,
    });
    expect(report.pending).toEqual({
      ordersWithoutTerminal: report.validOrders,
      paymentsUnsettled: report.capturedPayments,
      deadLettersMissing: sum(({ expected }) => expected.deadLetters),
    });
    expect(report.invariants.find(({ n }) => n === 4)!.brokenCount).toBe(0); // the inventory was asked

    const misplaced = await readAll(broker, TOPICS.orders, (partition, key) => key !== null && partitionFor(key, PARTITIONS) !== partition);
    expect(misplaced).toBe(0);
  });

  it('waits for the topics, and for a broker that is away', async () => {
    const broker = new InMemoryCluster().connect();
    const troubles: string[] = [];
    let failures = 1;
    const flaky: Broker = {
      ...broker,
      admin: broker.admin,
      producer(): PlainProducer {
        const producer = broker.producer();
        return {
          send: (records) => (failures-- > 0 ? Promise.reject(new BrokerError('retriable', 'ECONNREFUSED', 'no broker answers')) : producer.send(records)),
          close: () => producer.close(),
        };
      },
    };
    const running = runGenerator({ ...RUN, orders: 5, broker: flaky, registry: memoryRegistry(), onTrouble: (reason) => troubles.push(reason) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(troubles).toEqual(['The generator waits for the topic orders: the stream creates it when it starts.']);
    await broker.admin.ensureTopics(Object.values(TOPICS).map((topic) => ({ topic, partitions: 1 })));
    const { records } = await running;
    expect(troubles.at(-1)).toMatch(/^The generator waits, \d+ records are to be sent: no broker answers$/);
    expect(await readAll(broker, TOPICS.orders, () => true) + await readAll(broker, TOPICS.payments, () => true)).toBe(records);
  });

  it('gives up on what waiting does not help', async () => {
    const broker = await newBroker();
    const barred: Broker = { ...broker, admin: broker.admin, producer: () => ({ send: () => Promise.reject(new BrokerError('fatal', 'TOPIC_AUTHORIZATION_FAILED', 'not allowed')), close: () => Promise.resolve() }) };
    await expect(runGenerator({ ...RUN, broker: barred, registry: memoryRegistry() })).rejects.toThrow('not allowed');
  });

  it('goes on until it is told to end', async () => {
    const broker = await newBroker();
    const ending = new AbortController();
    const running = runGenerator({ ...RUN, orders: Infinity, ratePerSecond: 100, broker, registry: memoryRegistry(), signal: ending.signal });
    await new Promise((resolve) => setTimeout(resolve, 200));
    ending.abort();
    const { orders, records } = await running;
    expect(orders).toBeGreaterThan(5);
    expect(orders).toBeLessThan(60);
    expect(records).toBeGreaterThan(5);
  });
});

describe('following', () => {
  it('reads only what is new, and counts from where it is told', async () => {
    const broker = await newBroker();
    const registry = memoryRegistry();
    await runGenerator({ ...RUN, orders: 20, runId: 'first', broker, registry });
    await using follower = follow({ broker, registry, inventoryUrl, countFrom: await inputEnds(broker) });
    await follower.catchUp();
    const before = follower.pending().ordersWithoutTerminal;
    expect(before).toBeGreaterThan(10);
    await runGenerator({ ...RUN, orders: 30, runId: 'second', broker, registry });
    await follower.catchUp();
    const report = await follower.report();
    expect(report.orders).toBe(30);
    expect(report.pending.ordersWithoutTerminal).toBe(before + report.validOrders);
  });

  it('says that the inventory does not answer', async () => {
    const broker = await newBroker();
    const troubles: string[] = [];
    const ending = new AbortController();
    const options = { broker, registry: memoryRegistry(), inventoryUrl: 'http://127.0.0.1:1', onTrouble: (reason: string) => { troubles.push(reason); ending.abort(); }, signal: ending.signal };
    await expect(audit(options)).rejects.toThrow();
    expect(troubles[0]).toMatch(/^The audit cannot ask the inventory at http:\/\/127\.0\.0\.1:1 for its stock \(attempt 1 of 5\)/);
  });
});

async function readAll(broker: Broker, topic: string, counts: (partition: number, key: Buffer | null) => boolean): Promise<number> {
  const fetcher = broker.fetcher();
  const partitions = Array.from({ length: (await broker.admin.partitionCount(topic))! }, (_, partition) => ({ topic, partition }));
  for (const tp of partitions) fetcher.assign(tp, 0);
  let found = 0;
  for (let data = await fetcher.poll(0); data.some(({ records }) => records.length > 0); data = await fetcher.poll(0)) {
    for (const { partition, records } of data) found += records.filter(({ key }) => counts(partition, key)).length;
  }
  await fetcher.close();
  return found;
}
