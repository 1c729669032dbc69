// Drives an order saga the way the mailbox kit does, without Temporal: same order of delivery, step, publication; a real inventory (its rules) as the world.
// Does not model retries: a step here happens, is refused, or is interrupted with its effect in doubt.

import type { MailboxCommand, OutcomeDraft } from 'millrace/workflow';
import type { OrderOutcome } from '../../src/orders/domain.ts';
import { decide, type Operation, type Reservation, type Stock } from '../../src/orders/inventory/rules.ts';
import { migrateOrder, OrderSaga, type OrderState } from '../../src/orders/order-saga.ts';

/** What happens while the saga does one thing. A wait during which nothing arrives ends at its deadline. */
export interface Turn {
  readonly arrive?: readonly Omit<MailboxCommand, 'seq'>[];
  readonly cancel?: boolean;
  /** For a step: `lost` = carried out, then interrupted by a cancel request before the answer came. */
  readonly step?: 'happens' | 'refused' | 'interrupted' | 'lost';
  /** Continues as new first: the state goes through JSON. */
  readonly restart?: boolean;
}

export interface Drive {
  readonly publications: OrderOutcome[][];
  /** Ids of the payments that the saga had read when it published, per publication. */
  readonly known: string[][];
  readonly state: OrderState;
  readonly stock: Stock;
  readonly reservation: Reservation | undefined;
  readonly isEnded: boolean;
  /** The drive begins at 1,000. */
  readonly endedAtMs: number;
  readonly takenIn: MailboxCommand[];
}

export function drive(orderId: string, turns: readonly Turn[], initial = 10): Drive {
  let saga = OrderSaga.start(orderId);
  let nowMs = 1_000;
  let seq = 0;
  let inbox: MailboxCommand[] = [];
  let isCancelRequested = false;
  let isCancelDelivered = false;
  let undo: string[] = [];
  let stock = new Map<string, Stock>([['tea', { initial, available: initial, reserved: 0, sold: 0 }]]);
  let reservation: Reservation | undefined;
  const publications: OrderOutcome[][] = [];
  const takenIn: MailboxCommand[] = [];
  const known: string[][] = [];
  const left = [...turns];

  const act = (operation: Operation): ReturnType<typeof decide>['answer'] => {
    const decision = decide(operation, reservation, stock);
    reservation = decision.reservation ?? reservation;
    stock = new Map([...stock, ...(decision.stock ?? [])]);
    return decision.answer;
  };
  const arrive = (turn: Turn) => {
    for (const command of turn.arrive ?? []) inbox.push({ ...command, seq: ++seq });
    if (turn.cancel === true) isCancelRequested = true;
  };
  const deliver = () => {
    for (const command of inbox.splice(0)) {
      takenIn.push(command);
      saga.receive(command, nowMs);
    }
    if (isCancelRequested && !isCancelDelivered) {
      isCancelDelivered = true;
      saga.cancelRequested(nowMs);
    }
  };

  arrive(left.shift() ?? {});
  for (let i = 0; i < 500; i++) {
    deliver();
    const next = saga.next(nowMs);
    if (next.do === 'end') {
      return { publications, known, state: saga.state, stock: stock.get('tea')!, reservation, isEnded: true, endedAtMs: nowMs, takenIn };
    }
    const turn = left.shift() ?? {};
    nowMs += 10;
    if (turn.restart === true) saga = new OrderSaga(migrateOrder(JSON.parse(JSON.stringify(saga.state)) as OrderState));
    switch (next.do) {
      case 'publish':
        known.push([...saga.state.paymentIds]);
        publications.push(next.outcomes.map(({ payload }: OutcomeDraft) => JSON.parse(JSON.stringify(payload)) as OrderOutcome));
        arrive(turn);
        saga.published(nowMs);
        break;
      case 'compensate':
        arrive(turn);
        for (const activity of undo.reverse()) if (activity === 'releaseInventory') act({ kind: 'release', orderId });
        undo = [];
        saga.compensated([], nowMs);
        break;
      case 'step': {
        if (next.compensation !== undefined) undo.push(next.compensation.activity);
        arrive(turn);
        const operation = { kind: next.activity === 'reserveInventory' ? 'reserve' : 'confirm', ...next.args } as unknown as Operation;
        const canBeInterrupted = next.pivot !== true && !isCancelDelivered && isCancelRequested;
        if (canBeInterrupted && turn.step === 'interrupted') break;
        if (canBeInterrupted && turn.step === 'lost') {
          act(operation);
          break;
        }
        if (turn.step === 'refused') {
          saga.stepEnded(next.step, { ok: false, type: 'Inventory.OUT_OF_STOCK', message: 'not enough of tea' }, nowMs);
          break;
        }
        const answer = act(operation);
        if (answer.ok && next.pivot === true) undo = [];
        saga.stepEnded(next.step, answer.ok ? { ok: true, value: null } : { ok: false, type: answer.code, message: answer.message }, nowMs);
        break;
      }
      case 'wait':
        arrive(turn);
        if (inbox.length === 0 && !(isCancelRequested && !isCancelDelivered)) {
          if (next.until === undefined) {
            return { publications, known, state: saga.state, stock: stock.get('tea')!, reservation, isEnded: false, endedAtMs: nowMs, takenIn };
          }
          nowMs = Math.max(nowMs, next.until);
          saga.expired(nowMs);
        }
        break;
    }
  }
  throw new Error('The saga does not come to an end.');
}

export const TOTAL = 1_200;

export function place(orderId: string, over: Record<string, unknown> = {}): Omit<MailboxCommand, 'seq'> {
  const order = {
    orderId,
    customerId: 'c1',
    lines: [{ sku: 'tea', quantity: 3, unitPriceCents: 400 }],
    totalCents: TOTAL,
    currency: 'EUR',
    placedAt: 0,
    paymentTimeoutMs: 60_000,
    ...over,
  };
  return { kind: 'place', payload: { kind: 'place', order }, at: 0 };
}

export function pay(orderId: string, paymentId: string, over: Record<string, unknown> = {}): Omit<MailboxCommand, 'seq'> {
  const payment = { orderId, paymentId, amountCents: TOTAL, currency: 'EUR', paidAt: 0, ...over };
  return { kind: 'pay', payload: { kind: 'pay', payment }, at: 0 };
}

/** One line per publication: `RESERVED#1`, `CONFIRMED#2(p1) + refund p2`. */
export function told(publications: readonly (readonly OrderOutcome[])[]): string[] {
  return publications.map((publication) =>
    publication
      .map((outcome) => {
        if (outcome.kind === 'status') {
          const { status, sequence, paymentId } = outcome.status;
          return `${status}#${sequence}${paymentId === null ? '' : `(${paymentId})`}`;
        }
        if (outcome.kind === 'refund') return `refund ${outcome.refund.paymentId}`;
        return `rejected ${outcome.rejection.commandKind}`;
      })
      .join(' + '),
  );
}
