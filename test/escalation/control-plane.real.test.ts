// The control plane as processes on real Kafka and Temporal, killed with SIGKILL again and again: between ack and commit, inside a saga step, inside a
// publication. Judged by what a read_committed reader finds, and by the inventory.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectKafka, kafkaSettingsFromEnv, type Broker } from 'millrace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCommand } from '../../src/escalation/codec.ts';
import type { Command, Outcome, WorkflowOutcome } from '../../src/escalation/protocol.ts';
import type { OrderOutcome } from '../../src/orders/domain.ts';
import { type Inventory, inventoryClient, startInventory } from '../../src/orders/inventory/index.ts';
import { pay, place, told } from '../orders/saga-driver.ts';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const PARTITIONS = 4;
const APP = fileURLToPath(new URL('./control-plane-app.ts', import.meta.url));

describe('the control plane, as processes that are killed', () => {
  let broker: Broker;
  let commands: string;
  let outcomes: string;
  let dir: string;
  let inventory: Inventory;
  const children = new Set<ChildProcess>();

  beforeEach(async () => {
    broker = connectKafka(kafkaSettingsFromEnv(process.env));
    commands = `${freshName('control')}-commands`;
    outcomes = commands.replace('commands', 'outcomes');
    await broker.admin.ensureTopics([commands, outcomes].map((topic) => ({ topic, partitions: PARTITIONS })));
    dir = mkdtempSync(join(tmpdir(), 'control-plane-'));
    inventory = await startInventory({ port: 0, dataDir: dir, initialStock: { tea: 10_000 } });
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await inventory.close();
    await broker.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function run(role: 'bridge' | 'worker', name: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [APP, role, name, commands, commands, inventory.url], {
      stdio: ['ignore', 'pipe', process.env['MILLRACE_DEBUG'] === undefined ? 'ignore' : 'inherit'],
    });
    children.add(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', (code, signal) => reject(new Error(`${name} ended before it was ready: ${code ?? signal}`)));
    });
    return child;
  }

  async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    children.delete(child);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** As a task does: both commands of an order in one transaction of its own partition. */
  async function escalate(orders: readonly { id: string; partition: number; commands: { kind: string; payload: unknown }[]; from?: number }[]): Promise<void> {
    const producer = broker.transactionalProducer({ transactionalId: `${commands}-stream`, transactionTimeoutMs: 10_000 });
    await producer.init();
    await producer.send(
      orders.flatMap(({ id, partition, commands: all, from = 1 }) =>
        all.map(({ kind, payload }, i) => {
          const command: Command = {
            v: 1,
            workflowType: 'OrderWorkflow',
            workflowId: id,
            op: 'signal',
            kind,
            seq: from + i,
            key: id,
            payload: payload as Command['payload'],
            replyTo: { topic: outcomes, partition },
            source: { topic: 'orders', partition, offset: i },
            at: Date.now(),
            notAfter: Date.now() + 3_600_000,
          };
          return { topic: commands, partition, key: Buffer.from(id), value: encodeCommand(command), timestamp: command.at, headers: [] };
        }),
      ),
    );
    await producer.commit();
    await producer.close();
  }

  const read = async () => (await readTopic(broker, outcomes)).map(({ value }) => JSON.parse(value!.toString()) as Outcome);
  /** By the rule of the topology: each outcome number of a workflow once. */
  function stories(all: readonly Outcome[]): Map<string, string[]> {
    const last = new Map<string, number>();
    const found = new Map<string, OrderOutcome[][]>();
    for (const outcome of all.filter((of): of is WorkflowOutcome => of.origin === 'workflow')) {
      if (outcome.outSeq <= (last.get(outcome.workflowId) ?? 0)) continue;
      expect(outcome.outSeq).toBe((last.get(outcome.workflowId) ?? 0) + 1);
      last.set(outcome.workflowId, outcome.outSeq);
      found.set(outcome.workflowId, [...(found.get(outcome.workflowId) ?? []), [outcome.payload as unknown as OrderOutcome]]);
    }
    return new Map([...found].map(([id, publications]) => [id, told(publications)]));
  }
  const isEnded = (story: readonly string[] | undefined) => story?.some((line) => /^(CONFIRMED|TIMED_OUT|REJECTED|CANCELLED)/.test(line)) === true;

  it('ends every order once and accounts for every payment', async () => {
    await inventoryClient(inventory.url).setFaults({ errorRate: 0.05, lostAnswerRate: 0.05 });
    const orders = 160;
    const id = (n: number) => `${commands}-o${n}`;
    let bridges = [await run('bridge', 'bridge-1'), await run('bridge', 'bridge-2')];
    let worker = await run('worker', 'worker-1');

    const feeding = (async () => {
      for (let n = 0; n < orders; n += 8) {
        await escalate(
          Array.from({ length: 8 }, (_, i) => ({
            id: id(n + i),
            partition: (n + i) % PARTITIONS,
            // One in eight is paid twice, one in eight never.
            commands: [
              place(id(n + i), { paymentTimeoutMs: 15_000 }),
              ...(i === 0 ? [] : [pay(id(n + i), `p${n + i}`)]),
              ...(i === 1 ? [pay(id(n + i), `p${n + i}-again`)] : []),
            ],
          })),
        );
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    })();
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      await end(bridges[round % 2] as ChildProcess, 'SIGKILL');
      await end(worker, 'SIGKILL');
      worker = await run('worker', 'worker-1');
      bridges = bridges.with(round % 2, await run('bridge', `bridge-${round + 3}`));
    }
    await feeding;
    await eventually(async () => [...stories(await read()).values()].filter(isEnded).length === orders, 'every order to end', 120_000);
    await eventually(async () => (await lag()) === 0, 'every command to be committed');
    for (const child of [...bridges, worker]) await end(child, 'SIGTERM');

    const all = await read();
    const told = stories(all);
    // A payment that found its workflow finished comes back from the bridge, perhaps more than once.
    const rejected = new Set(all.flatMap((of) => (of.origin === 'bridge' ? [(of.command.payload as { payment: { paymentId: string } }).payment.paymentId] : [])));
    for (let n = 0; n < orders; n++) {
      const story = told.get(id(n)) as string[];
      expect(story.filter((line) => /#/.test(line)), id(n)).toEqual(n % 8 === 0 ? ['RESERVED#1', 'TIMED_OUT#2'] : ['RESERVED#1', `CONFIRMED#2(p${n})`]);
      const refunds = story.filter((line) => line.startsWith('refund'));
      if (n % 8 === 1) expect([...refunds.map((line) => line.slice('refund '.length)), ...[...rejected].filter((of) => of === `p${n}-again`)]).toEqual([`p${n}-again`]);
      else expect(refunds).toEqual([]);
    }
    const confirmed = (orders * 7) / 8;
    expect((await inventoryClient(inventory.url).stock())['tea']).toEqual({ initial: 10_000, available: 10_000 - 3 * confirmed, reserved: 0, sold: 3 * confirmed });
  });

  async function lag(): Promise<number> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: commands, partition }));
    const ends = await broker.admin.listOffsets(partitions, 'stable');
    const committed = await broker.admin.committedOffsets(`${commands}-bridge`, partitions);
    return [...ends].reduce((sum, [name, end]) => sum + end - (committed.get(name)?.offset ?? 0), 0);
  }
});
