// From the JSON of a command to an order command, or to the reason why it is none. Never throws: the workflow answers what it cannot read.

import type { MailboxCommand } from 'millrace/workflow';
import type { OrderCommand } from './domain.ts';

export type PlaceCommand = Extract<OrderCommand, { kind: 'place' }>;
export type PayCommand = Extract<OrderCommand, { kind: 'pay' }>;
export type ParsedCommand = PlaceCommand | PayCommand | { kind: 'invalid'; reason: string };

/** @param orderId whose mailbox it is */
export function parseOrderCommand(command: MailboxCommand, orderId: string): ParsedCommand {
  switch (command.kind) {
    case 'place': {
      const order = fields(command.payload)?.['order'];
      if (!isPlaced(order)) return { kind: 'invalid', reason: 'place: the payload has no well-formed order' };
      if (order.orderId !== orderId) return { kind: 'invalid', reason: `place: the payload is order ${order.orderId}` };
      return { kind: 'place', order };
    }
    case 'pay': {
      const payment = fields(command.payload)?.['payment'];
      return isPayment(payment) ? { kind: 'pay', payment } : { kind: 'invalid', reason: 'pay: the payload has no well-formed payment' };
    }
    default:
      return { kind: 'invalid', reason: `unknown command kind ${JSON.stringify(command.kind)}; known are place and pay` };
  }
}

function fields(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function isPlaced(value: unknown): value is PlaceCommand['order'] {
  const order = fields(value);
  return (
    order !== undefined &&
    areStrings(order, ['orderId', 'currency']) &&
    areIntegers(order, ['totalCents', 'paymentTimeoutMs']) &&
    Array.isArray(order['lines']) &&
    order['lines'].every((line) => {
      const of = fields(line);
      // Also without a name: which SKUs there are is for the inventory to say.
      return of !== undefined && typeof of['sku'] === 'string' && areIntegers(of, ['quantity']);
    })
  );
}

function isPayment(value: unknown): value is PayCommand['payment'] {
  const payment = fields(value);
  return payment !== undefined && areStrings(payment, ['orderId', 'paymentId', 'currency']) && areIntegers(payment, ['amountCents']);
}

function areStrings(of: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof of[name] === 'string' && of[name] !== '');
}

function areIntegers(of: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => Number.isSafeInteger(of[name]));
}
