// The reference system's topology on the test driver: each story is told once, with a crash where one could hurt.

import { beforeEach, describe, expect, test } from 'vitest';
import { describe as describeTopology, memoryRegistry, Serdes, type Command, type Outcome } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import { APPLICATION_ID, ORDER_SAGA, TOPICS, type OrderOutcome, type OrderPlaced, type PaymentReceived } from '../../src/orders/domain.ts';
import { orderSerdes } from '../../src/orders/serdes.ts';
import { orderTopology } from '../../src/orders/topology/topology.ts';
import { drive } from './saga-driver.ts';

const TIMEOUT_MS = 20_000;
const START_MS = 1_000_000;
const COMMANDS = `${APPLICATION_ID}-${ORDER_SAGA}-commands`;
const OUTCOMES = `${APPLICATION_ID}-${ORDER_SAGA}-outcomes`;

async function start() {
  const serdes = orderSerdes(memoryRegistry());
  let clock = (): number => START_MS;
  const topology = orderTopology({ serdes, paymentTimeoutMs: TIMEOUT_MS, now: () => clock() });
  const driver = await TopologyTestDriver.start(topology, {
    applicationId: APPLICATION_ID,
    partitions: 2,
    deadLetterTopic: TOPICS.deadLetters,
    wallClockStartMs: START_MS,
  });
  clock = () => driver.wallClockTime;
  await serdes.order.open?.(TOPICS.orders, 'value');
  await serdes.payment.open?.(TOPICS.payments, 'value');
  const key = serdes.orderId;
  return {
    driver,
    topology,
    orders: driver.createInputTopic(TOPICS.orders, { key, value: serdes.order }),
    payments: driver.createInputTopic(TOPICS.payments, { key, value: serdes.payment }),
    outcomes: driver.createInputTopic(OUTCOMES, { key, value: Serdes.json<Outcome>() }),
    commands: driver.createOutputTopic(COMMANDS, { key, value: Serdes.json<Command>() }),
    paid: driver.createOutputTopic(TOPICS.orderPayments, { key, value: serdes.orderPaid }),
    status: driver.createOutputTopic(TOPICS.orderStatus, { key, value: serdes.orderStatus }),
    refunds: driver.createOutputTopic(TOPICS.refunds, { key, value: serdes.refund }),
    deadLetters: driver.createOutputTopic(TOPICS.deadLetters, { key: Serdes.buffer(), value: Serdes.buffer() }),
  };
}

function order(orderId: string, changes: Partial<OrderPlaced> = {}): OrderPlaced {
  const lines = [{ sku: 'tea', quantity: 2, unitPriceCents: 250 }];
  return { eventId: `placed-${orderId}`, orderId, customerId: 'c', lines, totalCents: 500, currency: 'EUR', placedAt: 1_000_000, ...changes };
}

function payment(orderId: string, changes: Partial<PaymentReceived> = {}): PaymentReceived {
  return { eventId: `paid-${orderId}`, paymentId: 'p1', orderId, amountCents: 500, currency: 'EUR', status: 'CAPTURED', receivedAt: 1_001_000, ...changes };
}

let app: Awaited<ReturnType<typeof start>>;
beforeEach(async () => {
  app = await start();
  return () => app.driver.close();
});

const kinds = () => app.commands.readValues().map((command) => `${command!.kind} ${command!.workflowId} #${command!.seq}`);
const refundReasons = () => app.refunds.readValues().map((refund) => `${refund!.refundId}: ${refund!.reason.split(/[:,]/)[0]}`);

describe('orders and payments become commands', () => {
  test('an order is placed once, its payment joined and told to the same workflow in order', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1'));
    expect(kinds()).toEqual(['place o1 #1', 'pay o1 #2']);
    expect(app.paid.readValues()).toEqual([{ orderId: 'o1', paymentId: 'p1', customerId: 'c', amountCents: 500, currency: 'EUR', paidAt: 1_001_000 }]);
  });

  test('a payment may come before its order', async () => {
    await app.payments.pipeInput('o1', payment('o1', { receivedAt: 999_000 }));
    await app.orders.pipeInput('o1', order('o1'));
    expect(kinds()).toEqual(['place o1 #1', 'pay o1 #2']);
  });

  test('repeated events change nothing, also after a crash', async () => {
    for (let round = 0; round < 3; round++) {
      await app.orders.pipeInput('o1', order('o1'));
      await app.payments.pipeInput('o1', payment('o1'));
      await app.driver.crash({ wipeState: round === 1 });
    }
    expect(kinds()).toEqual(['place o1 #1', 'pay o1 #2']);
    await app.driver.advanceWallClockTime(10 * TIMEOUT_MS);
    expect(app.refunds.readValues()).toEqual([]);
  });

  test('the same payment id under another event is the same money', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1'));
    await app.payments.pipeInput('o1', payment('o1', { eventId: 'again' }));
    await app.driver.advanceWallClockTime(10 * TIMEOUT_MS);
    expect(kinds()).toEqual(['place o1 #1', 'pay o1 #2']);
    expect(app.refunds.readValues()).toEqual([]);
  });

  test('a failed payment has no effect, and the capture that follows it does', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1', { eventId: 'failed', status: 'FAILED' }));
    await app.payments.pipeInput('o1', payment('o1'));
    expect(kinds()).toEqual(['place o1 #1', 'pay o1 #2']);
  });
});

describe('a captured payment that cannot be applied is refunded exactly once', () => {
  test('wrong amount and wrong currency', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1', { amountCents: 499 }));
    await app.payments.pipeInput('o1', payment('o1', { eventId: 'e2', paymentId: 'p2', currency: 'USD' }));
    expect(refundReasons()).toEqual(['o1/p1: wrong amount', 'o1/p2: wrong currency']);
    expect(kinds()).toEqual(['place o1 #1']);
    expect(app.paid.readValues()).toEqual([]);
  });

  test('an unknown order, once the wait is over, also across a crash that loses all local state', async () => {
    await app.payments.pipeInput('nobody', payment('nobody'));
    await app.driver.crash({ wipeState: true });
    expect(app.refunds.readValues()).toEqual([]);
    await app.driver.advanceWallClockTime(TIMEOUT_MS + 1_000);
    expect(refundReasons()).toEqual(['nobody/p1: no such order within the join window']);
    await app.driver.advanceWallClockTime(10 * TIMEOUT_MS);
    expect(app.refunds.readValues()).toEqual([]);
  });

  test('ids with slashes: two payments that only look alike are two', async () => {
    await app.payments.pipeInput('a', payment('a', { paymentId: 'b/c' }));
    await app.payments.pipeInput('a/b', payment('a/b', { paymentId: 'c' }));
    await app.payments.pipeInput('a%2Fb', payment('a%2Fb', { paymentId: 'c' }));
    await app.driver.advanceWallClockTime(TIMEOUT_MS + 1_000);
    expect(app.refunds.readValues().map((refund) => refund!.refundId).sort()).toEqual(['a%252Fb/c', 'a%2Fb/c', 'a/b/c']);
  });

  test('very many unknown orders at once: a thousand per look, so that one look stays short and its transaction small', async () => {
    const crowd = Array.from({ length: 1_200 }, (_, i) => payment('nobody', { eventId: `e${i}`, paymentId: `p${i}` }));
    for (const one of crowd) await app.payments.pipeInput('nobody', one);
    await app.driver.advanceWallClockTime(TIMEOUT_MS);
    expect(app.refunds.readValues()).toHaveLength(1_000);
    await app.driver.advanceWallClockTime(500);
    expect(app.refunds.readValues()).toHaveLength(200);
  });

  test('an order that comes after its payment was refunded finds no payment', async () => {
    await app.payments.pipeInput('o1', payment('o1'));
    await app.driver.advanceWallClockTime(TIMEOUT_MS + 1_000);
    await app.orders.pipeInput('o1', order('o1'));
    expect(kinds()).toEqual(['place o1 #1']);
    expect(refundReasons()).toHaveLength(1);
  });

  test('a payment for an order that is already closed', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1'));
    const [, pay] = app.commands.readValues();
    const rejected: Outcome = { v: 1, origin: 'bridge', workflowId: 'o1', reason: 'closed', command: pay!, at: 5 };
    await app.outcomes.pipeInput('o1', rejected);
    await app.outcomes.pipeInput('o1', rejected);
    expect(refundReasons()).toEqual(['o1/p1: the order was already closed']);
  });
});

describe('outcomes pass once', () => {
  const said = (outSeq: number, payload: OrderOutcome): Outcome => ({ v: 1, origin: 'workflow', workflowId: 'o1', outSeq, kind: payload.kind, payload: payload as never, at: 7 });
  const status = (sequence: number, name: 'RESERVED' | 'CONFIRMED'): OrderOutcome => ({
    kind: 'status',
    status: { orderId: 'o1', status: name, reason: null, paymentId: null, sequence, at: 7 },
  });

  test('a repeated outcome is dropped, also after a crash', async () => {
    await app.outcomes.pipeInput('o1', said(1, status(1, 'RESERVED')));
    await app.driver.crash({ wipeState: true });
    await app.outcomes.pipeInput('o1', said(1, status(1, 'RESERVED')));
    await app.outcomes.pipeInput('o1', said(2, status(2, 'CONFIRMED')));
    await app.outcomes.pipeInput('o1', said(1, status(1, 'RESERVED')));
    expect(app.status.readValues().map((value) => value!.status)).toEqual(['RESERVED', 'CONFIRMED']);
  });

  test('an order that could never be started is cancelled, and one that has spoken is not', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.orders.pipeInput('o2', order('o2'));
    const commands = app.commands.readValues();
    await app.outcomes.pipeInput('o1', said(1, status(1, 'RESERVED')));
    for (const command of commands) await app.outcomes.pipeInput(command!.key, { v: 1, origin: 'bridge', workflowId: command!.workflowId, reason: 'stale', command: command!, at: 9 });
    expect(app.status.readValues().map((value) => `${value!.orderId} ${value!.status}`).sort()).toEqual(['o1 RESERVED', 'o2 CANCELLED']);
  });
});

describe('a command that no workflow will read is answered by the topology', () => {
  const rejected = (command: Command | null, reason: 'closed' | 'stale' | 'refused'): Outcome => ({ v: 1, origin: 'bridge', workflowId: 'o1', reason, command: command!, at: 9 });

  test.each([
    ['stale', 'the order could not be started in time', 'the order could not be told in time'],
    ['refused', 'the order could not be started', 'the order could not be told of it'],
    // By an operator, before it spoke.
    ['closed', 'the order was closed before it began', 'the order was already closed'],
  ] as const)('%s: the order is cancelled, its payment refunded, each once', async (reason, whyCancelled, whyRefunded) => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1'));
    const [place, pay] = app.commands.readValues();
    for (const command of [place, pay, place, pay]) await app.outcomes.pipeInput('o1', rejected(command!, reason));
    expect(app.status.readValues()).toEqual([{ orderId: 'o1', status: 'CANCELLED', reason: whyCancelled, paymentId: null, sequence: 1, at: 9 }]);
    expect(app.refunds.readValues()).toMatchObject([{ refundId: 'o1/p1', reason: whyRefunded, amountCents: 500 }]);
  });

  test('a place too late and a payment in time: cancelled once, though the payment starts a workflow', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.payments.pipeInput('o1', payment('o1'));
    const [place, pay] = app.commands.readValues();
    await app.outcomes.pipeInput('o1', rejected(place!, 'stale'));
    const { kind, payload, at } = pay!;
    let outSeq = 0;
    for (const said of drive('o1', [{ arrive: [{ kind, payload, at } as never] }]).publications.flat()) {
      await app.outcomes.pipeInput('o1', { v: 1, origin: 'workflow', workflowId: 'o1', outSeq: ++outSeq, kind: said.kind, payload: said as never, at: 10 });
    }
    expect(app.status.readValues().map((value) => `${value!.status}#${value!.sequence}`)).toEqual(['CANCELLED#1']);
    expect(refundReasons()).toEqual(['o1/p1: the order was cancelled']);
  });
});

describe('what makes no sense goes to the dead letters, with its bytes and the reason', () => {
  const header = (name: string) => app.deadLetters.readRecords().map(({ headers }) => headers.find(([found]) => found === `__streams.errors.${name}`)?.[1]?.toString());

  test('bytes that cannot be decoded, a null key, a foreign key, no value', async () => {
    await app.driver.pipeBytes(TOPICS.orders, Buffer.from('o1'), Buffer.from('not avro'));
    await app.orders.pipeInput(null, order('o1'));
    await app.orders.pipeInput('o2', order('o1'));
    await app.payments.pipeInput('o1', null);
    expect(app.deadLetters.readRecords()).toHaveLength(4);
    expect(kinds()).toEqual([]);
  });

  test('an order id placed again under another event: the first one counts', async () => {
    await app.orders.pipeInput('o1', order('o1'));
    await app.orders.pipeInput('o1', order('o1', { eventId: 'other' }));
    expect(kinds()).toEqual(['place o1 #1']);
    expect(header('message')).toEqual(['Invalid order: o1 was placed before, by event placed-o1; the first one counts.']);
  });

  test('the dead letter says where it was read', async () => {
    await app.payments.pipeInput('o1', payment('o1', { amountCents: 0 }));
    expect(header('topic')).toEqual([TOPICS.payments]);
  });
});

test('an event dated in the far future or the far past harms nobody else', async () => {
  await app.orders.pipeInput('o1', order('o1', { placedAt: 99_999_999_999_999 }));
  await app.orders.pipeInput('o1-old', order('o1-old', { placedAt: 0 }));
  await app.orders.pipeInput('o1-old', order('o1-old', { placedAt: 0 }));
  await app.payments.pipeInput('o1-old', payment('o1-old', { receivedAt: -5 }));
  await app.driver.advanceWallClockTime(TIMEOUT_MS + 1_000);
  expect(kinds().sort()).toContain('place o1 #1');
  const told = [...app.paid.readValues().map((value) => value!.orderId), ...app.refunds.readValues().map((value) => value!.orderId)];
  expect(told).toEqual(['o1-old']);
});

test('a record of a clock that is ahead leaves nobody else behind', async () => {
  await app.orders.pipeInput('ahead', order('ahead', { placedAt: START_MS + 9_000_000_000 }), START_MS + 1_800_000);
  await app.payments.pipeInput('ahead', payment('ahead', { receivedAt: START_MS + 9_000_000_000 }), START_MS + 1_800_000);
  const written = app.commands.readRecords();
  expect(written.map(({ timestamp }) => timestamp)).toEqual([START_MS, START_MS]);
  // One in each partition: whichever has the record from the future, it is not late there.
  for (const id of ['o1', 'o2', 'o3', 'o4']) {
    await app.orders.pipeInput(id, order(id));
    await app.payments.pipeInput(id, payment(id));
  }
  expect(kinds()).toHaveLength(8);
  await app.driver.advanceWallClockTime(TIMEOUT_MS + 1_000);
  expect(app.refunds.readValues()).toEqual([]);
});

test('the graph has not moved: a store or topic that changes its name loses its state', () => {
  expect(describeTopology(app.topology, APPLICATION_ID)).toMatchSnapshot();
});
