// The audit as a fold over records: the topics may be fed in any order and in any pieces, each partition in its own order. Memory: one small tally per order.

import type { OrderPaid, OrderPlaced, OrderStatus, OrderStatusChanged, PaymentReceived, RefundRequested } from '../domain.ts';
import type { Stock } from '../inventory/index.ts';
import { type DeadLetter, DeadLetterTally } from './dead-letter-tally.ts';
import { faultOfOrder, faultOfPayment } from './judge.ts';
import { type Observed, placeOf } from './observed.ts';
import { checkOrder, type OrderTally, settlementsOf, terminalOf } from './order-tally.ts';
import { type AuditReport, Findings, type InvariantNumber, isSettled, type Pending, type AuditCounts } from './report.ts';
import { checkStock } from './stock-check.ts';

export interface AuditFoldOptions {
  /** Positions in `orders` and `payments`, by `<topic>-<partition>`, from which on orders, payments and dead letters are counted. Default: from the start. */
  readonly countFrom?: ReadonlyMap<string, number>;
}

export class AuditFold {
  readonly #countFrom: ReadonlyMap<string, number>;
  readonly #tallies = new Map<string, OrderTally>();
  readonly #deadLetters = new DeadLetterTally();
  /** Order ids of invalid orders: they count as orders too. */
  readonly #invalidOrderIds = new Set<string>();
  readonly #always: { n: InvariantNumber; what: string }[] = [];
  #duplicates = 0;
  #deadLetterCount = 0;

  constructor(options: AuditFoldOptions = {}) {
    this.#countFrom = options.countFrom ?? new Map();
  }

  order(record: Observed<OrderPlaced>): void {
    const { content } = record;
    const fault = faultOfOrder(content);
    const isCounted = this.#isCounted(record.source);
    if (fault !== undefined || !content.isReadable || content.value === null) {
      const orderId = content.isReadable ? (content.value?.orderId ?? content.key) : null;
      if (isCounted && orderId !== null) this.#invalidOrderIds.add(orderId);
      return this.#deadLetters.invalid(record, fault ?? 'no value');
    }
    const { eventId, orderId, lines, totalCents, currency } = content.value;
    const tally = this.#tally(orderId);
    if (tally.placed === undefined) {
      tally.placed = { eventId, lines, totalCents, currency, isCounted };
    } else if (tally.placed.eventId === eventId) {
      if (isCounted) this.#duplicates++;
    } else {
      const isRepeated = tally.conflicts?.includes(eventId) === true;
      (tally.conflicts ??= []).push(eventId);
      this.#deadLetters.invalid(record, `order ${orderId} was placed already, as event ${tally.placed.eventId}`, isRepeated);
    }
  }

  payment(record: Observed<PaymentReceived>): void {
    const { content } = record;
    const fault = faultOfPayment(content);
    if (fault !== undefined || !content.isReadable || content.value === null) return this.#deadLetters.invalid(record, fault ?? 'no value');
    const { eventId, orderId, paymentId, amountCents, currency, status } = content.value;
    const tally = this.#tally(orderId);
    const isCounted = this.#isCounted(record.source);
    if (hasEvent(tally, eventId)) {
      if (isCounted) this.#duplicates++;
    } else if (status === 'FAILED') {
      (tally.failedEventIds ??= []).push(eventId);
    } else {
      const known = (tally.captured ??= new Map()).get(paymentId);
      if (known === undefined) tally.captured.set(paymentId, { amountCents, currency, eventIds: [eventId], isCounted });
      else known.eventIds.push(eventId);
    }
  }

  orderPaid(record: Observed<OrderPaid>): void {
    const value = this.#expectReadable(record, 5);
    if (value === undefined) return;
    const joined = (this.#tally(value.orderId).joined ??= new Map());
    joined.set(value.paymentId, (joined.get(value.paymentId) ?? 0) + 1);
  }

  status(record: Observed<OrderStatusChanged>): void {
    const value = this.#expectReadable(record, 1);
    if (value === undefined) return;
    const { status, sequence, paymentId } = value;
    (this.#tally(value.orderId).statuses ??= []).push({ status, sequence, paymentId });
  }

  refund(record: Observed<RefundRequested>): void {
    const value = this.#expectReadable(record, 3);
    if (value !== undefined) (this.#tally(value.orderId).refunds ??= []).push(value);
  }

  deadLetter(letter: DeadLetter): void {
    this.#deadLetters.letter(letter);
    if (letter.from === undefined || this.#isCountedPlace(letter.from)) this.#deadLetterCount++;
  }

  pending(): Pending {
    let ordersWithoutTerminal = 0;
    let paymentsUnsettled = 0;
    for (const tally of this.#tallies.values()) {
      if (tally.placed !== undefined && terminalOf(tally) === undefined) ordersWithoutTerminal++;
      for (const [paymentId] of tally.captured ?? []) {
        const { applied, refunded } = settlementsOf(tally, paymentId);
        if (applied + refunded === 0) paymentsUnsettled++;
      }
    }
    return { ordersWithoutTerminal, paymentsUnsettled, deadLettersMissing: this.#deadLetters.missing };
  }

  /** @param stock the inventory's answer; undefined when it gave none, which leaves invariant 4 unproved and so broken */
  report(stock: Readonly<Record<string, Stock>> | undefined): AuditReport {
    const findings = new Findings();
    const pending = this.pending();
    for (const { n, what } of this.#always) findings.add(n, what);
    for (const tally of this.#tallies.values()) checkOrder(tally, findings);
    if (stock === undefined) findings.add(4, 'the inventory was not asked, or gave no answer');
    else checkStock(stock, this.#tallies.values(), isSettled(pending), findings);
    this.#deadLetters.check(findings);
    return { ...this.counts(), invariants: findings.report(), pending };
  }

  counts(): AuditCounts {
    const statuses: Record<OrderStatus, number> = { RESERVED: 0, CONFIRMED: 0, TIMED_OUT: 0, REJECTED: 0, CANCELLED: 0 };
    const invalidOnly = new Set(this.#invalidOrderIds);
    let [validOrders, refunds, joined, capturedPayments, appliedPayments] = [0, 0, 0, 0, 0];
    for (const tally of this.#tallies.values()) {
      for (const refund of tally.refunds ?? []) if (tally.captured?.get(refund.paymentId)?.isCounted !== false) refunds++;
      for (const [paymentId, { isCounted }] of tally.captured ?? []) {
        if (!isCounted) continue;
        capturedPayments++;
        appliedPayments += settlementsOf(tally, paymentId).applied;
      }
      if (tally.placed?.isCounted !== true) continue;
      validOrders++;
      for (const times of tally.joined?.values() ?? []) joined += times;
      invalidOnly.delete(tally.orderId);
      const now = terminalOf(tally) ?? tally.statuses?.at(-1);
      if (now !== undefined) statuses[now.status]++;
    }
    const orders = validOrders + invalidOnly.size;
    return { orders, validOrders, statuses, refunds, deadLetters: this.#deadLetterCount, duplicatesSeen: this.#duplicates, joined, capturedPayments, appliedPayments };
  }

  #tally(orderId: string): OrderTally {
    let tally = this.#tallies.get(orderId);
    if (tally === undefined) {
      tally = { orderId };
      this.#tallies.set(orderId, tally);
    }
    return tally;
  }

  /** What the system itself writes must be readable and stand under its order's key. */
  #expectReadable<T extends { orderId: string }>({ content, source }: Observed<T>, n: InvariantNumber): T | undefined {
    if (!content.isReadable || content.value === null) {
      this.#always.push({ n, what: `${placeOf(source)} cannot be read: ${content.isReadable ? 'no value' : content.why}` });
      return undefined;
    }
    if (content.key !== content.value.orderId) this.#always.push({ n, what: `${placeOf(source)} is about order ${content.value.orderId}, but its key is ${content.key}` });
    return content.value;
  }

  #isCounted({ topic, partition, offset }: Observed<unknown>['source']): boolean {
    return offset >= (this.#countFrom.get(`${topic}-${partition}`) ?? 0);
  }

  #isCountedPlace(place: string): boolean {
    const at = place.lastIndexOf('@');
    return Number(place.slice(at + 1)) >= (this.#countFrom.get(place.slice(0, at)) ?? 0);
  }
}

function hasEvent({ failedEventIds, captured }: OrderTally, eventId: string): boolean {
  if (failedEventIds?.includes(eventId) === true) return true;
  for (const { eventIds } of captured?.values() ?? []) if (eventIds.includes(eventId)) return true;
  return false;
}
