// The audit's own opinion on which orders and payments make sense. It repeats valid.ts on purpose: an audit that borrowed the rules of what it checks
// would agree with their mistakes. A test compares the two.

import type { OrderPlaced, PaymentReceived } from '../domain.ts';
import type { Content } from './observed.ts';

/** What is wrong with it; undefined: nothing. */
export function faultOfOrder(content: Content<OrderPlaced>): string | undefined {
  return faultOf(content, (order) => {
    if (order.lines.length < 1) return 'no lines';
    let total = 0n;
    for (const { quantity, unitPriceCents } of order.lines) {
      if (!(quantity > 0)) return `quantity ${quantity}`;
      if (!(unitPriceCents > 0)) return `price ${unitPriceCents}`;
      total += BigInt(quantity) * BigInt(unitPriceCents);
    }
    if (total !== BigInt(order.totalCents)) return `total ${order.totalCents} instead of ${total}`;
    const isCurrency = order.currency.length === 3 && [...order.currency].every((letter) => letter >= 'A' && letter <= 'Z');
    return isCurrency ? undefined : `currency ${order.currency}`;
  });
}

/** What is wrong with it; undefined: nothing. */
export function faultOfPayment(content: Content<PaymentReceived>): string | undefined {
  return faultOf(content, ({ paymentId, amountCents }) => (paymentId.length === 0 ? 'empty payment id' : amountCents > 0 ? undefined : `amount ${amountCents}`));
}

function faultOf<T extends { orderId: string; eventId: string }>(content: Content<T>, more: (value: T) => string | undefined): string | undefined {
  if (!content.isReadable) return content.why;
  const { key, value } = content;
  if (value === null) return 'no value';
  if (key === null) return 'no key';
  if (key !== value.orderId) return `key ${key} for order ${value.orderId}`;
  if (value.orderId.length === 0 || value.eventId.length === 0) return 'empty id';
  return more(value);
}
