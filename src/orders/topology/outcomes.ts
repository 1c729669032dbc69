// From what comes back of an order's saga to status and refund records.

import type { Command, EscalationOutcome, Json } from 'millrace';
import { refundId, type OrderCommand, type OrderOutcome, type OrderStatusChanged, type RefundRequested } from '../domain.ts';

export function statusesOf(outcome: EscalationOutcome<Json>): OrderStatusChanged[] {
  if (outcome.origin === 'workflow') {
    const said = outcome.payload as unknown as OrderOutcome;
    return said.kind === 'status' ? [said.status] : [];
  }
  const told = toldOf(outcome.command);
  // A saga that never began ends here. One that spoke before has its own say, and a second `place` for it is only a repeat.
  if (told.kind !== 'place' || outcome.reason !== 'stale' || outcome.isHeardOf) return [];
  return [{ orderId: told.order.orderId, status: 'CANCELLED', reason: 'the order could not be started in time', paymentId: null, sequence: 1, at: outcome.at }];
}

export function refundsOf(outcome: EscalationOutcome<Json>): RefundRequested[] {
  if (outcome.origin === 'workflow') {
    const said = outcome.payload as unknown as OrderOutcome;
    return said.kind === 'refund' ? [said.refund] : [];
  }
  const told = toldOf(outcome.command);
  if (told.kind !== 'pay') return [];
  const { orderId, paymentId, amountCents } = told.payment;
  const reason = outcome.reason === 'closed' ? 'the order was already closed' : 'the order could not be told in time';
  return [{ refundId: refundId(orderId, paymentId), orderId, paymentId, reason, amountCents, at: outcome.at }];
}

function toldOf({ kind, payload }: Command): OrderCommand {
  return { kind, ...(payload as object) } as OrderCommand;
}
