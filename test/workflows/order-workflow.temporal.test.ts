// The order workflow on a server that skips time: timers and timeouts of hours, in seconds. What needs a server that is right in every corner is in
// mailbox.temporal.test.ts.

import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LAST_SEQ_MEMO } from '../../src/escalation/protocol.ts';
import type { EscalationWorker } from '../../src/workflows/worker/index.ts';
import { pay, place, told } from '../orders/saga-driver.ts';
import { command, FakeWorld, orderWorker, signalWithStart, timeSkippingServer } from './temporal-env.ts';

const HOUR = 3_600_000;

describe('OrderWorkflow, with time skipped', () => {
  let env: TestWorkflowEnvironment;
  let worker: EscalationWorker;
  let world: FakeWorld;
  let id = '';
  let seq = 0;
  let orders = 0;

  beforeAll(async () => {
    env = await timeSkippingServer();
  });
  afterAll(async () => {
    await env.teardown();
  });
  beforeEach(async () => {
    world = new FakeWorld();
    worker = await orderWorker(env, `orders-${++orders}`, world.activities);
    id = `order-${orders}`;
    seq = 0;
  });
  afterEach(async () => {
    await worker.shutdown();
  });

  const send = (of: { kind: string; payload: unknown }) => signalWithStart(env, `orders-${orders}`, command(id, ++seq, of));
  const ended = () => env.client.workflow.getHandle(id).result();
  /** By the server's own clock, which may have skipped on since. */
  const took = async () => {
    const { startTime, closeTime } = await env.client.workflow.getHandle(id).describe();
    return (closeTime?.getTime() ?? Number.NaN) - startTime.getTime();
  };
  const story = () => told(world.outcomes(id).map((outcome) => [outcome]));

  it('times out after two hours, and releases what it reserved', async () => {
    await send(place(id, { paymentTimeoutMs: 2 * HOUR }));
    await ended();
    expect(await took()).toBeGreaterThanOrEqual(2 * HOUR);
    expect(story()).toEqual(['RESERVED#1', 'TIMED_OUT#2']);
    expect(world.calls).toEqual([
      { activity: 'reserveInventory', key: `${id}/reserve/1` },
      { activity: 'publishOutcomes', key: '1' },
      { activity: 'releaseInventory', key: `${id}/reserve/1/undo` },
      { activity: 'publishOutcomes', key: '2' },
    ]);
  });

  it('keeps its deadline however many wrong payments arrive before it', async () => {
    await send(place(id, { paymentTimeoutMs: 2 * HOUR }));
    for (let i = 0; i < 3; i++) {
      await env.sleep(HOUR / 2);
      await send(pay(id, `wrong-${i}`, { amountCents: 1 }));
    }
    await ended();
    expect(await took()).toBeGreaterThanOrEqual(2 * HOUR);
    expect(await took()).toBeLessThan(2.1 * HOUR);
    expect(story()).toEqual(['RESERVED#1', 'refund wrong-0', 'refund wrong-1', 'refund wrong-2', 'TIMED_OUT#2']);
    const { events } = await env.client.workflow.getHandle(id).fetchHistory();
    // One deadline, one timer.
    expect(events?.filter((event) => event.timerStartedEventAttributes != null)).toHaveLength(1);
  });

  it('confirms, and leaves the highest command it read in its memo', async () => {
    await send(place(id));
    await send(pay(id, 'p1'));
    await ended();
    expect(story()).toEqual(['RESERVED#1', 'CONFIRMED#2(p1)']);
    const description = await env.client.workflow.getHandle(id).describe();
    expect(description.memo?.[LAST_SEQ_MEMO]).toBe(2);
    expect(description.status.name).toBe('COMPLETED');
  });

  it('retries what fails for now, and takes a refusal as final', async () => {
    world.failures.push(
      { activity: 'reserveInventory', error: new Error('503') },
      { activity: 'reserveInventory', error: new Error('503') },
      { activity: 'reserveInventory', error: ApplicationFailure.nonRetryable('not enough of tea', 'Inventory.OUT_OF_STOCK') },
    );
    await send(place(id));
    await ended();
    expect(world.calls.filter(({ activity }) => activity === 'reserveInventory')).toEqual(Array(3).fill({ activity: 'reserveInventory', key: `${id}/reserve/1` }));
    expect(story()).toEqual(['REJECTED#1']);
  });

  it('repeats a publication with the same numbers until it is through', async () => {
    world.failures.push({ activity: 'publishOutcomes', error: new Error('Kafka is away') }, { activity: 'publishOutcomes', error: new Error('Kafka is away') });
    await send(place(id));
    await send(pay(id, 'p1'));
    await ended();
    expect(story()).toEqual(['RESERVED#1', 'CONFIRMED#2(p1)']);
    expect(world.calls.filter(({ activity, key }) => activity === 'publishOutcomes' && key === '1')).toHaveLength(3);
  });

  it('publishes a cancelled confirmation with its refund in one call', async () => {
    world.failures.push({ activity: 'confirmInventory', error: ApplicationFailure.nonRetryable('gone', 'Inventory.NOT_RESERVED') });
    await send(place(id));
    await send(pay(id, 'p1'));
    await ended();
    expect(told(world.published.map(({ outcomes }) => outcomes.map(({ payload }) => payload as never)))).toEqual(['RESERVED#1', 'CANCELLED#2 + refund p1']);
    expect(world.calls.some(({ activity }) => activity === 'releaseInventory')).toBe(true);
  });

  it('waits two hours for an order whose payment came first, then gives the money back', async () => {
    await send(pay(id, 'p1'));
    await ended();
    expect(await took()).toBeGreaterThanOrEqual(2 * HOUR);
    expect(story()).toEqual(['refund p1']);
  });
});
