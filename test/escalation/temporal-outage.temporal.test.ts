// Temporal is killed under load and comes back with what it had on disk: nothing is lost, nothing happens twice, nobody else has to be restarted.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterEach, expect, it } from 'vitest';
import { startBridge } from '../../src/escalation/bridge.ts';
import type { Command, WorkflowOutcome } from '../../src/escalation/protocol.ts';
import { orderActivities } from '../../src/orders/activities.ts';
import type { OrderOutcome } from '../../src/orders/domain.ts';
import { inventoryClient, startInventory } from '../../src/orders/inventory/index.ts';
import { bundleWorkflows, createEscalationWorker, outcomePublisher } from '../../src/workflows/worker/index.ts';
import { pay, place, told } from '../orders/saga-driver.ts';
import { eventually, ORDER_WORKFLOWS } from '../workflows/temporal-env.ts';
import { aCommand, cluster as newCluster, COMMANDS, GROUP, outcomesOf, put } from './commands.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startTemporal(port: number, dir: string): Promise<ChildProcess> {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'never'];
  args.push('--db-filename', join(dir, 'temporal.db'), '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL');
  const child = spawn(process.env['TEMPORAL_CLI'] ?? 'temporal', args, { stdio: 'ignore' });
  await eventually('Temporal answers', async () => {
    try {
      await (await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 1_000 })).close();
      return true;
    } catch {
      return false;
    }
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
}

it('survives a killed Temporal', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'outage-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  const port = await freePort();
  let temporal = await startTemporal(port, dir);
  cleanups.push(() => kill(temporal));
  const address = `127.0.0.1:${port}`;

  const { cluster, broker } = await newCluster(2);
  const inventory = await startInventory({ port: 0, dataDir: join(dir, 'inventory'), initialStock: { tea: 1_000 } });
  cleanups.push(() => inventory.close());
  const publisher = outcomePublisher({ broker: cluster.connect(), transactionalId: 'worker' });
  const worker = await createEscalationWorker({
    address,
    taskQueue: 'orders',
    workflowBundle: await bundleWorkflows(ORDER_WORKFLOWS),
    activities: orderActivities({ inventory: inventoryClient(inventory.url), publisher }),
    shutdownGraceMs: 500,
  });
  cleanups.push(() => worker.shutdown());
  const messages: string[] = [];
  const bridge = await startBridge({
    broker: cluster.connect(),
    temporal: { address },
    groupId: GROUP,
    commandsTopics: [COMMANDS],
    workflows: { OrderWorkflow: { taskQueue: 'orders' } },
    callTimeoutMs: 2_000,
    logger: (level, message) => messages.push(`${level}: ${message}`),
  });
  cleanups.push(() => bridge.close());

  const orders = 60;
  const say = (n: number, seq: number, of: { kind: string; payload: unknown }) =>
    put(broker, n % 2, aCommand(`o${n}`, seq, { kind: of.kind, payload: of.payload as Command['payload'] }));
  const feeding = (async () => {
    for (let n = 0; n < orders; n++) {
      await say(n, 1, place(`o${n}`));
      await say(n, 2, pay(`o${n}`, `p${n}`));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await eventually('some are under way', () => outcomesOf(cluster).length >= 10);
  await kill(temporal);
  await feeding;
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(messages.some((message) => /Temporal does not take commands/.test(message))).toBe(true);
  temporal = await startTemporal(port, dir);

  const story = (n: number): string[] => {
    let last = 0;
    const spoken = outcomesOf(cluster).filter((outcome): outcome is WorkflowOutcome => outcome.origin === 'workflow' && outcome.workflowId === `o${n}`);
    return told(spoken.filter(({ outSeq }) => outSeq > last && (last = outSeq) > 0).map(({ payload }) => [payload as unknown as OrderOutcome]));
  };
  await eventually('every order is confirmed', () => [...Array(orders).keys()].every((n) => story(n).some((line) => line.startsWith('CONFIRMED'))), 90_000);
  for (let n = 0; n < orders; n++) expect(story(n)).toEqual(['RESERVED#1', `CONFIRMED#2(p${n})`]);
  expect((await inventoryClient(inventory.url).stock())['tea']).toEqual({ initial: 1_000, available: 1_000 - 3 * orders, reserved: 0, sold: 3 * orders });
  expect(messages.some((message) => /answers again/.test(message))).toBe(true);
  expect(worker.state()).toBe('RUNNING');
}, 180_000);
