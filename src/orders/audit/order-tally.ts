// All that the topics say about one order id, and which invariants that breaks. Pure.

import { type OrderLine, type OrderStatus, refundId as refundIdOf, type RefundRequested, TERMINAL_STATUSES } from '../domain.ts';
import type { Findings } from './report.ts';

export interface PlacedOrder {
  readonly eventId: string;
  readonly lines: readonly OrderLine[];
  readonly totalCents: number;
  readonly currency: string;
  readonly isCounted: boolean;
}

export interface CapturedPayment {
  readonly amountCents: number;
  readonly currency: string;
  readonly eventIds: string[];
  readonly isCounted: boolean;
}

export interface StatusSeen {
  readonly status: OrderStatus;
  readonly sequence: number;
  readonly paymentId: string | null;
}

/** Optional parts are absent until needed: there is one tally per order, and most orders are simple. */
export interface OrderTally {
  readonly orderId: string;
  /** The first valid one. */
  placed?: PlacedOrder;
  /** Event ids of later ones under another event id. */
  conflicts?: string[];
  captured?: Map<string, CapturedPayment>;
  failedEventIds?: string[];
  /** How often the join has told of each payment. */
  joined?: Map<string, number>;
  /** In topic order. */
  statuses?: StatusSeen[];
  refunds?: RefundRequested[];
}

export function terminalOf(tally: OrderTally): StatusSeen | undefined {
  return tally.statuses?.find(({ status }) => isTerminal(status));
}

/** Confirmed orders that name this payment have it; refunds give it back. Together that must be one. */
export function settlementsOf(tally: OrderTally, paymentId: string): { applied: number; refunded: number } {
  const applied = tally.statuses?.some((seen) => seen.status === 'CONFIRMED' && seen.paymentId === paymentId) === true ? 1 : 0;
  return { applied, refunded: tally.refunds?.filter((refund) => refund.paymentId === paymentId).length ?? 0 };
}

export function checkOrder(tally: OrderTally, findings: Findings): void {
  checkStatuses(tally, findings);
  for (const seen of tally.statuses ?? []) if (seen.status === 'CONFIRMED') checkConfirmation(tally, seen, findings);
  for (const [paymentId] of tally.captured ?? []) checkSettlement(tally, paymentId, findings);
  for (const refund of tally.refunds ?? []) checkRefund(tally, refund, findings);
  checkRepetitions(tally, findings);
}

function checkStatuses({ orderId, placed, statuses = [] }: OrderTally, findings: Findings): void {
  const ends = statuses.filter(({ status }) => isTerminal(status));
  if (placed === undefined) {
    if (statuses.length > 0) findings.add(1, `order ${orderId} has the status ${listed(statuses)}, but was never validly placed`);
    return;
  }
  if (ends.length === 0) findings.add(1, `order ${orderId} has no terminal status (${statuses.length === 0 ? 'none at all' : listed(statuses)})`);
  if (ends.length > 1) findings.add(1, `order ${orderId} has ${ends.length} terminal statuses: ${listed(statuses)}`);
  const firstEnd = statuses.findIndex(({ status }) => isTerminal(status));
  if (ends.length === 1 && firstEnd < statuses.length - 1) findings.add(1, `order ${orderId} changed after its terminal status: ${listed(statuses)}`);
}

function checkConfirmation(tally: OrderTally, confirmed: StatusSeen, findings: Findings): void {
  const { orderId, placed, statuses = [] } = tally;
  if (!statuses.slice(0, statuses.indexOf(confirmed)).some(({ status }) => status === 'RESERVED')) {
    findings.add(2, `order ${orderId} was confirmed without having been reserved: ${listed(statuses)}`);
  }
  if (confirmed.paymentId === null) return findings.add(2, `order ${orderId} was confirmed without a payment`);
  const payment = tally.captured?.get(confirmed.paymentId);
  if (payment === undefined) return findings.add(2, `order ${orderId} was confirmed with payment ${confirmed.paymentId}, which was never captured`);
  if (placed === undefined) return; // reported already
  if (payment.amountCents !== placed.totalCents || payment.currency !== placed.currency) {
    const paid = `${payment.amountCents} ${payment.currency}`;
    findings.add(2, `order ${orderId} over ${placed.totalCents} ${placed.currency} was confirmed with payment ${confirmed.paymentId} of ${paid}`);
  }
}

function checkSettlement(tally: OrderTally, paymentId: string, findings: Findings): void {
  const { applied, refunded } = settlementsOf(tally, paymentId);
  if (applied + refunded === 1) return;
  const what = applied + refunded === 0 ? 'neither applied nor refunded' : applied === 1 ? `applied, and refunded ${times(refunded)}` : `refunded ${times(refunded)}`;
  findings.add(3, `payment ${paymentId} of order ${tally.orderId} was captured, and ${what}`);
}

function checkRefund(tally: OrderTally, refund: RefundRequested, findings: Findings): void {
  const { orderId } = tally;
  const payment = tally.captured?.get(refund.paymentId);
  if (payment === undefined) findings.add(3, `payment ${refund.paymentId} of order ${orderId} was refunded, but never captured`);
  else if (payment.amountCents !== refund.amountCents) {
    findings.add(3, `payment ${refund.paymentId} of order ${orderId} was ${payment.amountCents} cents, but ${refund.amountCents} were refunded`);
  }
}

function checkRepetitions({ orderId, captured, joined, statuses = [], refunds = [] }: OrderTally, findings: Findings): void {
  statuses.forEach(({ sequence }, index) => {
    if (sequence === index + 1) return;
    const isRepeated = statuses.slice(0, index).some((earlier) => earlier.sequence === sequence);
    findings.add(5, `order ${orderId} has the sequence ${sequence} ${isRepeated ? 'more than once' : `where ${index + 1} should be`}: ${listed(statuses)}`);
  });
  refunds.forEach(({ refundId, paymentId }, index) => {
    if (refunds.findIndex((earlier) => earlier.refundId === refundId) < index) findings.add(5, `refund id ${refundId} appears more than once`);
    else if (refundId !== refundIdOf(orderId, paymentId)) findings.add(5, `refund id ${refundId} is not ${refundIdOf(orderId, paymentId)}: the same refund could be asked for under two ids`);
  });
  for (const [paymentId, count] of joined ?? []) {
    const events = captured?.get(paymentId)?.eventIds.length ?? 0;
    if (count > events) findings.add(5, `order-payments tells ${times(count)} of payment ${paymentId} of order ${orderId}, which has ${events} events`);
  }
}

function isTerminal(status: OrderStatus): boolean {
  return (TERMINAL_STATUSES as readonly OrderStatus[]).includes(status);
}

function listed(statuses: readonly StatusSeen[]): string {
  return statuses.map(({ status, sequence }) => `${status} (${sequence})`).join(', ');
}

function times(n: number): string {
  return n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`;
}
