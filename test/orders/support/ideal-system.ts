// The order system without time, crashes or Kafka: reads a plan, writes what a faultless system would have written. Too simple to be wrong; for tests of the audit.

import { memoryRegistry } from 'millrace';
import { refundId, type OrderPlaced, type OrderStatus, type PaymentReceived } from '../../../src/orders/domain.ts';
import { INITIAL_STOCK, type Plan, type SendValue } from '../../../src/orders/generator/index.ts';
import type { Stock } from '../../../src/orders/inventory/index.ts';
import { orderSerdes } from '../../../src/orders/serdes.ts';
import { checkedOrder, checkedPayment } from '../../../src/orders/valid.ts';
import { contentOf } from '../../../src/orders/audit/decode.ts';
import type { DeadLetter } from '../../../src/orders/audit/dead-letter-tally.ts';
import type { Observed } from '../../../src/orders/audit/observed.ts';

export type Entry =
  | { topic: 'orders' | 'payments' | 'order-payments' | 'order-status' | 'refunds'; record: Observed<never> }
  | { topic: 'orders.dlq'; letter: DeadLetter };

export interface IdealRun {
  inputs: Entry[];
  outputs: Entry[];
  stock: Record<string, Stock>;
}

interface Order {
  placed: OrderPlaced;
  status: OrderStatus;
  sequence: number;
}

export async function idealRun(plan: Plan): Promise<IdealRun> {
  const serdes = orderSerdes(memoryRegistry());
  await serdes.order.open?.('orders', 'value');
  await serdes.payment.open?.('payments', 'value');
  const run: IdealRun = { inputs: [], outputs: [], stock: {} };
  for (const [sku, initial] of Object.entries(INITIAL_STOCK)) run.stock[sku] = { initial, available: initial, reserved: 0, sold: 0 };

  const orders = new Map<string, Order>();
  const payments = new Map<string, PaymentReceived & { events: number }>();
  const seen = new Set<string>();
  const offsets: Record<string, number> = {};
  const readers = { orders: serdes.order, payments: serdes.payment };

  function emit(topic: 'order-payments' | 'order-status' | 'refunds', orderId: string, value: object): void {
    const offset = (offsets[topic] = (offsets[topic] ?? -1) + 1);
    const record = { source: { topic, partition: 0, offset }, keyBytes: null, valueBytes: null, content: { isReadable: true, key: orderId, value } };
    run.outputs.push({ topic, record: record as unknown as Observed<never> });
  }
  function change(order: Order, status: OrderStatus, paymentId: string | null = null): void {
    order.status = status;
    const { orderId } = order.placed;
    emit('order-status', orderId, { orderId, status, reason: null, paymentId, sequence: ++order.sequence, at: 0 });
  }
  function book(lines: OrderPlaced['lines'], from: 'available' | 'reserved', to: 'available' | 'reserved' | 'sold'): void {
    for (const { sku, quantity } of lines) {
      const { [sku]: before } = run.stock;
      run.stock[sku] = { ...before!, [from]: before![from] - quantity, [to]: before![to] + quantity };
    }
  }
  function place(placed: OrderPlaced): void {
    const known = orders.get(placed.orderId);
    if (known !== undefined) throw new Error('placed already');
    const order: Order = { placed, status: 'RESERVED', sequence: 0 };
    orders.set(placed.orderId, order);
    const needed = new Map<string, number>();
    for (const { sku, quantity } of placed.lines) needed.set(sku, (needed.get(sku) ?? 0) + quantity);
    if ([...needed].some(([sku, quantity]) => run.stock[sku]!.available < quantity)) return change(order, 'REJECTED');
    book(placed.lines, 'available', 'reserved');
    change(order, 'RESERVED');
  }
  function settle(payment: PaymentReceived & { events: number }): void {
    const { orderId, paymentId, amountCents, currency, events } = payment;
    const order = orders.get(orderId);
    for (let event = 0; order !== undefined && event < events; event++) emit('order-payments', orderId, { orderId, paymentId, customerId: '', amountCents, currency, paidAt: 0 });
    if (order?.status === 'RESERVED' && amountCents === order.placed.totalCents && currency === order.placed.currency) {
      book(order.placed.lines, 'reserved', 'sold');
      change(order, 'CONFIRMED', paymentId);
    } else emit('refunds', orderId, { refundId: refundId(orderId, paymentId), orderId, paymentId, reason: 'r', amountCents, at: 0 });
  }

  for (const send of plan.sends()) {
    const topic = send.topic as 'orders' | 'payments';
    const valueBytes = encode(send.value);
    const offset = (offsets[topic] = (offsets[topic] ?? -1) + 1);
    const source = { topic, partition: 0, offset };
    const content = contentOf<OrderPlaced | PaymentReceived>(serdes.orderId, readers[topic], topic, send.key, valueBytes);
    run.inputs.push({ topic, record: { source, keyBytes: send.key, valueBytes, content } as unknown as Observed<never> });
    try {
      if (!content.isReadable) throw new Error(content.why);
      const value = topic === 'orders' ? checkedOrder(content.value as OrderPlaced, content.key) : checkedPayment(content.value as PaymentReceived, content.key);
      if (seen.has(`${value.orderId} ${value.eventId}`)) continue;
      if (topic === 'orders') place(value as OrderPlaced);
      else if ((value as PaymentReceived).status === 'CAPTURED') {
        const { orderId, paymentId } = value as PaymentReceived;
        const known = payments.get(`${orderId} ${paymentId}`);
        if (known === undefined) payments.set(`${orderId} ${paymentId}`, { ...(value as PaymentReceived), events: 1 });
        else known.events++;
      }
      seen.add(`${value.orderId} ${value.eventId}`);
    } catch {
      const at = `orders.dlq-0@${(offsets['dlq'] = (offsets['dlq'] ?? -1) + 1)}`;
      run.outputs.push({ topic: 'orders.dlq', letter: { at, from: `${topic}-0@${offset}`, key: send.key, value: valueBytes } });
    }
  }
  for (const payment of payments.values()) settle(payment);
  for (const order of orders.values()) {
    if (order.status !== 'RESERVED') continue;
    book(order.placed.lines, 'reserved', 'available');
    change(order, 'TIMED_OUT');
  }
  return run;

  function encode(value: SendValue): Buffer | null {
    if (value.as === 'bytes') return value.bytes;
    const bytes = value.as === 'order' ? serdes.order.serialize('orders', value.order) : serdes.payment.serialize('payments', value.payment);
    if (value.damage === 'unknown-schema') bytes.writeInt32BE(0x7fff_0000, 1);
    return value.damage === 'cut' ? bytes.subarray(0, bytes.length - 3) : bytes;
  }
}

