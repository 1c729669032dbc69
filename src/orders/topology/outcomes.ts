// From what comes back of an order's saga to status and refund records.

import type { Command, EscalationOutcome, Json } from 'millrace';
import { refundId, type OrderCommand, type OrderOutcome, type OrderStatusChanged, type RefundRequested } from '../domain.ts';

type RejectionReason = Extract<EscalationOutcome<Json>, { origin: 'bridge' }>['reason'];

const WHY_CANCELLED: Record<RejectionReason, string> = {
  // Its workflow was ended from outside before it spoke.
  closed: 'the order was closed before it began',
  stale: 'the order could not be started in time',
  refused: 'the order could not be started',
};

const WHY_REFUNDED: Record<RejectionReason, string> = {
  closed: 'the order was already closed',
  stale: 'the order could not be told in time',
  refused: 'the order could not be told of it',
};

export function statusesOf(outcome: EscalationOutcome<Json>): OrderStatusChanged[] {
  if (outcome.origin === 'workflow') {
    const said = outcome.payload as unknown as OrderOutcome;
    return said.kind === 'status' ? [said.status] : [];
  }
  const told = toldOf(outcome.command);
  // A saga that never read its `place` says nothing of how the order ended (see order-saga.ts), so it is said here, whatever the reason. One that spoke
  // before did read it, and this is only a repeat: the first `place` precedes every `pay` in its lane, and is answered before any of them starts a workflow.
  if (told.kind !== 'place' || outcome.isHeardOf) return [];
  return [{ orderId: told.order.orderId, status: 'CANCELLED', reason: WHY_CANCELLED[outcome.reason], paymentId: null, sequence: 1, at: outcome.at }];
}

export function refundsOf(outcome: EscalationOutcome<Json>): RefundRequested[] {
  if (outcome.origin === 'workflow') {
    const said = outcome.payload as unknown as OrderOutcome;
    return said.kind === 'refund' ? [said.refund] : [];
  }
  const told = toldOf(outcome.command);
  if (told.kind !== 'pay') return [];
  const { orderId, paymentId, amountCents } = told.payment;
  return [{ refundId: refundId(orderId, paymentId), orderId, paymentId, reason: WHY_REFUNDED[outcome.reason], amountCents, at: outcome.at }];
}

function toldOf({ kind, payload }: Command): OrderCommand {
  return { kind, ...(payload as object) } as OrderCommand;
}
