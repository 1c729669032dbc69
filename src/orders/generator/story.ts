// A story is all that is ever sent about one order, and when: the unit of the plan. `Teller` is how the kinds of story (story-kinds.ts) put it together.

import type { OrderLine, OrderPlaced, PaymentReceived, TerminalStatus } from '../domain.ts';
import { TOPICS } from '../domain.ts';
import { PRODUCTS } from './catalogue.ts';
import type { Random } from './random.ts';

/** Bytes are made when a send is due: only then is the schema's id known. */
export type SendValue =
  | { readonly as: 'order'; readonly order: OrderPlaced; readonly damage?: Damage }
  | { readonly as: 'payment'; readonly payment: PaymentReceived; readonly damage?: Damage }
  | { readonly as: 'bytes'; readonly bytes: Buffer | null };

/** cut: the body ends too early · unknown-schema: an id that the registry does not have */
export type Damage = 'cut' | 'unknown-schema';

export interface TimedSend {
  /** When to send it: ms after the plan's start. */
  readonly atMs: number;
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: SendValue;
  /** Event time, epoch ms. */
  readonly timestamp: number;
}

/** What must come of a story, for tests: whoever checks a real run looks at the topics instead. */
export interface Expectation {
  /** Possible ends of the order; none when it is not valid. */
  readonly terminal: readonly TerminalStatus[];
  /** Every captured payment, and where it may end. `orderId` differs from the story's for a payment of an order that nobody placed. */
  readonly captured: readonly { readonly orderId: string; readonly paymentId: string; readonly ends: readonly ('applied' | 'refunded')[] }[];
  readonly duplicates: number;
  readonly deadLetters: number;
}

export interface Story {
  readonly kind: string;
  readonly index: number;
  readonly orderId: string;
  readonly sends: readonly TimedSend[];
  readonly expected: Expectation;
}

export interface StoryWorld {
  readonly runId: string;
  readonly paymentTimeoutMs: number;
  /** Epoch ms of the plan's start. */
  readonly startMs: number;
}

export type Ends = readonly ('applied' | 'refunded')[];

export class Teller {
  readonly random: Random;
  readonly world: StoryWorld;
  readonly index: number;
  readonly orderId: string;
  readonly sends: TimedSend[] = [];
  terminal: readonly TerminalStatus[] = ['CONFIRMED'];
  readonly captured: Expectation['captured'][number][] = [];
  duplicates = 0;
  deadLetters = 0;
  /** Ms after the plan's start at which the order is placed; payments may come up to `headStartMs` earlier. */
  readonly placedAtMs: number;
  readonly #beginsAtMs: number;
  #payments = 0;

  constructor(random: Random, world: StoryWorld, index: number, beginsAtMs: number) {
    this.random = random;
    this.world = world;
    this.index = index;
    this.orderId = orderIdOf(world.runId, index);
    this.#beginsAtMs = beginsAtMs;
    this.placedAtMs = beginsAtMs + this.headStartMs;
  }

  get headStartMs(): number {
    return Math.min(this.world.paymentTimeoutMs / 10, 3_000);
  }

  /** How long a payer takes: mostly short, at most a quarter of the time there is (and half a minute, so that something is seen to happen). */
  payDelayMs(): number {
    return 20 + Math.round(this.random.next() ** 2 * Math.min(this.world.paymentTimeoutMs / 4, 30_000));
  }

  /** Repetitions come at once, or up to three minutes later. */
  repeatDelayMs(): number {
    const longest = this.random.chance(0.7) ? 500 : Math.min(this.world.paymentTimeoutMs, 180_000);
    return Math.round(this.random.next() * longest);
  }

  /** Certainly after the order has timed out. */
  tooLateMs(): number {
    return Math.round(this.world.paymentTimeoutMs * (1.1 + 0.2 * this.random.next())) + 2_000;
  }

  lines(): OrderLine[] {
    return Array.from({ length: this.random.integer(1, 3) }, () => {
      const { sku, unitPriceCents } = this.random.pick(PRODUCTS);
      return { sku, quantity: this.random.integer(1, 3), unitPriceCents };
    });
  }

  newOrder(lines: OrderLine[] = this.lines()): OrderPlaced {
    return {
      eventId: `${this.orderId}/placed`,
      orderId: this.orderId,
      customerId: `customer-${this.random.integer(1, 500)}`,
      lines,
      totalCents: lines.reduce((cents, line) => cents + line.quantity * line.unitPriceCents, 0),
      currency: this.random.pick(['EUR', 'EUR', 'USD', 'GBP']),
      placedAt: Math.round(this.world.startMs + this.placedAtMs),
    };
  }

  /** @param at ms after the plan's start */
  newPayment(order: OrderPlaced, at: number, change: Partial<PaymentReceived> = {}): PaymentReceived {
    const number = ++this.#payments;
    return {
      eventId: `${this.orderId}/payment-${number}`,
      paymentId: `pay-${this.orderId}-${number}`,
      orderId: order.orderId,
      amountCents: order.totalCents,
      currency: order.currency,
      status: 'CAPTURED',
      receivedAt: Math.round(this.world.startMs + at),
      ...change,
    };
  }

  /** Sends the order when it is placed, or `lateMs` after. */
  place(order: OrderPlaced, lateMs: number = this.transportMs()): void {
    this.send(this.placedAtMs + lateMs, TOPICS.orders, keyOf(order.orderId), { as: 'order', order }, order.placedAt);
  }

  /** Sends the payment when it was received, or `lateMs` after; says where it must end if it is captured. */
  pay(payment: PaymentReceived, ends: Ends, lateMs: number = this.transportMs()): void {
    const at = payment.receivedAt - this.world.startMs + lateMs;
    this.send(at, TOPICS.payments, keyOf(payment.orderId), { as: 'payment', payment }, payment.receivedAt);
    if (payment.status === 'CAPTURED' && ends.length > 0) this.captured.push({ orderId: payment.orderId, paymentId: payment.paymentId, ends });
  }

  /** The ordinary case. */
  placeAndPay(): OrderPlaced {
    const order = this.newOrder();
    this.place(order);
    this.pay(this.newPayment(order, this.placedAtMs + this.payDelayMs()), ['applied']);
    return order;
  }

  send(atMs: number, topic: string, key: Buffer | null, value: SendValue, timestamp: number): void {
    this.sends.push({ atMs: Math.max(this.#beginsAtMs, Math.round(atMs)), topic, key, value, timestamp: Math.round(timestamp) });
  }

  /** The same bytes again, later. */
  repeat(send: TimedSend, times: number): void {
    for (let n = 0; n < times; n++) this.sends.push({ ...send, atMs: send.atMs + 1 + this.repeatDelayMs() });
    this.duplicates += times;
  }

  /** How long a record is on its way: a few milliseconds, now and then long enough for others to overtake it. */
  transportMs(): number {
    return this.random.integer(1, this.random.chance(0.05) ? Math.max(20, this.headStartMs / 2) : 20);
  }

  end(kind: string): Story {
    const { index, orderId, sends, terminal, captured, duplicates, deadLetters } = this;
    return { kind, index, orderId, sends, expected: { terminal, captured, duplicates, deadLetters } };
  }
}

export function keyOf(orderId: string): Buffer {
  return Buffer.from(orderId, 'utf8');
}

export function orderIdOf(runId: string, index: number): string {
  return `${runId}-${String(index).padStart(6, '0')}`;
}
