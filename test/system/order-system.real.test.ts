// The whole order system as processes on real servers, with kills in the middle, judged by the audit's own reading of topics and inventory.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, connectRegistry, kafkaSettingsFromEnv, NO_HEADERS, partitionFor, Serdes, type Broker, type Command, type Registry } from 'millrace';
import { Observer } from '../../src/cli/demo/observer.ts';
import { OrderSystem } from '../../src/cli/demo/order-system.ts';
import { brokenInvariants, inputEnds } from '../../src/orders/audit/index.ts';
import { APPLICATION_ID, ORDER_SAGA, TOPICS, type OrderPlaced, type PaymentReceived } from '../../src/orders/domain.ts';
import { orderSerdes } from '../../src/orders/serdes.ts';
import { ensureOrderTopics, PARTITIONS } from '../../src/orders/topics.ts';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const PAYMENT_TIMEOUT_MS = 8_000;
const COMMANDS = `${APPLICATION_ID}-${ORDER_SAGA}-commands`;

let broker: Broker;
let registry: Registry;
let dataDir: string;
let system: OrderSystem;
const notices: string[] = [];

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  registry = connectRegistry({ url: process.env['SCHEMA_REGISTRY_URL']! });
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-system-'));
  await ensureOrderTopics(broker.admin);
  system = await OrderSystem.start({
    env: process.env,
    logDir: join(dataDir, 'logs'),
    dataDir,
    paymentTimeoutMs: PAYMENT_TIMEOUT_MS,
    instances: 2,
    onNotice: (line) => notices.push(line),
  });
});

afterAll(async () => {
  await system?.stop();
  registry?.close();
  await broker?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Watches a run to its end. Invariants are judged over everything in the topics, so each test also judges those before it. */
async function settledReport(countFrom: ReadonlyMap<string, number>, isDone: () => boolean) {
  await using observer = new Observer({ broker, registry, inventoryUrl: system.inventoryUrl, countFrom, signal: AbortSignal.timeout(200_000) });
  await observer.watch(({ counts }) => isDone() && counts.orders > 0 && observer.isSettled);
  return observer.report();
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('keeps all invariants while every role is killed in the middle, and one of two instances leaves', { timeout: 240_000 }, async () => {
  const countFrom = await inputEnds(broker);
  system.generate({ orders: 300, rate: 30, seed: 7 });
  let isGenerated = false;
  const generated = system.generated.then(() => void (isGenerated = true));
  const settled = settledReport(countFrom, () => isGenerated);
  for (const victim of ['stream-1', 'bridge', 'stream-2', 'worker', 'stream-1', 'inventory', 'stream-2', 'stream-1']) {
    await pause(1_000);
    system.role(victim).kill();
  }
  await pause(2_000);
  await system.role('stream-2').stop();
  await generated;
  const report = await settled;
  expect(brokenInvariants(report)).toEqual([]);
  expect(report.orders).toBe(300);
  expect(report.statuses.CONFIRMED).toBeGreaterThan(0);
  expect(report.statuses.TIMED_OUT).toBeGreaterThan(0);
  expect(notices.length).toBeGreaterThan(0);
});

test('a redelivered command changes nothing, and a payment for a closed order is refunded once', { timeout: 120_000 }, async () => {
  const countFrom = await inputEnds(broker);
  const serdes = orderSerdes(registry);
  await serdes.order.open?.(TOPICS.orders, 'value');
  await serdes.payment.open?.(TOPICS.payments, 'value');
  const orderId = freshName('order');
  const key = Buffer.from(orderId);
  const partition = partitionFor(key, PARTITIONS);
  const now = Date.now();
  const order: OrderPlaced = { eventId: `${orderId}-e`, orderId, customerId: 'c', lines: [{ sku: 'tea', quantity: 1, unitPriceCents: 450 }], totalCents: 450, currency: 'EUR', placedAt: now };
  const pay = (paymentId: string): PaymentReceived => ({ eventId: `${orderId}-${paymentId}`, paymentId, orderId, amountCents: 450, currency: 'EUR', status: 'CAPTURED', receivedAt: now });
  const producer = broker.producer();
  const send = (topic: string, value: Buffer) => producer.send([{ topic, partition, key, value, timestamp: now, headers: NO_HEADERS }]);
  const statuses = async () => (await readTopic(broker, TOPICS.orderStatus)).filter((record) => record.key?.equals(key)).map(({ value }) => value!);

  await send(TOPICS.orders, serdes.order.serialize(TOPICS.orders, order));
  await send(TOPICS.payments, serdes.payment.serialize(TOPICS.payments, pay('p1')));
  await eventually(async () => (await statuses()).length === 2, 'the order to be confirmed');

  const json = Serdes.json<Command>();
  const commands = (await readTopic(broker, COMMANDS)).filter((record) => record.value !== null && json.deserialize(COMMANDS, record.value).workflowId === orderId);
  expect(commands).toHaveLength(2);
  const commandPartition = partitionFor(key, (await broker.admin.partitionCount(COMMANDS))!);
  for (const { value } of commands) await producer.send([{ topic: COMMANDS, partition: commandPartition, key, value, timestamp: now, headers: NO_HEADERS }]);
  await send(TOPICS.payments, serdes.payment.serialize(TOPICS.payments, pay('p2')));

  const report = await settledReport(countFrom, () => true);
  expect(brokenInvariants(report)).toEqual([]);
  expect(report).toMatchObject({ orders: 1, refunds: 1, capturedPayments: 2, appliedPayments: 1 });
  expect(await statuses()).toHaveLength(2);
  await producer.close();
});
