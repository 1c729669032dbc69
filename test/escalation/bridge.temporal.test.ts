// The whole control plane on a real Temporal: commands on topics in memory, the bridge, order workflows, the real inventory over HTTP, the outcome
// publisher. Read back by the rule of the topology: outcomes once each by their number.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Bridge, type BridgeOptions, startBridge } from '../../src/escalation/bridge.ts';
import type { Command, WorkflowOutcome } from '../../src/escalation/protocol.ts';
import { orderActivities } from '../../src/orders/activities.ts';
import type { OrderOutcome } from '../../src/orders/domain.ts';
import { type Inventory, inventoryClient, startInventory } from '../../src/orders/inventory/index.ts';
import type { Broker } from '../../src/ports/broker.ts';
import type { InMemoryCluster } from '../../src/testing/in-memory-broker.ts';
import { type EscalationWorker, outcomePublisher, type OutcomePublisher } from '../../src/workflows/worker/index.ts';
import { pay, place, told } from '../orders/saga-driver.ts';
import { eventually, orderWorker, realServer } from '../workflows/temporal-env.ts';
import { aCommand, cluster as newCluster, COMMANDS, committedOf, GROUP, outcomesOf, put, recordsOf, OUTCOMES, until } from './commands.ts';

describe('commands to outcomes', () => {
  let env: TestWorkflowEnvironment;
  let cluster: InMemoryCluster;
  let broker: Broker;
  let dir: string;
  let inventory: Inventory;
  let publisher: OutcomePublisher;
  let worker: EscalationWorker;
  let bridges: Bridge[] = [];
  let tests = 0;

  beforeAll(async () => {
    env = await realServer(['--dynamic-config-value', 'history.maximumSignalsPerExecution=40']);
  });
  afterAll(async () => {
    await env.teardown();
  });
  beforeEach(async () => {
    tests++;
    ({ cluster, broker } = await newCluster(2));
    dir = mkdtempSync(join(tmpdir(), 'inventory-'));
    inventory = await startInventory({ port: 0, dataDir: dir, initialStock: { tea: 1_000 } });
    publisher = outcomePublisher({ broker: cluster.connect(), transactionalId: 'worker' });
    worker = await orderWorker(env, queue(), orderActivities({ inventory: inventoryClient(inventory.url), publisher }));
  });
  afterEach(async () => {
    await Promise.all(bridges.map((bridge) => bridge.close()));
    bridges = [];
    await worker.shutdown();
    await publisher.close();
    await inventory.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const queue = () => `bridge-${tests}`;
  const order = (n: number | string) => `t${tests}-o${n}`;
  const bridge = async (over: Partial<BridgeOptions> = {}) => {
    const started = await startBridge({
      broker: cluster.connect(),
      temporal: { address: env.address, namespace: env.namespace ?? 'default' },
      groupId: GROUP,
      commandsTopics: [COMMANDS],
      workflows: { OrderWorkflow: { taskQueue: queue(), historyEventsMax: 30 } },
      ...over,
    });
    bridges.push(started);
    return started;
  };
  const say = (id: string, seq: number, of: { kind: string; payload: unknown }, over: Partial<Command> = {}): Command =>
    aCommand(id, seq, { kind: of.kind, payload: of.payload as Command['payload'], ...over });
  /** As the topology reads them. */
  const story = (id: string): string[] => {
    let last = 0;
    const spoken = outcomesOf(cluster).filter((outcome): outcome is WorkflowOutcome => outcome.origin === 'workflow' && outcome.workflowId === id);
    return told(spoken.filter(({ outSeq }) => outSeq > last && (last = outSeq) > 0).map(({ payload }) => [payload as unknown as OrderOutcome]));
  };
  const isTold = (id: string, line: string) => eventually(`${id}: ${line}`, () => story(id).includes(line));

  it('takes orders from command to confirmation', async () => {
    await bridge();
    for (let n = 0; n < 20; n++) await put(broker, n % 2, say(order(n), 1, place(order(n))), say(order(n), 2, pay(order(n), `p${n}`)));
    for (let n = 0; n < 20; n++) await isTold(order(n), `CONFIRMED#2(p${n})`);
    expect((await inventoryClient(inventory.url).stock())['tea']).toEqual({ initial: 1_000, available: 940, reserved: 0, sold: 60 });
    const description = await env.client.workflow.getHandle(order(0)).describe();
    expect(description.type).toBe('OrderWorkflow');
  });

  it('changes nothing when every command is redelivered', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, place(id)), say(id, 2, pay(id, 'p1')), say(id, 3, pay(id, 'p2')));
    await isTold(id, 'CONFIRMED#2(p1)');
    await eventually('it has ended', async () => (await env.client.workflow.getHandle(id).describe()).status.name === 'COMPLETED');
    const before = story(id);
    await bridges.pop()?.close();
    cluster.group(GROUP).committed.clear();
    const again = await bridge();
    await eventually('all are read again', () => again.metrics().unacked === 0 && again.metrics().received === 3);
    expect(story(id)).toEqual(before);
    expect(again.metrics()).toMatchObject({ delivered: 0 });
    expect(again.metrics().appliedBefore + again.metrics().rejectedClosed).toBe(3);
    // What the workflow read is known from its memo; only what came too late for it is rejected, as it was the first time or for the first time.
    expect(outcomesOf(cluster).filter(({ origin }) => origin === 'bridge').length).toBe(again.metrics().rejectedClosed);
  });

  it('sends a payment after the end back as rejected, whole', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, place(id, { paymentTimeoutMs: 200 })));
    await isTold(id, 'TIMED_OUT#2');
    await eventually('it has ended', async () => (await env.client.workflow.getHandle(id).describe()).status.name === 'COMPLETED');
    const late = say(id, 2, pay(id, 'p1'));
    await put(broker, 0, late);
    const [rejected] = await eventually('the rejection', () => {
      const all = outcomesOf(cluster).filter(({ origin }) => origin === 'bridge');
      return all.length > 0 && all;
    });
    expect(rejected).toMatchObject({ reason: 'closed', command: late });
  });

  it('publishes a terminal status and its refunds in one transaction', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, pay(id, 'p1')), say(id, 2, pay(id, 'p2')), say(id, 3, place(id)));
    await isTold(id, 'CONFIRMED#2(p1)');
    const slots = cluster.topics.get(OUTCOMES)![0]!.slots;
    const transactionOf = (line: string) => slots.find(({ record }) => record !== undefined && told([[(JSON.parse(record.value!.toString()) as WorkflowOutcome).payload as unknown as OrderOutcome]])[0] === line)?.transaction;
    expect(transactionOf('refund p2')).toBe(transactionOf('CONFIRMED#2(p1)'));
    expect(transactionOf('RESERVED#1')).not.toBe(transactionOf('CONFIRMED#2(p1)'));
  });

  it('survives an inventory that errs and loses answers', async () => {
    const stock = inventoryClient(inventory.url);
    await stock.setFaults({ errorRate: 0.3, lostAnswerRate: 0.3 });
    await bridge();
    for (let n = 0; n < 10; n++) await put(broker, n % 2, say(order(n), 1, place(order(n))), say(order(n), 2, pay(order(n), `p${n}`)));
    await eventually('some have begun', () => [...Array(10).keys()].some((n) => story(order(n)).length > 0));
    await stock.setFaults({ errorRate: 0, lostAnswerRate: 0 });
    for (let n = 0; n < 10; n++) await isTold(order(n), `CONFIRMED#2(p${n})`);
    expect((await stock.stock())['tea']).toMatchObject({ available: 970, reserved: 0, sold: 30 });
  });

  it('rejects when the stock is short', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, place(id, { lines: [{ sku: 'tea', quantity: 5_000, unitPriceCents: 1 }] })), say(id, 2, pay(id, 'p1')));
    await isTold(id, 'REJECTED#1');
    await eventually('the payment goes back', () => story(id).includes('refund p1') || outcomesOf(cluster).some(({ origin }) => origin === 'bridge'));
  });

  it('cancels through a command', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, place(id)));
    await isTold(id, 'RESERVED#1');
    await put(broker, 0, say(id, 2, { kind: 'cancel', payload: null }, { op: 'cancel' }));
    await isTold(id, 'CANCELLED#2');
    expect((await inventoryClient(inventory.url).stock())['tea']).toMatchObject({ available: 1_000, reserved: 0 });
  });

  it('gets more signals through than one run may take, by continuing as new', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, place(id)));
    await isTold(id, 'RESERVED#1');
    for (let seq = 2; seq <= 101; seq++) {
      await put(broker, 0, say(id, seq, pay(id, `w${seq}`, { amountCents: 1 })));
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    await put(broker, 0, say(id, 102, pay(id, 'p1')));
    await isTold(id, 'CONFIRMED#2(p1)');
    expect(story(id).filter((line) => line.startsWith('refund'))).toHaveLength(100);
  });

  it('starts nothing with a stale command', async () => {
    const id = order(1);
    await bridge();
    await put(broker, 0, say(id, 1, place(id), { notAfter: Date.now() - 1 }));
    await until('it is answered', () => committedOf(cluster, 0) === 1);
    expect(outcomesOf(cluster)).toMatchObject([{ origin: 'bridge', reason: 'stale', workflowId: id }]);
    await expect(env.client.workflow.getHandle(id).describe()).rejects.toThrow(/not found/i);
  });

  it('answers for workflow ids longer than Temporal takes, in time (`refused`) or past it (`stale`), and goes on', async () => {
    const ids = ['x'.repeat(1_001), '\u2603'.repeat(400)];
    await bridge();
    const past = { notAfter: Date.now() - 1 };
    await put(broker, 0, ...ids.map((id) => say(id, 1, place(id))), ...ids.map((id) => say(id, 2, pay(id, 'p1'), past)), say(order(1), 1, place(order(1))));
    await until('they are dealt with', () => committedOf(cluster, 0) === 5, 20_000);
    const answers = outcomesOf(cluster).flatMap((outcome) => (outcome.origin === 'bridge' ? [`${outcome.reason} ${ids.indexOf(outcome.workflowId)} #${outcome.command.seq}`] : []));
    expect(answers.sort()).toEqual(['refused 0 #1', 'refused 1 #1', 'stale 0 #2', 'stale 1 #2']);
    await isTold(order(1), 'RESERVED#1');
  });

  it('waits for a Temporal that is not there, then delivers', async () => {
    const messages: string[] = [];
    const nowhere = await bridge({ temporal: { address: '127.0.0.1:1' }, callTimeoutMs: 500, logger: (_level, message) => messages.push(message) });
    const id = order(1);
    await put(broker, 0, say(id, 1, place(id)));
    await eventually('it says so', () => messages.some((message) => /Temporal does not take commands/.test(message)));
    expect(nowhere.metrics().partitions).toBe(2);
    await nowhere.close();
    bridges = [];
    expect(committedOf(cluster, 0) ?? 0).toBe(0);
    await bridge();
    await isTold(id, 'RESERVED#1');
  });

  it('stops with a clear message when the namespace does not exist', async () => {
    const lost = await bridge({ temporal: { address: env.address, namespace: 'no-such-namespace' } });
    await put(broker, 0, say(order(1), 1, place(order(1))));
    await expect(lost.done).rejects.toThrow(/namespace/i);
    expect(recordsOf(cluster, `${COMMANDS}-dlq`)).toEqual([]);
  });
});
