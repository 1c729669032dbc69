import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INITIAL_STOCK, type PlanOptions, planOrders } from '../../src/orders/generator/index.ts';
import { Heap } from '../../src/orders/generator/heap.ts';
import { STORY_KINDS } from '../../src/orders/generator/story-kinds.ts';
import type { TimedSend } from '../../src/orders/generator/index.ts';

const OPTIONS: PlanOptions = { orders: 2_000, seed: 1, paymentTimeoutMs: 20_000, ratePerSecond: 50, startMs: 1_700_000_000_000, runId: 'run' };

describe('the plan of a run', () => {
  it('is the same for the same seed, and another for another', () => {
    const small = { ...OPTIONS, orders: 50 };
    expect([...planOrders(small).sends()]).toEqual([...planOrders(small).sends()]);
    expect([...planOrders(small).sends()]).not.toEqual([...planOrders({ ...small, seed: 2 }).sends()]);
  });

  it('sends exactly what its stories say, in the order in which it is due', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 300 }), fc.constantFrom(1, 50, 1_000), fc.constantFrom(2_000, 20_000, 7_200_000), (seed, orders, ratePerSecond, paymentTimeoutMs) => {
        const plan = planOrders({ ...OPTIONS, seed, orders, ratePerSecond, paymentTimeoutMs });
        const sends = [...plan.sends()];
        const told = [...plan.stories()].flatMap((story) => story.sends);
        expect(sends).toHaveLength(told.length);
        expect(sends.every((send, at) => at === 0 || sends[at - 1]!.atMs <= send.atMs)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('goes on without end when it shall', () => {
    const sends = planOrders({ ...OPTIONS, orders: Infinity, paymentTimeoutMs: 7_200_000 }).sends();
    let last: TimedSend | undefined;
    for (let n = 0; n < 20_000; n++) last = sends.next().value as TimedSend;
    expect(last!.atMs).toBeGreaterThan(100_000);
  });

  it('has every kind of story in a run of 2000 orders', () => {
    const kinds = new Set([...planOrders(OPTIONS).stories()].map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(STORY_KINDS.map(({ kind }) => kind).sort());
  });

  it('ends within two minutes for 2000 orders and a payment timeout of 20 s', () => {
    const lastMs = [...planOrders(OPTIONS).sends()].at(-1)!.atMs;
    expect(lastMs).toBeGreaterThan(40_000);
    expect(lastMs).toBeLessThan(75_000);
  });

  it('gives each order an id of its own, with the run in it', () => {
    const ids = [...planOrders(OPTIONS).stories()].map(({ orderId }) => orderId);
    expect(new Set(ids).size).toBe(2_000);
    expect(ids.every((id) => id.startsWith('run-'))).toBe(true);
  });

  it('rejects a few orders in a hundred, and sells only what the inventory knows', () => {
    const stories = [...planOrders(OPTIONS).stories()];
    const rejected = stories.filter(({ expected }) => expected.terminal.includes('REJECTED')).length;
    expect(rejected).toBeGreaterThan(30);
    expect(rejected).toBeLessThan(200);
    const skus = stories.flatMap(({ sends }) => sends.flatMap(({ value }) => (value.as === 'order' ? value.order.lines.map(({ sku }) => sku) : [])));
    expect(new Set(skus)).toEqual(new Set(Object.keys(INITIAL_STOCK)));
  });

  it('stamps records with event times in disorder, mostly near the time they are sent', () => {
    const sends = [...planOrders(OPTIONS).sends()];
    const delays = sends.map(({ atMs, timestamp }) => OPTIONS.startMs + atMs - timestamp);
    expect(Math.min(...delays)).toBeGreaterThan(-100); // nothing from the future: it would drag stream time along
    expect(delays.filter((delay) => delay < 5_000).length / delays.length).toBeGreaterThan(0.95);
    expect(delays.some((delay) => delay > 2 * OPTIONS.paymentTimeoutMs)).toBe(true);
    expect(sends.some(({ timestamp }, at) => at > 0 && timestamp < sends[at - 1]!.timestamp)).toBe(true);
  });
});

describe('the heap', () => {
  it('hands out by order, equals by arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5)), (numbers) => {
        const heap = new Heap<{ due: number; arrival: number }>((a, b) => a.due < b.due);
        numbers.forEach((due, arrival) => heap.push({ due, arrival }));
        const popped = numbers.map(() => heap.pop()!);
        expect(popped).toEqual([...popped].sort((a, b) => a.due - b.due || a.arrival - b.arrival));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
