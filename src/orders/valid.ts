// Which orders and payments make sense by themselves. What does not goes to the dead letters with the reason given here, and has no other effect.
// That an order id is placed again under another eventId is no matter of one record: the topology sees to it.

import { InvalidRecordError } from 'millrace';
import type { OrderLine, OrderPlaced, PaymentReceived } from './domain.ts';

/** @returns the order, now known to be one. @throws {InvalidRecordError} that says what is wrong with it. */
export function checkedOrder(order: OrderPlaced | null, key: string | null): OrderPlaced {
  if (order === null) throw invalid('order', 'it has no value');
  checkKey('order', key, order.orderId);
  checkId('order', 'eventId', order.eventId);
  if (order.lines.length === 0) throw invalid('order', 'it has no lines');
  order.lines.forEach(checkLine);
  // Above 2^53 sums are rounded, and a wrong total could pass for a right one.
  const sum = order.lines.reduce((cents, line) => cents + line.quantity * line.unitPriceCents, 0);
  if (!Number.isSafeInteger(sum) || sum !== order.totalCents) throw invalid('order', `its total is ${order.totalCents} cents, but its lines come to ${sum}`);
  if (!/^[A-Z]{3}$/.test(order.currency)) throw invalid('order', `its currency is ${JSON.stringify(order.currency)}, not three capital letters`);
  return order;
}

/**
 * A wrong currency or amount is no reason here: such a payment is real money, and is refunded.
 * @returns the payment, now known to be one. @throws {InvalidRecordError} that says what is wrong with it.
 */
export function checkedPayment(payment: PaymentReceived | null, key: string | null): PaymentReceived {
  if (payment === null) throw invalid('payment', 'it has no value');
  checkKey('payment', key, payment.orderId);
  checkId('payment', 'eventId', payment.eventId);
  checkId('payment', 'paymentId', payment.paymentId);
  if (payment.amountCents <= 0) throw invalid('payment', `its amount is ${payment.amountCents} cents, not above zero`);
  return payment;
}

function checkKey(what: string, key: string | null, orderId: string): void {
  if (key === null) throw invalid(what, `it has no key, where its order id ${orderId} should be`);
  if (key !== orderId) throw invalid(what, `its key is ${JSON.stringify(key)}, but its order id is ${JSON.stringify(orderId)}`);
  checkId(what, 'orderId', orderId);
}

function checkId(what: string, field: string, id: string): void {
  if (id === '') throw invalid(what, `its ${field} is empty, so it identifies nothing`);
}

function checkLine(line: OrderLine, index: number): void {
  const name = `line ${index + 1} (${line.sku})`;
  if (line.quantity <= 0) throw invalid('order', `${name} has quantity ${line.quantity}, not above zero`);
  if (line.unitPriceCents <= 0) throw invalid('order', `${name} has a price of ${line.unitPriceCents} cents, not above zero`);
}

function invalid(what: string, why: string): InvalidRecordError {
  return new InvalidRecordError(`Invalid ${what}: ${why}.`);
}
