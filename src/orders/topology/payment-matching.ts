// What becomes of a captured payment: paid to its order, or refunded. Whichever is decided first holds; both decisions are made in the payment's own task,
// so no crash and no late order can make it both.

import {
  Serdes,
  Stores,
  type AnyStoreSpec,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
  type StreamRecord,
  type TimerStore,
} from 'millrace';
import { refundId, type OrderPlaced, type PaymentReceived, type RefundRequested } from '../domain.ts';

export type Settlement =
  | { readonly kind: 'paid'; readonly payment: PaymentReceived; readonly order: OrderPlaced }
  | { readonly kind: 'refund'; readonly refund: RefundRequested };

export interface Match {
  readonly payment: PaymentReceived;
  readonly order: OrderPlaced;
}

/** `waiting` has the payment, because nobody else may come back to it. */
type Decision = { readonly state: 'waiting'; readonly payment: PaymentReceived } | { readonly state: 'paid' | 'refunded' };

export interface PaymentMatching {
  readonly stores: readonly AnyStoreSpec[];
  /** Lets each payment through once, and begins to wait for its order. */
  readonly first: ProcessorSupplier<string, PaymentReceived, string, PaymentReceived>;
  /** Settles matches, and payments whose order did not come. */
  readonly settle: ProcessorSupplier<string, Match, string, Settlement>;
}

const REMEMBERED_MS = 30 * 24 * 3_600_000;
const LOOK_EVERY_MS = 500;
/** After a long standstill very many are due at once, and one look is one step of one transaction; the rest is for the next look. */
const PER_LOOK_MAX = 1_000;

/** @param options.waitMs how long (wall clock) a payment waits for its order before it is refunded */
export function paymentMatching({ waitMs }: { waitMs: number }): PaymentMatching {
  const decisions = Stores.keyValue({ name: 'payment-decisions', key: Serdes.string(), value: Serdes.json<Decision>(), ttlMs: REMEMBERED_MS });
  const waiting = Stores.timers({ name: 'payments-waiting' });

  class First implements Processor<string, PaymentReceived, string, PaymentReceived> {
    #context!: ProcessorContext<string, PaymentReceived>;
    #decisions!: KeyValueStore<string, Decision>;
    #waiting!: TimerStore;

    init(context: ProcessorContext<string, PaymentReceived>): void {
      this.#context = context;
      this.#decisions = context.store(decisions);
      this.#waiting = context.store(waiting);
    }

    process(record: StreamRecord<string, PaymentReceived>): void {
      const id = idOf(record.value);
      if (this.#decisions.get(id) !== undefined) return this.#context.count('duplicates');
      const nowMs = this.#context.wallClockTime();
      this.#decisions.put(id, { state: 'waiting', payment: record.value }, nowMs);
      this.#waiting.schedule(id, nowMs + waitMs);
      this.#context.forward(record);
    }
  }

  class Settle implements Processor<string, Match, string, Settlement> {
    #context!: ProcessorContext<string, Settlement>;
    #decisions!: KeyValueStore<string, Decision>;
    #waiting!: TimerStore;

    init(context: ProcessorContext<string, Settlement>): void {
      this.#context = context;
      this.#decisions = context.store(decisions);
      this.#waiting = context.store(waiting);
      context.schedule({ intervalMs: LOOK_EVERY_MS, type: 'wall-clock' }, (nowMs) => this.#refundOrphans(nowMs));
    }

    process(record: StreamRecord<string, Match>): void {
      const { payment, order } = record.value;
      const id = idOf(payment);
      if (this.#decisions.get(id)?.state !== 'waiting') return this.#context.count('late-matches');
      const misfit = misfitOf(payment, order);
      this.#waiting.cancel(id);
      this.#decisions.put(id, { state: misfit === undefined ? 'paid' : 'refunded' }, this.#context.wallClockTime());
      const value: Settlement = misfit === undefined ? { kind: 'paid', payment, order } : { kind: 'refund', refund: refund(payment, misfit, this.#context.wallClockTime()) };
      this.#context.count(misfit === undefined ? 'paid' : 'misfits');
      this.#context.forward({ ...record, value });
    }

    #refundOrphans(nowMs: number): void {
      for (const { key: id } of this.#waiting.due(nowMs, PER_LOOK_MAX)) {
        this.#waiting.cancel(id);
        const decision = this.#decisions.get(id);
        if (decision?.state !== 'waiting') continue;
        this.#decisions.put(id, { state: 'refunded' }, nowMs);
        this.#context.count('orphans');
        const value: Settlement = { kind: 'refund', refund: refund(decision.payment, 'no such order within the join window', nowMs) };
        this.#context.forward({ key: decision.payment.orderId, value, timestamp: nowMs, headers: [] });
      }
    }
  }

  return { stores: [decisions, waiting], first: () => new First(), settle: () => new Settle() };
}

function misfitOf(payment: PaymentReceived, order: OrderPlaced): string | undefined {
  if (payment.currency !== order.currency) return `wrong currency: paid in ${payment.currency}, the order is in ${order.currency}`;
  if (payment.amountCents !== order.totalCents) return `wrong amount: paid ${payment.amountCents}, the order comes to ${order.totalCents}`;
  return undefined;
}

function refund({ orderId, paymentId, amountCents }: PaymentReceived, reason: string, at: number): RefundRequested {
  return { refundId: refundId(orderId, paymentId), orderId, paymentId, reason, amountCents, at };
}

/** A payment is known by its order and its payment id: the same id under another event is the same money. */
function idOf({ orderId, paymentId }: PaymentReceived): string {
  return refundId(orderId, paymentId);
}
