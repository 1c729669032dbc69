import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AuditFold } from '../../src/orders/audit/audit-fold.ts';
import { faultOfOrder, faultOfPayment } from '../../src/orders/audit/judge.ts';
import type { Observed } from '../../src/orders/audit/observed.ts';
import type { AuditReport } from '../../src/orders/audit/report.ts';
import type { OrderPaid, OrderPlaced, OrderStatus, OrderStatusChanged, PaymentReceived, RefundRequested } from '../../src/orders/domain.ts';
import { planOrders } from '../../src/orders/generator/index.ts';
import { checkedOrder, checkedPayment } from '../../src/orders/valid.ts';
import { type Entry, idealRun } from './support/ideal-system.ts';

const STOCK = { tea: { initial: 10, available: 8, reserved: 0, sold: 2 } };

/** One order of two teas for 900, confirmed with payment p. Each test changes what it is about. */
class Story {
  readonly fold: AuditFold;
  #offsets = new Map<string, number>();
  constructor(options: ConstructorParameters<typeof AuditFold>[0] = {}) {
    this.fold = new AuditFold(options);
  }
  static confirmed(): Story {
    return new Story().order().payment().joined().status('RESERVED').status('CONFIRMED', { paymentId: 'p' });
  }
  order(change: Partial<OrderPlaced> = {}, key?: string | null): this {
    const value = { eventId: 'e', orderId: 'o', customerId: 'c', lines: [{ sku: 'tea', quantity: 2, unitPriceCents: 450 }], totalCents: 900, currency: 'EUR', placedAt: 0, ...change };
    this.fold.order(this.#record('orders', value, key));
    return this;
  }
  payment(change: Partial<PaymentReceived> = {}, key?: string | null): this {
    const value: PaymentReceived = { eventId: 'pe', paymentId: 'p', orderId: 'o', amountCents: 900, currency: 'EUR', status: 'CAPTURED', receivedAt: 0, ...change };
    this.fold.payment(this.#record('payments', value, key));
    return this;
  }
  joined(change: Partial<OrderPaid> = {}): this {
    this.fold.orderPaid(this.#record('order-payments', { orderId: 'o', paymentId: 'p', customerId: 'c', amountCents: 900, currency: 'EUR', paidAt: 0, ...change }));
    return this;
  }
  #sequence = 0;
  status(status: OrderStatus, change: Partial<OrderStatusChanged> = {}): this {
    this.fold.status(this.#record('order-status', { orderId: 'o', status, reason: null, paymentId: null, sequence: ++this.#sequence, at: 0, ...change }));
    return this;
  }
  refund(change: Partial<RefundRequested> = {}): this {
    this.fold.refund(this.#record('refunds', { refundId: 'o/p', orderId: 'o', paymentId: 'p', reason: 'r', amountCents: 900, at: 0, ...change }));
    return this;
  }
  letter(from: string | undefined, value: string | null = null, key: string | null = 'o'): this {
    const at = `orders.dlq-0@${this.#next('orders.dlq')}`;
    this.fold.deadLetter({ at, from, key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value) });
    return this;
  }
  broken(stock: Parameters<AuditFold['report']>[0] = STOCK): string[] {
    return broken(this.fold.report(stock));
  }
  #record<T extends { orderId: string }>(topic: string, value: T, key: string | null = value.orderId): Observed<T> {
    const source = { topic, partition: 0, offset: this.#next(topic) };
    return { source, keyBytes: key === null ? null : Buffer.from(key), valueBytes: null, content: { isReadable: true, key, value } };
  }
  #next(topic: string): number {
    const offset = this.#offsets.get(topic) ?? 0;
    this.#offsets.set(topic, offset + 1);
    return offset;
  }
}

function broken(report: AuditReport): string[] {
  return report.invariants.flatMap(({ n, broken: examples }) => examples.map((example) => `${n}: ${example}`));
}

const UNSOLD = { tea: { initial: 10, available: 10, reserved: 0, sold: 0 } };

describe('the audit finds nothing wrong with', () => {
  it.each<[string, Story, Parameters<AuditFold['report']>[0]]>([
    ['nothing at all', new Story(), UNSOLD],
    ['a confirmed order', Story.confirmed(), STOCK],
    ['an order that timed out', new Story().order().status('RESERVED').status('TIMED_OUT'), UNSOLD],
    ['a rejected order', new Story().order().status('REJECTED'), UNSOLD],
    ['repeated events', Story.confirmed().order().payment().payment(), STOCK],
    ['one payment told as two events, and joined twice', Story.confirmed().payment({ eventId: 'pe2' }).joined(), STOCK],
    ['a failed payment', new Story().order().payment({ status: 'FAILED' }).status('RESERVED').status('TIMED_OUT'), UNSOLD],
    ['a surplus payment that was refunded', Story.confirmed().payment({ eventId: 'x', paymentId: 'q' }).refund({ paymentId: 'q', refundId: 'o/q' }), STOCK],
    ['a refund of an order whose id has a slash', new Story().payment({ orderId: 'x/y' }).refund({ orderId: 'x/y', refundId: 'x%2Fy/p' }), UNSOLD],
    ['a refund for an unknown order', new Story().payment().refund(), UNSOLD],
    ['an invalid order among the dead letters', new Story().order({ totalCents: 1 }).letter('orders-0@0'), UNSOLD],
    ['a dead letter that was read before its record', new Story().letter('orders-0@0').order({ totalCents: 1 }), UNSOLD],
    ['an order placed again among the dead letters', Story.confirmed().order({ eventId: 'e2' }).letter('orders-0@1'), STOCK],
    ['that one repeated, dropped', Story.confirmed().order({ eventId: 'e2' }).letter('orders-0@1').order({ eventId: 'e2' }), STOCK],
    ['that one repeated, a dead letter again', Story.confirmed().order({ eventId: 'e2' }).letter('orders-0@1').order({ eventId: 'e2' }).letter('orders-0@2'), STOCK],
  ])('%s', (_what, story, stock) => {
    expect(story.broken(stock)).toEqual([]);
  });
});

describe('the audit reports', () => {
  it.each<[string, string, Story]>([
    ['1: no terminal status', '1: order o has no terminal status (RESERVED (1))', new Story().order().status('RESERVED')],
    ['1: no status at all', '1: order o has no terminal status (none at all)', new Story().order()],
    ['1: two terminal statuses', '1: order o has 2 terminal statuses: RESERVED (1), CONFIRMED (2), TIMED_OUT (3)', Story.confirmed().status('TIMED_OUT')],
    ['1: the same terminal status twice', '1: order o has 2 terminal statuses', Story.confirmed().status('CONFIRMED', { paymentId: 'p' })],
    ['1: a change after the end', '1: order o changed after its terminal status', Story.confirmed().status('RESERVED')],
    ['1: a status of an order nobody placed', '1: order x has the status REJECTED (1), but was never validly placed', Story.confirmed().status('REJECTED', { orderId: 'x', sequence: 1 })],
    ['1: a status of an invalid order', '1: order x has the status', new Story().order({ orderId: 'x', totalCents: 1 }).letter('orders-0@0', null, 'x').status('REJECTED', { orderId: 'x' })],
    ['2: confirmed, never reserved', '2: order o was confirmed without having been reserved', new Story().order().payment().status('CONFIRMED', { paymentId: 'p' })],
    ['2: confirmed, reserved only later', '2: order o was confirmed without having been reserved', new Story().order().payment().status('CONFIRMED', { paymentId: 'p' }).status('RESERVED')],
    ['2: confirmed without a payment', '2: order o was confirmed without a payment', new Story().order().status('RESERVED').status('CONFIRMED')],
    ['2: confirmed with a payment nobody made', '2: order o was confirmed with payment z, which was never captured', new Story().order().status('RESERVED').status('CONFIRMED', { paymentId: 'z' })],
    ['2: confirmed with a failed payment', '2: order o was confirmed with payment p, which was never captured', new Story().order().payment({ status: 'FAILED' }).status('RESERVED').status('CONFIRMED', { paymentId: 'p' })],
    ['2: confirmed with an invalid payment', '2: order o was confirmed with payment p, which was never captured', new Story().order().payment({ amountCents: 0 }).letter('payments-0@0').status('RESERVED').status('CONFIRMED', { paymentId: 'p' })],
    ['2: the wrong amount', '2: order o over 900 EUR was confirmed with payment p of 899 EUR', new Story().order().payment({ amountCents: 899 }).status('RESERVED').status('CONFIRMED', { paymentId: 'p' })],
    ['2: the wrong currency', '2: order o over 900 EUR was confirmed with payment p of 900 USD', new Story().order().payment({ currency: 'USD' }).status('RESERVED').status('CONFIRMED', { paymentId: 'p' })],
    ['3: a payment forgotten', '3: payment q of order o was captured, and neither applied nor refunded', Story.confirmed().payment({ eventId: 'x', paymentId: 'q' })],
    ['3: a payment of an unknown order forgotten', '3: payment p of order x was captured, and neither', Story.confirmed().payment({ orderId: 'x' })],
    ['3: a payment applied and refunded', '3: payment p of order o was captured, and applied, and refunded once', Story.confirmed().refund()],
    ['3: a payment refunded twice', '3: payment p of order x was captured, and refunded twice', Story.confirmed().payment({ orderId: 'x' }).refund({ orderId: 'x', refundId: 'x/p' }).refund({ orderId: 'x', refundId: 'x/p' })],
    ['3: a refund nobody paid for', '3: payment q of order o was refunded, but never captured', Story.confirmed().refund({ paymentId: 'q', refundId: 'o/q' })],
    ['3: a refund of a failed payment', '3: payment q of order o was refunded, but never captured', Story.confirmed().payment({ eventId: 'x', paymentId: 'q', status: 'FAILED' }).refund({ paymentId: 'q', refundId: 'o/q' })],
    ['3: a refund of another amount', '3: payment q of order o was 900 cents, but 901 were refunded', Story.confirmed().payment({ eventId: 'x', paymentId: 'q' }).refund({ paymentId: 'q', refundId: 'o/q', amountCents: 901 })],
    ['5: a sequence number twice', '5: order o has the sequence 1 more than once', new Story().order().payment().joined().status('RESERVED').status('CONFIRMED', { paymentId: 'p', sequence: 1 })],
    ['5: a sequence number left out', '5: order o has the sequence 3 where 2 should be', new Story().order().payment().joined().status('RESERVED').status('CONFIRMED', { paymentId: 'p', sequence: 3 })],
    ['5: a refund id twice', '5: refund id x/p appears more than once', Story.confirmed().payment({ orderId: 'x' }).refund({ orderId: 'x', refundId: 'x/p' }).refund({ orderId: 'x', refundId: 'x/p' })],
    ['5: a refund id that could be of another order too', '5: refund id x/y/p is not x%2Fy/p', Story.confirmed().payment({ orderId: 'x/y' }).refund({ orderId: 'x/y', refundId: 'x/y/p' })],
    ['5: a refund id that hides a repetition', '5: refund id r-2 is not x/p', Story.confirmed().payment({ orderId: 'x' }).refund({ orderId: 'x', refundId: 'r-2' })],
    ['5: one event joined twice', '5: order-payments tells twice of payment p of order o, which has 1 events', Story.confirmed().joined()],
    ['5: a repeated event joined twice', '5: order-payments tells twice of payment p', Story.confirmed().payment().joined()],
    ['5: a payment joined that was never captured', '5: order-payments tells once of payment z of order o, which has 0 events', Story.confirmed().joined({ paymentId: 'z' })],
    ['6: an invalid order that is no dead letter', '6: orders-0@1 is invalid (no lines), but no dead letter', Story.confirmed().order({ orderId: 'x', lines: [] })],
    ['6: a foreign key that is no dead letter', '6: payments-0@1 is invalid (key o for order x), but no dead letter', Story.confirmed().payment({ orderId: 'x' }, 'o')],
    ['6: a null key that is no dead letter', '6: orders-0@1 is invalid (no key), but no dead letter', Story.confirmed().order({ orderId: 'x' }, null)],
    ['6: an order placed again that is no dead letter', '6: orders-0@1 is invalid (order o was placed already, as event e), but no dead letter', Story.confirmed().order({ eventId: 'e2' })],
    ['6: a dead letter twice', '6: orders-0@1 is there more than once, again at orders.dlq-0@1', Story.confirmed().order({ lines: [] }).letter('orders-0@1').letter('orders-0@1')],
    ['6: a dead letter twice, read before its record', '6: orders-0@1 is there more than once', Story.confirmed().letter('orders-0@1').letter('orders-0@1').order({ lines: [] })],
    ['6: a good record among the dead letters', '6: orders-0@0 is a dead letter (orders.dlq-0@0), but there is nothing wrong with it', Story.confirmed().letter('orders-0@0')],
    ['6: a repeated event among the dead letters', '6: orders-0@1 is a dead letter', Story.confirmed().order().letter('orders-0@1')],
    ['6: a dead letter with other bytes', '6: orders-0@1 is a dead letter (orders.dlq-0@0), but with other bytes', Story.confirmed().order({ lines: [] }).letter('orders-0@1', 'other')],
    ['6: a dead letter with another key', '6: orders-0@1 is a dead letter (orders.dlq-0@0), but with other bytes', Story.confirmed().order({ lines: [] }).letter('orders-0@1', null, null)],
    ['6: a dead letter from nowhere', '6: orders.dlq-0@0 does not say where it comes from', Story.confirmed().letter(undefined)],
  ])('invariant %s', (_what, expected, story) => {
    const stock = story.fold.report(undefined).statuses.CONFIRMED > 0 ? STOCK : UNSOLD;
    expect(story.broken(stock).join('\n')).toContain(expected);
  });

  it.each<[string, string, Story, Parameters<AuditFold['report']>[0]]>([
    ['stock that vanished', '4: tea began with 10, and now has 7 available, 0 reserved, 2 sold', Story.confirmed(), { tea: { initial: 10, available: 7, reserved: 0, sold: 2 } }],
    ['more sold than confirmed', '4: tea: the inventory has sold 3, but the confirmed orders come to 2', Story.confirmed(), { tea: { initial: 10, available: 7, reserved: 0, sold: 3 } }],
    ['a confirmed order that was never sold', '4: tea: the inventory has sold 0, but the confirmed orders come to 2', Story.confirmed(), UNSOLD],
    ['a sale of something unknown', '4: tea: the inventory has sold 0, but', Story.confirmed(), {}],
    ['stock that stays reserved', '4: tea has 6 available, 2 reserved, 2 sold, although no order is waiting any more', Story.confirmed(), { tea: { initial: 10, available: 6, reserved: 2, sold: 2 } }],
    ['less than nothing', '4: tea has 12 available, -4 reserved, 2 sold: none of these can be below zero', Story.confirmed(), { tea: { initial: 10, available: 12, reserved: -4, sold: 2 } }],
    ['an inventory that does not answer', '4: the inventory was not asked, or gave no answer', Story.confirmed(), undefined],
  ])('invariant 4: %s', (_what, expected, story, stock) => {
    expect(broken(story.fold.report(stock)).join('\n')).toContain(expected);
  });

  it('what the system wrote but nobody can read, or under another key', () => {
    const { fold } = Story.confirmed();
    const source = { topic: 'order-status', partition: 2, offset: 9 };
    const unreadable = { source, keyBytes: null, valueBytes: null, content: { isReadable: false, why: 'cut short' } as const };
    fold.status(unreadable);
    fold.refund({ ...unreadable, source: { ...source, topic: 'refunds' }, content: { isReadable: true, key: 'o', value: null } });
    fold.orderPaid({ ...unreadable, content: { isReadable: true, key: 'other', value: { orderId: 'o', paymentId: 'p', customerId: '', amountCents: 900, currency: 'EUR', paidAt: 0 } } });
    const found = broken(fold.report(STOCK));
    expect(found).toContain('1: order-status-2@9 cannot be read: cut short');
    expect(found).toContain('3: refunds-2@9 cannot be read: no value');
    expect(found).toContain('5: order-status-2@9 is about order o, but its key is other');
  });
});

describe('the audit counts', () => {
  it('orders, statuses, payments, refunds, repetitions and dead letters', () => {
    const story = Story.confirmed();
    story.order().payment().payment({ eventId: 'x', paymentId: 'q' }).refund({ paymentId: 'q', refundId: 'o/q' });
    story.order({ orderId: 'w', eventId: 'w' }).status('RESERVED', { orderId: 'w', sequence: 1 });
    story.order({ orderId: 'bad', lines: [] }).letter('orders-0@3');
    const report = story.fold.report(undefined);
    expect(report).toMatchObject({
      orders: 3,
      validOrders: 2,
      statuses: { RESERVED: 1, CONFIRMED: 1, TIMED_OUT: 0, REJECTED: 0, CANCELLED: 0 },
      refunds: 1,
      deadLetters: 1,
      duplicatesSeen: 2,
      capturedPayments: 2,
      appliedPayments: 1,
      pending: { ordersWithoutTerminal: 1, paymentsUnsettled: 0, deadLettersMissing: 0 },
    });
  });

  it('only what came at or after given positions, and judges all the same', () => {
    const story = new Story({ countFrom: new Map([['orders-0', 1], ['payments-0', 1]]) });
    story.order().payment().status('RESERVED').refund();
    story.order({ orderId: 'n' }).payment({ orderId: 'n' }).status('RESERVED', { orderId: 'n', sequence: 1 }).status('CONFIRMED', { orderId: 'n', paymentId: 'p', sequence: 2 });
    const report = story.fold.report(undefined);
    expect(report).toMatchObject({ orders: 1, validOrders: 1, statuses: { RESERVED: 0, CONFIRMED: 1 }, refunds: 0, capturedPayments: 1, appliedPayments: 1 });
    expect(report.pending.ordersWithoutTerminal).toBe(1);
    expect(broken(report).join()).toContain('order o has no terminal status');
  });

  it('all cases of a broken invariant, and shows the first ten', () => {
    const story = new Story();
    for (let n = 0; n < 25; n++) story.order({ orderId: `o-${n}` });
    const [first] = story.fold.report({}).invariants;
    expect(first!.brokenCount).toBe(25);
    expect(first!.broken).toHaveLength(10);
  });
});

describe('the audit of a whole plan', () => {
  const plan = planOrders({ orders: 400, seed: 11, paymentTimeoutMs: 20_000, ratePerSecond: 50, startMs: 1_700_000_000_000, runId: 'run' });

  it('passes what a faultless system makes of it, in whatever order topics are read', async () => {
    const run = await idealRun(plan);
    for (const entries of [[...run.inputs, ...run.outputs], [...run.outputs, ...run.inputs]]) {
      const report = fold(entries).report(run.stock);
      expect(broken(report)).toEqual([]);
      expect(report.orders).toBe(400);
      expect(report.pending).toEqual({ ordersWithoutTerminal: 0, paymentsUnsettled: 0, deadLettersMissing: 0 });
    }
  });

  it('agrees with what the stories expect', async () => {
    const run = await idealRun(plan);
    const report = fold([...run.inputs, ...run.outputs]).report(run.stock);
    const stories = [...plan.stories()];
    expect(report.validOrders).toBe(stories.filter(({ expected }) => expected.terminal.length > 0).length);
    expect(report.duplicatesSeen).toBe(stories.reduce((sum, { expected }) => sum + expected.duplicates, 0));
    expect(report.deadLetters).toBe(stories.reduce((sum, { expected }) => sum + expected.deadLetters, 0));
    expect(report.capturedPayments).toBe(stories.reduce((sum, { expected }) => sum + expected.captured.length, 0));
    expect(report.refunds).toBe(report.capturedPayments - report.appliedPayments);
  });

  it('notices every single output that is missing, and every one that is there twice', async () => {
    // A fold over everything for each output: quadratic, so fewer orders.
    const run = await idealRun(planOrders({ orders: 120, seed: 11, paymentTimeoutMs: 20_000, ratePerSecond: 50, startMs: 1_700_000_000_000, runId: 'run' }));
    run.outputs.forEach((output, at) => {
      // That a payment met its order shows in what became of it; order-payments itself may lack one without breaking a promise.
      if (output.topic !== 'order-payments') {
        const without = fold([...run.inputs, ...run.outputs.slice(0, at), ...run.outputs.slice(at + 1)]).report(run.stock);
        expect(broken(without), `without ${JSON.stringify(output)}`).not.toEqual([]);
      }
      const twice = fold([...run.inputs, ...run.outputs.slice(0, at + 1), ...run.outputs.slice(at)]).report(run.stock);
      expect(broken(twice), `twice ${JSON.stringify(output)}`).not.toEqual([]);
    });
  });
});

describe("the audit's own rules", () => {
  const integer = fc.integer({ min: -2, max: 5 });
  const id = fc.constantFrom('', 'a', 'b');
  const key = fc.constantFrom('', 'a', 'b', null);

  it('agree with valid.ts on orders', () => {
    const line = fc.record({ sku: id, quantity: integer, unitPriceCents: integer });
    const order = fc
      .record({ eventId: id, orderId: id, customerId: id, lines: fc.array(line, { maxLength: 3 }), off: fc.constantFrom(0, 0, 0, 1), currency: fc.constantFrom('EUR', 'EU', 'eur', 'EURO', 'ÄUR', ''), placedAt: integer })
      .map(({ off, ...rest }) => ({ ...rest, totalCents: rest.lines.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0) + off }));
    fc.assert(fc.property(fc.option(order), key, (value, k) => isFine(() => checkedOrder(value, k)) === (faultOfOrder({ isReadable: true, key: k, value }) === undefined)), { numRuns: 5_000 });
  });

  it('agree with valid.ts on payments', () => {
    const payment = fc.record({ eventId: id, paymentId: id, orderId: id, amountCents: integer, currency: id, status: fc.constantFrom('CAPTURED' as const, 'FAILED' as const), receivedAt: integer });
    fc.assert(fc.property(fc.option(payment), key, (value, k) => isFine(() => checkedPayment(value, k)) === (faultOfPayment({ isReadable: true, key: k, value }) === undefined)), { numRuns: 5_000 });
  });
});

function isFine(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function fold(entries: Entry[]): AuditFold {
  const into = new AuditFold();
  for (const entry of entries) {
    switch (entry.topic) {
      case 'orders': into.order(entry.record); break;
      case 'payments': into.payment(entry.record); break;
      case 'order-payments': into.orderPaid(entry.record); break;
      case 'order-status': into.status(entry.record); break;
      case 'refunds': into.refund(entry.record); break;
      case 'orders.dlq': into.deadLetter(entry.letter); break;
    }
  }
  return into;
}
