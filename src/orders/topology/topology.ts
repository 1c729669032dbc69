// The reference system's topology: deduplicate, join, hand each order's saga to Temporal, and take what comes back. Read it top to bottom.

import { Serdes, StreamsBuilder, type Json, type KStream, type Topology } from 'millrace';
import { ORDER_SAGA, ORDER_WORKFLOW, TOPICS, type OrderCommand, type OrderPaid, type OrderPlaced, type PaymentReceived } from '../domain.ts';
import type { OrderSerdes } from '../serdes.ts';
import { checkedOrder, checkedPayment } from '../valid.ts';
import { eventTime } from './event-time.ts';
import { firstOrder } from './first-order.ts';
import { refundsOf, statusesOf } from './outcomes.ts';
import { paymentMatching, type Settlement } from './payment-matching.ts';

export interface OrderTopologyOptions {
  readonly serdes: OrderSerdes;
  /** How long an order waits for its payment, ms. Default 2 h. */
  readonly paymentTimeoutMs?: number;
  /** How long a repeated event is recognised by its id, ms of event time. Default 7 days. */
  readonly dedupeRetentionMs?: number;
  /** Our own clock, epoch ms: no event counts as later. Default `Date.now`. */
  readonly now?: () => number;
}

const HOUR_MS = 3_600_000;

export function orderTopology({ serdes, paymentTimeoutMs = 2 * HOUR_MS, dedupeRetentionMs = 7 * 24 * HOUR_MS, now = Date.now }: OrderTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const ids = Serdes.string();

  const orders = keyed(
    builder
      .stream(TOPICS.orders, { key: serdes.orderId, value: serdes.order, timestamp: eventTime((order) => order.placedAt, now) })
      .mapValues(checkedOrder),
  )
    .dedupe({ name: 'orders-seen', id: (order) => order.eventId, retentionMs: dedupeRetentionMs, serde: ids })
    .processValues(firstOrder, { name: 'first-order', stores: firstOrder.stores });

  // Before the join, so that an order's `place` always precedes its `pay`.
  const place = orders.mapValues((order): OrderCommand => ({ kind: 'place', order: placed(order, paymentTimeoutMs) }));

  const matching = paymentMatching({ waitMs: paymentTimeoutMs });
  const payments = keyed(
    builder
      .stream(TOPICS.payments, { key: serdes.orderId, value: serdes.payment, timestamp: eventTime((payment) => payment.receivedAt, now) })
      .mapValues(checkedPayment),
  )
    .dedupe({ name: 'payments-seen', id: (payment) => payment.eventId, retentionMs: dedupeRetentionMs, serde: ids })
    .filter((payment) => payment.status === 'CAPTURED')
    .processValues(matching.first, { name: 'first-payment', stores: matching.stores });

  // A payment may come before its order, and after its timeout too: then the saga is over, says so, and the payment is refunded.
  const settlements = payments
    .join(orders, (payment, order) => ({ payment, order }), {
      name: 'order-payment',
      window: { beforeMs: 2 * paymentTimeoutMs, afterMs: paymentTimeoutMs, graceMs: paymentTimeoutMs },
      key: serdes.orderId,
      value: serdes.payment,
      otherValue: serdes.order,
    })
    .processValues(matching.settle, { name: 'settle-payment', stores: matching.stores });

  const paid = settlements.filter((settlement): settlement is Extract<Settlement, { kind: 'paid' }> => settlement.kind === 'paid');
  paid.mapValues((settlement): OrderPaid => orderPaid(settlement.payment, settlement.order)).to(TOPICS.orderPayments, { key: serdes.orderId, value: serdes.orderPaid });
  settlements.flatMapValues((settlement) => (settlement.kind === 'refund' ? [settlement.refund] : [])).to(TOPICS.refunds, { key: serdes.orderId, value: serdes.refund });

  const pay = paid.mapValues(({ payment }): OrderCommand => ({
    kind: 'pay',
    payment: { orderId: payment.orderId, paymentId: payment.paymentId, amountCents: payment.amountCents, currency: payment.currency, paidAt: payment.receivedAt },
  }));

  const outcomes = place.merge(pay).escalate({
    name: ORDER_SAGA,
    workflow: ORDER_WORKFLOW,
    workflowId: (_command, orderId) => orderId,
    command: ({ kind, ...payload }) => ({ kind, payload: payload as unknown as Json }),
  });
  outcomes.flatMapValues(statusesOf).to(TOPICS.orderStatus, { key: serdes.orderId, value: serdes.orderStatus });
  outcomes.flatMapValues(refundsOf).to(TOPICS.refunds, { key: serdes.orderId, value: serdes.refund });
  return builder.build();
}

/** The checks refuse records without a key; this only tells the compiler. */
function keyed<V>(stream: KStream<string | null, V>): KStream<string, V> {
  return stream as KStream<string, V>;
}

function placed({ orderId, customerId, lines, totalCents, currency, placedAt }: OrderPlaced, paymentTimeoutMs: number): Extract<OrderCommand, { kind: 'place' }>['order'] {
  return { orderId, customerId, lines, totalCents, currency, placedAt, paymentTimeoutMs };
}

function orderPaid(payment: PaymentReceived, order: OrderPlaced): OrderPaid {
  const { orderId, paymentId, amountCents, currency, receivedAt } = payment;
  return { orderId, paymentId, customerId: order.customerId, amountCents, currency, paidAt: receivedAt };
}
