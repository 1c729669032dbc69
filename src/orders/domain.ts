// The words of the reference system: its records, as schemas/ has them, and what topology and workflow tell each other. Money in cents, times in epoch ms.

import type { OrderLine, OrderStatus, OrderStatusChanged, RefundRequested } from './generated/records.ts';

export type { OrderLine, OrderPaid, OrderPlaced, OrderStatus, OrderStatusChanged, PaymentReceived, RefundRequested } from './generated/records.ts';

/** What an order ends with. */
export const TERMINAL_STATUSES = ['CONFIRMED', 'TIMED_OUT', 'REJECTED', 'CANCELLED'] as const satisfies readonly OrderStatus[];
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

export const ORDER_WORKFLOW = 'OrderWorkflow';
export const ORDER_SAGA = 'order-saga';
/** Temporal task queue of the order workflows and their activities. */
export const ORDER_TASK_QUEUE = 'orders';
/** Where the inventory answers unless told otherwise, on loopback. */
export const INVENTORY_PORT = 7460;

/** Payload of a command to OrderWorkflow (workflow id = order id), told apart by the command's `kind`. */
export type OrderCommand =
  | { kind: 'place'; order: { orderId: string; customerId: string; lines: readonly OrderLine[]; totalCents: number; currency: string; placedAt: number; paymentTimeoutMs: number } }
  | { kind: 'pay'; payment: { orderId: string; paymentId: string; amountCents: number; currency: string; paidAt: number } };

/** Payload of an outcome of OrderWorkflow, told apart by the outcome's `kind`. */
export type OrderOutcome =
  | { kind: 'status'; status: OrderStatusChanged }
  | { kind: 'refund'; refund: RefundRequested }
  /** The workflow could make nothing of a command (unknown kind, wrong shape). Nothing else happened; worth a log line and a count. */
  | { kind: 'command-rejected'; rejection: { orderId: string; seq: number; commandKind: string; reason: string; at: number } };

export const TOPICS = {
  orders: 'orders',
  payments: 'payments',
  orderPayments: 'order-payments',
  orderStatus: 'order-status',
  refunds: 'refunds',
  deadLetters: 'orders.dlq',
} as const;

/** Consumer group and prefix of internal topics of the reference system. */
export const APPLICATION_ID = 'orders-app';

/** Up to the first slash it is the order: a `/` of the order id (and so a `%`) is written `%2F` (`%25`), or `a` + `b/c` would be `a/b` + `c`. */
export function refundId(orderId: string, paymentId: string): string {
  return `${orderId.replaceAll('%', '%25').replaceAll('/', '%2F')}/${paymentId}`;
}
