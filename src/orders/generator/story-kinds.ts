// The ugliness of the real world, kind by kind. `weight` is how often, in about a thousand orders.

import type { OrderPlaced, PaymentReceived } from '../domain.ts';
import { TOPICS } from '../domain.ts';
import { PRODUCTS, SCARCE, SOLD_OUT } from './catalogue.ts';
import { type Damage, keyOf, orderIdOf, type Teller } from './story.ts';

export interface StoryKind {
  readonly kind: string;
  readonly weight: number;
  tell(story: Teller): void;
}

export const STORY_KINDS: readonly StoryKind[] = [
  {
    kind: 'paid',
    weight: 640,
    tell: (story) => void story.placeAndPay(),
  },
  {
    kind: 'order repeated',
    weight: 50,
    tell(story) {
      story.placeAndPay();
      story.repeat(story.sends[0]!, story.random.integer(1, 2));
    },
  },
  {
    kind: 'payment repeated',
    weight: 50,
    tell(story) {
      story.placeAndPay();
      story.repeat(story.sends[1]!, story.random.integer(1, 2));
    },
  },
  {
    kind: 'paid before it was placed',
    weight: 40,
    tell(story) {
      const order = story.newOrder();
      story.place(order);
      story.pay(story.newPayment(order, story.placedAtMs - story.random.next() * story.headStartMs), ['applied']);
    },
  },
  {
    kind: 'order overtaken by its payment',
    weight: 20,
    tell(story) {
      const order = story.newOrder();
      const paysAfterMs = story.payDelayMs();
      story.pay(story.newPayment(order, story.placedAtMs + paysAfterMs), ['applied']);
      story.place(order, paysAfterMs + 30 + story.random.next() * story.headStartMs);
    },
  },
  {
    kind: 'not paid',
    weight: 40,
    tell(story) {
      story.place(story.newOrder());
      story.terminal = ['TIMED_OUT'];
    },
  },
  {
    kind: 'paid too late',
    weight: 15,
    tell(story) {
      const order = story.newOrder();
      story.place(order);
      story.pay(story.newPayment(order, story.placedAtMs + story.tooLateMs()), ['refunded', 'applied']);
      story.terminal = ['TIMED_OUT', 'CONFIRMED']; // the latter if the order itself was held up for as long
    },
  },
  {
    kind: 'payment failed',
    weight: 15,
    tell(story) {
      const order = story.newOrder();
      story.place(order);
      story.pay(story.newPayment(order, story.placedAtMs + story.payDelayMs(), { status: 'FAILED' }), []);
      story.terminal = ['TIMED_OUT'];
    },
  },
  {
    kind: 'payment failed, then captured',
    weight: 25,
    tell(story) {
      const order = story.newOrder();
      const failed = story.newPayment(order, story.placedAtMs + story.payDelayMs(), { status: 'FAILED' });
      const isSamePayment = story.random.chance(0.5); // the provider tried again, or the customer did
      story.place(order);
      story.pay(failed, []);
      const captured = story.newPayment(order, story.placedAtMs + story.payDelayMs() + 200);
      story.pay(isSamePayment ? { ...captured, paymentId: failed.paymentId } : captured, ['applied']);
    },
  },
  {
    kind: 'paid twice',
    weight: 20,
    tell(story) {
      const order = story.newOrder();
      story.place(order);
      for (let n = 0; n < 2; n++) story.pay(story.newPayment(order, story.placedAtMs + story.payDelayMs()), ['applied', 'refunded']);
    },
  },
  {
    kind: 'one payment told as two events',
    weight: 15,
    tell(story) {
      const order = story.newOrder();
      const payment = story.newPayment(order, story.placedAtMs + story.payDelayMs());
      story.place(order);
      story.pay(payment, ['applied']);
      story.pay({ ...payment, eventId: `${payment.eventId}-retold`, receivedAt: payment.receivedAt + story.repeatDelayMs() }, []);
    },
  },
  {
    kind: 'wrong amount',
    weight: 15,
    tell(story) {
      const order = story.newOrder();
      story.place(order);
      story.pay(wrongAmount(story, order), ['refunded']);
      story.terminal = ['TIMED_OUT'];
    },
  },
  {
    kind: 'wrong amount, then the right one',
    weight: 6,
    tell(story) {
      const order = story.placeAndPay();
      story.pay(wrongAmount(story, order), ['refunded']);
    },
  },
  {
    kind: 'wrong currency',
    weight: 10,
    tell(story) {
      const order = story.newOrder();
      story.place(order);
      story.pay(story.newPayment(order, story.placedAtMs + story.payDelayMs(), { currency: story.random.pick(['CHF', 'eur']) }), ['refunded']);
      story.terminal = ['TIMED_OUT'];
    },
  },
  {
    kind: 'payment for an unknown order',
    weight: 10,
    tell(story) {
      const order = story.placeAndPay();
      story.pay(story.newPayment({ ...order, orderId: `${order.orderId}-unheard-of` }, story.placedAtMs + story.payDelayMs()), ['refunded']);
    },
  },
  {
    kind: 'payment from outside the join window',
    weight: 5,
    tell(story) {
      const order = story.newOrder();
      const longAgoMs = story.random.pick([3, 50]) * story.world.paymentTimeoutMs;
      story.place(order);
      const payment = story.newPayment(order, story.placedAtMs - longAgoMs);
      story.pay(payment, ['applied', 'refunded'], longAgoMs + story.payDelayMs());
      story.terminal = ['CONFIRMED', 'TIMED_OUT'];
    },
  },
  {
    kind: 'order id placed again under another event id',
    weight: 12,
    tell(story) {
      const order = story.placeAndPay();
      const other = { ...story.newOrder(), eventId: `${order.eventId}-again` };
      story.place(other, story.transportMs() + 30 + story.repeatDelayMs());
      story.deadLetters = 1;
      // Whichever stands first in the topic counts, and the payment fits only one of them.
      if (story.sends[0]!.atMs <= story.sends.at(-1)!.atMs) return;
      story.terminal = ['CONFIRMED', 'TIMED_OUT'];
      story.captured.splice(0, 1, { ...story.captured[0]!, ends: ['applied', 'refunded'] });
    },
  },
  {
    kind: 'out of stock',
    weight: 25,
    tell(story) {
      const order = story.newOrder([...story.lines(), lineOf(SOLD_OUT.sku, SOLD_OUT.unitPriceCents)]);
      story.place(order);
      if (story.random.chance(0.5)) story.pay(story.newPayment(order, story.placedAtMs + story.payDelayMs()), ['refunded']);
      story.terminal = ['REJECTED'];
    },
  },
  {
    kind: 'scarce',
    weight: 20,
    tell(story) {
      const order = story.newOrder([lineOf(SCARCE.sku, SCARCE.unitPriceCents)]);
      story.place(order);
      story.pay(story.newPayment(order, story.placedAtMs + story.payDelayMs()), ['applied', 'refunded']);
      story.terminal = ['CONFIRMED', 'REJECTED'];
    },
  },
  {
    kind: 'invalid order',
    weight: 14,
    tell(story) {
      const order = story.newOrder();
      const { key, value } = story.random.pick(INVALID_ORDERS)(order, story);
      story.send(story.placedAtMs, TOPICS.orders, key, value === null ? { as: 'bytes', bytes: null } : { as: 'order', order: value }, order.placedAt);
      if (story.random.chance(0.5)) story.pay(story.newPayment(order, story.placedAtMs + story.payDelayMs()), ['refunded']);
      story.terminal = [];
      story.deadLetters = 1;
    },
  },
  {
    kind: 'invalid payment',
    weight: 14,
    tell(story) {
      const order = story.placeAndPay();
      const at = story.placedAtMs + story.payDelayMs();
      const { key, value } = story.random.pick(INVALID_PAYMENTS)(story.newPayment(order, at), story);
      story.send(at, TOPICS.payments, key, value === null ? { as: 'bytes', bytes: null } : { as: 'payment', payment: value }, story.world.startMs + at);
      story.deadLetters = 1;
    },
  },
  {
    kind: 'undecodable record',
    weight: 8,
    tell(story) {
      story.placeAndPay();
      const send = story.sends[story.random.integer(0, 1)]!;
      const value = story.random.chance(0.25) ? damaged(send.value, 'cut') : { as: 'bytes' as const, bytes: story.random.pick(JUNK) };
      const isKeyJunk = story.random.chance(0.2);
      const at = send.atMs + story.random.integer(-10, 10);
      story.send(at, send.topic, isKeyJunk ? Buffer.from([0xff, 0xfe, story.random.integer(0, 255)]) : send.key, isKeyJunk ? send.value : value, send.timestamp);
      story.deadLetters = 1;
    },
  },
  {
    kind: 'unknown schema id',
    weight: 5,
    tell(story) {
      story.placeAndPay();
      const send = story.sends[story.random.integer(0, 1)]!;
      story.send(send.atMs, send.topic, send.key, damaged(send.value, 'unknown-schema'), send.timestamp);
      story.deadLetters = 1;
    },
  },
];

type Invalid<T> = (good: T, story: Teller) => { key: Buffer | null; value: T | null };

const INVALID_ORDERS: readonly Invalid<OrderPlaced>[] = [
  (order) => ({ key: keyOf(order.orderId), value: null }),
  (order) => ({ key: null, value: order }),
  (order, story) => ({ key: neighbour(story), value: order }),
  (order) => ({ key: keyOf(order.orderId), value: { ...order, lines: [], totalCents: 0 } }),
  (order) => withLine(order, { sku: 'tea', quantity: 0, unitPriceCents: 450 }),
  (order) => withLine(order, { sku: 'tea', quantity: -1, unitPriceCents: 450 }),
  (order) => withLine(order, { sku: 'tea', quantity: 1, unitPriceCents: 0 }),
  (order) => withLine(order, { sku: 'tea', quantity: 1, unitPriceCents: -450 }),
  (order) => ({ key: keyOf(order.orderId), value: { ...order, totalCents: order.totalCents + 1 } }),
  (order) => ({ key: keyOf(order.orderId), value: { ...order, currency: 'euro' } }),
];

const INVALID_PAYMENTS: readonly Invalid<PaymentReceived>[] = [
  (payment) => ({ key: keyOf(payment.orderId), value: null }),
  (payment) => ({ key: null, value: payment }),
  (payment, story) => ({ key: neighbour(story), value: payment }),
  (payment) => ({ key: keyOf(payment.orderId), value: { ...payment, amountCents: 0 } }),
  (payment) => ({ key: keyOf(payment.orderId), value: { ...payment, amountCents: -payment.amountCents } }),
];

const JUNK: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from([0]),
  Buffer.from('{"orderId":"written by somebody who has not heard of Avro"}'),
  Buffer.from([0x50, 0x4b, 0x03, 0x04, 0xff, 0x00, 0x13, 0x37]),
];

/** The sum still fits: only the line is wrong. */
function withLine(order: OrderPlaced, line: OrderPlaced['lines'][number]): { key: Buffer; value: OrderPlaced } {
  const totalCents = order.totalCents + line.quantity * line.unitPriceCents;
  return { key: keyOf(order.orderId), value: { ...order, lines: [...order.lines, line], totalCents } };
}

/** The key of somebody else's order. */
function neighbour(story: Teller): Buffer {
  return keyOf(orderIdOf(story.world.runId, story.index === 0 ? 1 : story.index - 1));
}

function lineOf(sku: string, unitPriceCents: number): OrderPlaced['lines'][number] {
  return { sku, quantity: 1, unitPriceCents };
}

function wrongAmount(story: Teller, order: OrderPlaced): PaymentReceived {
  const amountCents = story.random.pick([order.totalCents + 1, Math.max(1, order.totalCents - 1), 10 * order.totalCents, PRODUCTS[0]!.unitPriceCents + order.totalCents]);
  return story.newPayment(order, story.placedAtMs + story.payDelayMs(), { amountCents });
}

function damaged<V extends { readonly as: string }>(value: V, damage: Damage): V {
  return { ...value, damage };
}
