// The words of the reference system. Shapes of Avro records (schemas/) and of what topology and workflow tell each other. Money in cents, times in epoch ms.

export interface OrderLine {
  sku: string;
  quantity: number;
  unitPriceCents: number;
}

export interface OrderPlaced {
  eventId: string;
  orderId: string;
  customerId: string;
  lines: OrderLine[];
  totalCents: number;
  currency: string;
  placedAt: number;
}

export interface PaymentReceived {
  eventId: string;
  paymentId: string;
  orderId: string;
  amountCents: number;
  currency: string;
  status: 'CAPTURED' | 'FAILED';
  receivedAt: number;
}

export interface OrderPaid {
  orderId: string;
  paymentId: string;
  customerId: string;
  amountCents: number;
  currency: string;
  paidAt: number;
}

export const TERMINAL_STATUSES = ['CONFIRMED', 'TIMED_OUT', 'REJECTED', 'CANCELLED'] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];
export type OrderStatus = 'RESERVED' | TerminalStatus;

export interface OrderStatusChanged {
  orderId: string;
  status: OrderStatus;
  reason: string | null;
  paymentId: string | null;
  /** Counts from 1 per order. */
  sequence: number;
  at: number;
}

export interface RefundRequested {
  /** `<orderId>/<paymentId>`, see `refundId()`: a payment is refunded at most once. */
  refundId: string;
  orderId: string;
  paymentId: string;
  reason: string;
  amountCents: number;
  at: number;
}

export const ORDER_WORKFLOW = 'OrderWorkflow';
export const ORDER_SAGA = 'order-saga';
/** Temporal task queue of the order workflows and their activities. */
export const ORDER_TASK_QUEUE = 'orders';
/** Where the inventory answers unless told otherwise, on loopback. */
export const INVENTORY_PORT = 7460;

/** Payload of a command to OrderWorkflow (workflow id = order id), told apart by the command's `kind`. */
export type OrderCommand =
  | { kind: 'place'; order: { orderId: string; customerId: string; lines: OrderLine[]; totalCents: number; currency: string; placedAt: number; paymentTimeoutMs: number } }
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
