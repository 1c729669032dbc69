// The mailbox on a real server: what the Java test server gets wrong is exactly what matters here (starts and signals that race, continue-as-new,
// closing tasks, limits on buffered signals).

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_SIGNAL, LAST_SEQ_MEMO } from '../../src/escalation/protocol.ts';
import type { MailboxState } from '../../src/workflows/mailbox.ts';
import { MAILBOX_QUERY } from '../../src/workflows/run-saga.ts';
import type { OrderState } from '../../src/orders/order-saga.ts';
import type { EscalationWorker } from '../../src/workflows/worker/index.ts';
import { pay, place, told } from '../orders/saga-driver.ts';
import { command, eventually, FakeWorld, orderWorker, realServer, signalWithStart } from './temporal-env.ts';

describe('the mailbox, on a real server', () => {
  let env: TestWorkflowEnvironment;
  let world: FakeWorld;
  let id = '';
  let tests = 0;

  beforeAll(async () => {
    env = await realServer();
  });
  afterAll(async () => {
    await env.teardown();
  });
  beforeEach(() => {
    world = new FakeWorld();
    id = `order-${++tests}`;
  });

  const queue = () => `orders-${tests}`;
  const withWorker = async <T>(work: (worker: EscalationWorker) => Promise<T>): Promise<T> => {
    const worker = await orderWorker(env, queue(), world.activities);
    try {
      return await work(worker);
    } finally {
      await worker.shutdown();
    }
  };
  const send = (seq: number, of: { kind: string; payload: unknown }, historyEventsMax?: number) =>
    signalWithStart(env, queue(), command(id, seq, of), historyEventsMax);
  const handle = () => env.client.workflow.getHandle(id);
  const mailbox = () => handle().query<MailboxState<OrderState>>(MAILBOX_QUERY);
  const story = () => told(world.outcomes(id).map((outcome) => [outcome]));
  const oneSecond = () => new Promise((resolve) => setTimeout(resolve, 1_050));
  const isAt = (phase: string) => eventually(`phase ${phase}`, async () => (await mailbox()).saga.phase.at === phase);

  it('drops redelivered commands, the first, a middle one and the last', () =>
    withWorker(async () => {
      await send(1, place(id));
      await send(1, place(id));
      await send(2, pay(id, 'wrong', { amountCents: 1 }));
      await send(1, place(id));
      await send(2, pay(id, 'other', { amountCents: 2 }));
      await isAt('awaiting-payment');
      await eventually('duplicates', async () => (await mailbox()).duplicates === 3);
      await send(3, pay(id, 'p1'));
      await handle().result();
      expect(story()).toEqual(['RESERVED#1', 'refund wrong', 'CONFIRMED#2(p1)']);
    }));

  it('drops a command redelivered across continue-as-new', () =>
    withWorker(async () => {
      await send(1, place(id), 10);
      await isAt('awaiting-payment');
      const first = (await handle().describe()).runId;
      await oneSecond(); // Younger runs are not continued.
      await send(2, pay(id, 'a', { amountCents: 1 }), 10);
      await eventually('a second run', async () => (await handle().describe()).runId !== first);
      await send(2, pay(id, 'a', { amountCents: 1 }), 10);
      await send(1, place(id), 10);
      await eventually('duplicates counted', async () => (await mailbox()).duplicates === 2);
      expect((await mailbox()).runs).toBeGreaterThanOrEqual(2);
      await send(3, pay(id, 'p1'), 10);
      await handle().result();
      expect(story()).toEqual(['RESERVED#1', 'refund a', 'CONFIRMED#2(p1)']);
    }));

  it('refuses a command after its end, and its memo tells what it had read', () =>
    withWorker(async () => {
      await send(1, place(id));
      await send(2, pay(id, 'p1'));
      await handle().result();
      await expect(send(3, pay(id, 'late'))).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
      expect((await handle().describe()).memo?.[LAST_SEQ_MEMO]).toBe(2);
    }));

  it('takes a burst of 300 signals in order, none lost', () =>
    withWorker(async () => {
      await send(1, place(id));
      await isAt('awaiting-payment');
      // One after the other, as a lane sends them; the workflow is busy publishing meanwhile.
      let release!: () => void;
      world.gates.set('publishOutcomes', new Promise((resolve) => (release = resolve)));
      for (let seq = 2; seq <= 301; seq++) await handle().signal(COMMAND_SIGNAL, command(id, seq, pay(id, `w${seq}`, { amountCents: 1 })));
      release();
      await send(302, pay(id, 'p1'));
      await handle().result();
      expect(story().filter((line) => line.startsWith('refund'))).toEqual(Array.from({ length: 300 }, (_, i) => `refund w${i + 2}`));
      expect(story().filter((line) => !line.startsWith('refund'))).toEqual(['RESERVED#1', 'CONFIRMED#2(p1)']);
    }));

  it('survives more than 100 signals that arrive while no worker is there', async () => {
    await send(1, place(id));
    for (let seq = 2; seq <= 151; seq++) await send(seq, pay(id, `w${seq}`, { amountCents: 1 }));
    await send(152, pay(id, 'p1'));
    await withWorker(() => handle().result());
    // All are held until the order is reserved; those that do not fit are known by then, so they go out with the confirmation or before it.
    expect(story().filter((line) => line.startsWith('refund'))).toHaveLength(150);
    expect(story()).toContain('CONFIRMED#2(p1)');
  });

  it('continues as new again and again under a constant stream, and loses nothing', () =>
    withWorker(async () => {
      await send(1, place(id), 8);
      for (let seq = 2; seq <= 61; seq++) {
        await send(seq, pay(id, `w${seq}`, { amountCents: 1 }), 8);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await eventually('the stream is answered', () => story().length === 61, 5_000);
      await send(62, pay(id, 'p1'), 8);
      await handle().result();
      expect(story()).toEqual(['RESERVED#1', ...Array.from({ length: 60 }, (_, i) => `refund w${i + 2}`), 'CONFIRMED#2(p1)']);
      const { gaps, runs } = await mailbox();
      expect(gaps).toBe(0);
      expect(runs).toBeGreaterThan(3);
    }));

  it('compensates when cancelled, undisturbed by a second request, and ends normally', () =>
    withWorker(async () => {
      await send(1, place(id));
      await isAt('awaiting-payment');
      let release!: () => void;
      world.gates.set('releaseInventory', new Promise((resolve) => (release = resolve)));
      await handle().cancel();
      await eventually('the release has begun', () => world.calls.some(({ activity }) => activity === 'releaseInventory'));
      await handle().cancel();
      await send(2, pay(id, 'late'));
      release();
      await handle().result();
      expect((await handle().describe()).status.name).toBe('COMPLETED');
      expect(story()).toEqual(['RESERVED#1', 'CANCELLED#2', 'refund late']);
    }));

  it('waits for a step under way before it compensates it', () =>
    withWorker(async () => {
      let release!: () => void;
      world.gates.set('reserveInventory', new Promise((resolve) => (release = resolve)));
      await send(1, place(id));
      await eventually('the reservation has begun', () => world.calls.length > 0);
      await handle().cancel();
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(world.calls.map(({ activity }) => activity)).toEqual(['reserveInventory']);
      release();
      await handle().result();
      expect(world.calls.map(({ activity }) => activity)).toEqual(['reserveInventory', 'releaseInventory', 'publishOutcomes']);
      expect(story()).toEqual(['CANCELLED#1']);
    }));

  it('interrupts a step that keeps failing when it is cancelled', () =>
    withWorker(async () => {
      for (let i = 0; i < 20; i++) world.failures.push({ activity: 'reserveInventory', error: new Error('503') });
      await send(1, place(id));
      await eventually('it is retried', () => world.calls.length >= 2);
      await handle().cancel();
      await handle().result();
      expect(story()).toEqual(['CANCELLED#1']);
      expect(world.calls.at(-2)?.activity).toBe('releaseInventory');
    }));

  it('goes on where it was when its worker is replaced mid-saga', async () => {
    await withWorker(async () => {
      await send(1, place(id));
      await isAt('awaiting-payment');
    });
    await send(2, pay(id, 'p1'));
    await withWorker(() => handle().result());
    expect(story()).toEqual(['RESERVED#1', 'CONFIRMED#2(p1)']);
    expect(world.calls.filter(({ activity }) => activity === 'reserveInventory')).toHaveLength(1);
  });

  it('answers a signal that is no command by counting it', () =>
    withWorker(async () => {
      await send(1, place(id));
      await handle().signal(COMMAND_SIGNAL, 'hello');
      await handle().signal(COMMAND_SIGNAL);
      await eventually('both are counted', async () => (await mailbox()).malformed === 2);
      await send(2, { kind: 'dance', payload: null });
      await send(4, pay(id, 'p1'));
      await handle().result();
      expect(story().sort()).toEqual(['CONFIRMED#2(p1)', 'RESERVED#1', 'rejected dance']);
      expect((await mailbox()).gaps).toBe(1);
    }));
});
