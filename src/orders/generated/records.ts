// Generated from schemas/ by `npm run schemas -- types`: change the schemas there, and generate again. A test compares.

/** Topic order-payments: a captured payment has met its order (the join's output). The key is orderId. */
export interface OrderPaid {
  readonly orderId: string;
  readonly paymentId: string;
  readonly customerId: string;
  readonly amountCents: number;
  readonly currency: string;
  /** Milliseconds since 1970. */
  readonly paidAt: number;
}

export type OrderStatus = 'RESERVED' | 'CONFIRMED' | 'TIMED_OUT' | 'REJECTED' | 'CANCELLED';

/** Topic order-status: what has become of an order. The key is orderId. */
export interface OrderStatusChanged {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly reason: string | null;
  /** The payment that was applied, for CONFIRMED. */
  readonly paymentId: string | null;
  /** Counts from 1 per order. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPriceCents: number;
}

/** Topic orders: a customer has placed an order. The key is orderId. */
export interface OrderPlaced {
  /** Identity of this event: a second record with the same one is a repetition. */
  readonly eventId: string;
  readonly orderId: string;
  readonly customerId: string;
  readonly lines: readonly OrderLine[];
  /** Sum of quantity times unitPriceCents over all lines. */
  readonly totalCents: number;
  /** Three capital letters. */
  readonly currency: string;
  /** Milliseconds since 1970. */
  readonly placedAt: number;
}

export type PaymentStatus = 'CAPTURED' | 'FAILED';

/** Topic payments: the payment provider tells how a payment went. The key is orderId. */
export interface PaymentReceived {
  /** Identity of this event: a second record with the same one is a repetition. */
  readonly eventId: string;
  /** Identity of the payment within its order; the provider may tell of it in several events. */
  readonly paymentId: string;
  readonly orderId: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly status: PaymentStatus;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** Topic refunds: a captured payment that cannot be applied goes back. The key is orderId. */
export interface RefundRequested {
  /** orderId/paymentId: a payment is refunded at most once. */
  readonly refundId: string;
  readonly orderId: string;
  readonly paymentId: string;
  readonly reason: string;
  readonly amountCents: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}
