// The life of one order, as explicit states: what is reserved, what is paid, what is owed back. A plain class; the kit around it does what it says.
//
// Every payment that is taken in ends in exactly one place: `accepted` (and then in CONFIRMED), or `refunds`. The status and the refunds that follow
// from it are published together, so no reader ever sees one without the other.
//
// Who says how an order ended: whoever took its `place` in. Read here, this saga does, once. Never read here, the topology does, when the bridge rejects
// the command; a saga that was started by a payment alone then gives the money back and publishes no status, or the order would end twice.

import type { MailboxCommand, Next, OutcomeDraft, Saga, StepResult } from 'millrace/workflow';
import type { OrderOutcome, OrderStatus, RefundRequested, TerminalStatus } from './domain.ts';
import { refundId } from './domain.ts';
import { parseOrderCommand, type PayCommand, type PlaceCommand } from './order-commands.ts';

export const DEFAULT_PAYMENT_TIMEOUT_MS = 2 * 60 * 60 * 1000;

/** Keeps one publication far below Temporal's payload limit, however many stray payments have piled up. */
const ANSWERS_PER_PUBLICATION = 200;

type Placed = PlaceCommand['order'];
type Payment = PayCommand['payment'];

interface Ending {
  readonly status: TerminalStatus;
  readonly reason: string | null;
  readonly paymentId: string | null;
}

/** Where the order stands. What is valid only in one state is in that state. */
export type Phase =
  /** A payment came first: the order itself is still on its way. */
  | { readonly at: 'awaiting-order'; readonly untilMs: number }
  /** Given up on the order: what is paid goes back, without a status. `ending` is told only if the order comes while that is going on. */
  | { readonly at: 'abandoned'; readonly ending: Ending }
  | { readonly at: 'reserving'; readonly untilMs: number }
  /** Stock is held; nobody has been told yet. */
  | { readonly at: 'reserved'; readonly untilMs: number }
  | { readonly at: 'awaiting-payment'; readonly untilMs: number }
  | { readonly at: 'confirming'; readonly payment: Payment }
  | { readonly at: 'compensating'; readonly ending: Ending }
  /** Decided; the terminal status is still to be published. */
  | { readonly at: 'ending'; readonly ending: Ending }
  | { readonly at: 'ended'; readonly ending: Ending };

export interface OrderState {
  v: 1;
  orderId: string;
  phase: Phase;
  order: Placed | null;
  /** Statuses published so far: the last `sequence` used. */
  sequence: number;
  /** Ids of all payments ever taken in: a repeated one is ignored, not refunded. */
  paymentIds: string[];
  /** Taken in before it could be judged. */
  heldPayments: Payment[];
  /** Owed back, not yet published. */
  refunds: RefundRequested[];
  /** Commands that made no sense, not yet answered. */
  rejections: { seq: number; commandKind: string; reason: string }[];
}

/** Migrates state written by older code: there is one version so far. */
export function migrateOrder(state: OrderState): OrderState {
  return state;
}

export class OrderSaga implements Saga<OrderState> {
  readonly state: OrderState;

  constructor(state: OrderState) {
    this.state = state;
  }

  static start(orderId: string): OrderSaga {
    return new OrderSaga({
      v: 1,
      orderId,
      phase: { at: 'awaiting-order', untilMs: 0 },
      order: null,
      sequence: 0,
      paymentIds: [],
      heldPayments: [],
      refunds: [],
      rejections: [],
    });
  }

  next(nowMs: number): Next {
    const { phase, orderId, order } = this.state;
    switch (phase.at) {
      case 'awaiting-order':
        return this.#publishAnswersOr(phase.untilMs === 0 ? { do: 'wait' } : { do: 'wait', until: phase.untilMs }, nowMs);
      case 'reserving':
        return {
          do: 'step',
          step: 'reserve',
          activity: 'reserveInventory',
          args: { orderId, lines: (order?.lines ?? []).map(({ sku, quantity }) => ({ sku, quantity })) },
          compensation: { activity: 'releaseInventory', args: { orderId } },
        };
      case 'reserved':
        return this.#publish({ status: 'RESERVED', reason: null, paymentId: null }, nowMs);
      case 'awaiting-payment':
        return this.#publishAnswersOr({ do: 'wait', until: phase.untilMs }, nowMs);
      case 'confirming':
        return { do: 'step', step: 'confirm', activity: 'confirmInventory', args: { orderId }, pivot: true };
      case 'compensating':
        return { do: 'compensate' };
      case 'ending':
        return this.#publish(phase.ending, nowMs);
      case 'abandoned':
      case 'ended':
        return this.#publishAnswersOr({ do: 'end' }, nowMs);
    }
  }

  receive(command: MailboxCommand, nowMs: number): void {
    const { phase } = this.state;
    if (phase.at === 'awaiting-order' && phase.untilMs === 0) this.state.phase = { at: 'awaiting-order', untilMs: nowMs + DEFAULT_PAYMENT_TIMEOUT_MS };
    const parsed = parseOrderCommand(command, this.state.orderId);
    if (parsed.kind === 'invalid') this.#reject(command, parsed.reason, nowMs);
    else if (parsed.kind === 'place') this.#place(parsed.order, nowMs);
    else this.#pay(parsed.payment, nowMs);
  }

  stepEnded(step: string, result: StepResult, nowMs: number): void {
    const { phase } = this.state;
    if (phase.at === 'reserving' && step === 'reserve') {
      this.state.phase = result.ok
        ? { at: 'reserved', untilMs: phase.untilMs }
        : // A refusal is compensated too: of two attempts, the one that timed out may yet arrive, and must find the order closed.
          { at: 'compensating', ending: { status: 'REJECTED', reason: result.message, paymentId: null } };
    } else if (phase.at === 'confirming' && step === 'confirm') {
      if (result.ok) {
        this.state.phase = { at: 'ending', ending: { status: 'CONFIRMED', reason: null, paymentId: phase.payment.paymentId } };
      } else {
        this.#refund(phase.payment, 'the order could not be confirmed', nowMs);
        this.state.phase = { at: 'compensating', ending: { status: 'CANCELLED', reason: `could not be confirmed: ${result.message}`, paymentId: null } };
      }
    }
    this.#judgePayments(nowMs);
  }

  published(nowMs: number): void {
    const { phase } = this.state;
    if (phase.at === 'reserved') {
      this.state.sequence++;
      this.state.phase = { at: 'awaiting-payment', untilMs: phase.untilMs };
    } else if (phase.at === 'ending') {
      this.state.sequence++;
      this.state.phase = { at: 'ended', ending: phase.ending };
    }
    this.state.refunds.splice(0, ANSWERS_PER_PUBLICATION);
    this.state.rejections.splice(0, ANSWERS_PER_PUBLICATION);
    this.#judgePayments(nowMs);
  }

  compensated(failures: readonly string[], _nowMs: number): void {
    const { phase } = this.state;
    if (phase.at !== 'compensating') return;
    const notes = failures.length === 0 ? [] : [`not undone: ${failures.join('; ')}`];
    const reason = [phase.ending.reason, ...notes].filter((part) => part !== null).join('; ');
    this.state.phase = { at: 'ending', ending: { ...phase.ending, reason: reason === '' ? null : reason } };
  }

  expired(nowMs: number): void {
    const { phase } = this.state;
    if (phase.at === 'awaiting-payment') this.#undo({ status: 'TIMED_OUT', reason: 'no payment in time', paymentId: null }, nowMs);
    // Only a joined pair becomes a payment command, and `place` goes before it in the same lane: the order was answered by the topology before this began.
    else if (phase.at === 'awaiting-order') this.#abandon({ status: 'CANCELLED', reason: 'the order did not arrive in time', paymentId: null }, nowMs);
  }

  cancelRequested(nowMs: number): void {
    const { phase } = this.state;
    const ending: Ending = { status: 'CANCELLED', reason: 'cancellation was requested', paymentId: null };
    switch (phase.at) {
      case 'confirming':
        this.#refund(phase.payment, 'the order was cancelled', nowMs);
        this.#undo(ending, nowMs);
        return;
      case 'awaiting-order':
        this.#abandon(ending, nowMs); // as when it expires: the topology has answered the order, or will
        return;
      case 'reserving':
      case 'reserved':
      case 'awaiting-payment':
        this.#undo(ending, nowMs);
        return;
      case 'abandoned':
      case 'compensating':
      case 'ending':
      case 'ended':
        return; // Already decided; a terminal status never changes.
    }
  }

  #place(order: Placed, nowMs: number): void {
    if (this.state.phase.at === 'abandoned') this.#undo(this.state.phase.ending, nowMs);
    if (this.state.phase.at !== 'awaiting-order') return; // Said twice, or already cancelled.
    this.state.order = order;
    this.state.phase = { at: 'reserving', untilMs: nowMs + order.paymentTimeoutMs };
  }

  #reject({ seq, kind }: MailboxCommand, reason: string, nowMs: number): void {
    this.state.rejections.push({ seq, commandKind: kind, reason });
    if (kind !== 'place') return;
    // Somebody placed an order, and it will not come any other way.
    const { phase } = this.state;
    if (phase.at === 'awaiting-order') this.#undo({ status: 'CANCELLED', reason: 'the order could not be read', paymentId: null }, nowMs);
    else if (phase.at === 'abandoned') this.#undo(phase.ending, nowMs);
  }

  #pay(payment: Payment, nowMs: number): void {
    if (this.state.paymentIds.includes(payment.paymentId)) return;
    this.state.paymentIds.push(payment.paymentId);
    this.state.heldPayments.push(payment);
    this.#judgePayments(nowMs);
  }

  #undo(ending: Ending, nowMs: number): void {
    this.state.phase = { at: 'compensating', ending };
    this.#judgePayments(nowMs);
  }

  #abandon(ending: Ending, nowMs: number): void {
    this.state.phase = { at: 'abandoned', ending };
    this.#judgePayments(nowMs);
  }

  /** Decides on the payments held, as far as the phase allows: the first that fits is accepted, whatever does not is owed back. */
  #judgePayments(nowMs: number): void {
    for (;;) {
      const { phase, order, heldPayments } = this.state;
      if (phase.at === 'awaiting-order' || phase.at === 'reserving' || phase.at === 'reserved') return;
      const payment = heldPayments.shift();
      if (payment === undefined) return;
      if (phase.at === 'awaiting-payment') {
        const objection = order === null ? 'the order is unknown' : objectionTo(payment, order);
        if (objection === undefined) this.state.phase = { at: 'confirming', payment };
        else this.#refund(payment, objection, nowMs);
      } else {
        this.#refund(payment, phase.at === 'confirming' ? SURPLUS : WHY_REFUNDED[phase.ending.status], nowMs);
      }
    }
  }

  #refund({ paymentId, amountCents }: Payment, reason: string, nowMs: number): void {
    const { orderId } = this.state;
    this.state.refunds.push({ refundId: refundId(orderId, paymentId), orderId, paymentId, reason, amountCents, at: nowMs });
  }

  #publish(change: { status: OrderStatus; reason: string | null; paymentId: string | null }, nowMs: number): Next {
    const { orderId, sequence } = this.state;
    const status = { orderId, ...change, sequence: sequence + 1, at: nowMs };
    return { do: 'publish', outcomes: [draft({ kind: 'status', status }), ...this.#answers(nowMs)] };
  }

  /** Refunds and rejections that belong to no status change go out by themselves, before anything else happens. */
  #publishAnswersOr(otherwise: Next, nowMs: number): Next {
    const outcomes = this.#answers(nowMs);
    return outcomes.length === 0 ? otherwise : { do: 'publish', outcomes };
  }

  #answers(nowMs: number): OutcomeDraft[] {
    const { orderId, refunds, rejections } = this.state;
    return [
      ...refunds.slice(0, ANSWERS_PER_PUBLICATION).map((refund) => draft({ kind: 'refund', refund })),
      ...rejections
        .slice(0, ANSWERS_PER_PUBLICATION)
        .map((rejection) => draft({ kind: 'command-rejected', rejection: { orderId, ...rejection, at: nowMs } })),
    ];
  }
}

const SURPLUS = 'the order is paid already';

const WHY_REFUNDED: Record<TerminalStatus, string> = {
  CONFIRMED: SURPLUS,
  TIMED_OUT: 'the payment came after the order had timed out',
  REJECTED: 'the order was rejected',
  CANCELLED: 'the order was cancelled',
};

function objectionTo(payment: Payment, order: Placed): string | undefined {
  if (payment.orderId !== order.orderId) return `the payment names order ${payment.orderId}`;
  if (payment.currency !== order.currency) return `paid in ${payment.currency}, ordered in ${order.currency}`;
  if (payment.amountCents !== order.totalCents) return `paid ${payment.amountCents} cents of ${order.totalCents}`;
  return undefined;
}

function draft(outcome: OrderOutcome): OutcomeDraft {
  return { kind: outcome.kind, payload: outcome as unknown as OutcomeDraft['payload'] };
}
