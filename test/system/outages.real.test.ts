// Servers that go away in the middle of work: on a stack of its own, because others' tests would not like it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, connectRegistry, kafkaSettingsFromEnv, type Broker, type Registry } from 'millrace';
import { Observer } from '../../src/cli/demo/observer.ts';
import { OrderSystem } from '../../src/cli/demo/order-system.ts';
import { brokenInvariants, inputEnds } from '../../src/orders/audit/index.ts';
import { ensureOrderTopics } from '../../src/orders/topics.ts';
import { ensureStack, type Stack } from '../../src/stack/index.ts';

let dir: string;
let stack: Stack;
let broker: Broker;
let registry: Registry;
let system: OrderSystem;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-outage-'));
  const { KAFKA_BROKERS: _k, TEMPORAL_ADDRESS: _t, SCHEMA_REGISTRY_URL: _r, ...env } = process.env;
  stack = await ensureStack({ need: { kafka: true, temporal: true, registry: true }, dataDir: dir, log: () => {}, env });
  const withStack = { ...process.env, ...stack.env };
  broker = connectKafka(kafkaSettingsFromEnv(withStack));
  registry = connectRegistry({ url: stack.schemaRegistryUrl });
  await ensureOrderTopics(broker.admin);
  system = await OrderSystem.start({ env: withStack, logDir: join(dir, 'logs'), dataDir: dir, paymentTimeoutMs: 10_000, instances: 1, onNotice: () => {} });
});

afterAll(async () => {
  await system?.stop();
  registry?.close();
  await broker?.close();
  await stack?.stop();
  await rm(dir, { recursive: true, force: true });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('Kafka, Temporal and the registry are killed and come back: the system waits, and loses and repeats nothing', { timeout: 240_000 }, async () => {
  const countFrom = await inputEnds(broker);
  system.generate({ orders: 200, rate: 20, seed: 11 });
  let isGenerated = false;
  const generated = system.generated.then(() => void (isGenerated = true));
  for (const part of ['temporal', 'kafka', 'registry', 'kafka'] as const) {
    await pause(2_000);
    await stack.kill(part);
    await pause(1_500);
    await stack.restart(part);
  }
  await generated;
  await using observer = new Observer({ broker, registry, inventoryUrl: system.inventoryUrl, countFrom, signal: AbortSignal.timeout(200_000) });
  await observer.watch(() => isGenerated && observer.isSettled);
  const report = await observer.report();
  expect(brokenInvariants(report)).toEqual([]);
  expect(report.orders).toBe(200);
});
