// Records workflow histories for the replay test: node test/workflows/record-histories.ts <release>, with TEMPORAL_CLI set. Run it once per release and
// commit what it writes; never overwrite an old release's files, since they stand for workflows that are still running somewhere.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { COMMAND_SIGNAL } from '../../src/escalation/protocol.ts';
import { pay, place } from '../orders/saga-driver.ts';
import { command, eventually, FakeWorld, orderWorker, realServer, signalWithStart } from './temporal-env.ts';

interface Scene {
  readonly id: string;
  readonly world: FakeWorld;
  readonly say: (seq: number, of: { kind: string; payload: unknown }) => Promise<void>;
  readonly handle: ReturnType<TestWorkflowEnvironment['client']['workflow']['getHandle']>;
  readonly hasActed: (activity: string, times?: number) => Promise<unknown>;
}

const refused = (code: string) => ApplicationFailure.nonRetryable('refused', `Inventory.${code}`);

/** What each history shows; `events` is the history bound where it matters. */
const SCENES: Record<string, { events?: number; play: (scene: Scene) => Promise<void> }> = {
  'confirmed-with-surplus-payments': {
    async play({ id, say, hasActed }) {
      await say(1, place(id));
      await hasActed('publishOutcomes');
      await say(2, pay(id, 'wrong', { amountCents: 1 }));
      await say(3, pay(id, 'p1'));
      await say(4, pay(id, 'p2'));
      await say(4, pay(id, 'p2'));
    },
  },
  'payment-before-order': {
    async play({ id, say }) {
      await say(1, pay(id, 'p1'));
      await say(2, place(id));
    },
  },
  'timed-out': {
    async play({ id, say }) {
      await say(1, place(id, { paymentTimeoutMs: 500 }));
    },
  },
  rejected: {
    async play({ id, world, say }) {
      world.failures.push({ activity: 'reserveInventory', error: refused('OUT_OF_STOCK') });
      await say(1, place(id));
    },
  },
  'confirmation-refused': {
    async play({ id, world, say }) {
      world.failures.push({ activity: 'confirmInventory', error: refused('NOT_RESERVED') });
      await say(1, place(id));
      await say(2, pay(id, 'p1'));
    },
  },
  'cancelled-while-waiting': {
    async play({ id, say, handle, hasActed }) {
      await say(1, place(id));
      await hasActed('publishOutcomes');
      await handle.cancel();
    },
  },
  'cancelled-while-reserving': {
    async play({ id, world, say, handle, hasActed }) {
      let release!: () => void;
      world.gates.set('reserveInventory', new Promise((resolve) => (release = resolve)));
      await say(1, place(id));
      await hasActed('reserveInventory');
      await handle.cancel();
      await new Promise((resolve) => setTimeout(resolve, 200));
      release();
    },
  },
  'continued-as-new': {
    events: 12,
    async play({ id, say }) {
      await say(1, place(id));
      for (let seq = 2; seq <= 12; seq++) {
        await say(seq, pay(id, `w${seq}`, { amountCents: 1 }));
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      await say(13, pay(id, 'p1'));
    },
  },
  'nonsense-answered': {
    async play({ id, say, handle, hasActed }) {
      await say(1, place(id));
      await hasActed('publishOutcomes');
      await handle.signal(COMMAND_SIGNAL, 'no command');
      await say(3, { kind: 'dance', payload: null });
      await say(4, pay(id, 'p1'));
    },
  },
};

/** Without what names the computer it ran on. */
function scrubbed(key: string, value: unknown): unknown {
  if (key === 'identity') return 'recorder';
  if (key === 'stackTrace') return '';
  // Sticky queues are named after process and host.
  return typeof value === 'string' ? value.replace(/^\d+@.+-(?=[0-9a-f]{32}$)/, 'recorder-') : value;
}

const release = process.argv[2];
if (release === undefined) throw new Error('Name the release: node test/workflows/record-histories.ts 0.1');
const dir = fileURLToPath(new URL(`histories/${release}/`, import.meta.url));
mkdirSync(dir, { recursive: true });

const env = await realServer();
try {
  for (const [name, { events, play }] of Object.entries(SCENES)) {
    const world = new FakeWorld();
    const worker = await orderWorker(env, name, world.activities);
    const handle = env.client.workflow.getHandle(name);
    await play({
      id: name,
      world,
      handle,
      say: (seq, of) => signalWithStart(env, name, command(name, seq, of, { notAfter: 0 }), events),
      hasActed: (activity, times = 1) => eventually(activity, () => world.calls.filter((call) => call.activity === activity).length >= times),
    });
    await handle.result();
    await worker.shutdown();
    let run = 0;
    for await (const { runId } of env.client.workflow.list({ query: `WorkflowId = '${name}'` })) {
      const history = JSON.parse(historyToJSON(await env.client.workflow.getHandle(name, runId).fetchHistory())) as object;
      writeFileSync(`${dir}${name}${run++ === 0 ? '' : `.${run}`}.json`, `${JSON.stringify(history, scrubbed, 1)}\n`);
    }
    console.log(`${name}: ${run} run(s)`);
  }
} finally {
  await env.teardown();
}
