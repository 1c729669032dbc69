// What an audit has to say.

import type { OrderStatus } from '../domain.ts';

export type InvariantNumber = 1 | 2 | 3 | 4 | 5 | 6;

/** 1–5 are the system's promise; 6 is the same for what makes no sense. */
export const INVARIANTS: Readonly<Record<InvariantNumber, string>> = {
  1: 'every valid order gets exactly one terminal status, and it never changes',
  2: 'an order is confirmed only with stock reserved and exactly one captured payment of the right amount',
  3: 'every captured payment is applied to exactly one confirmed order, or refunded exactly once',
  4: 'stock sold + stock left = stock at the start',
  5: 'no event, sequence number or refund id appears twice to a read_committed consumer',
  6: 'every invalid record is among the dead letters exactly once, as it was, and nothing else is',
};

export interface InvariantReport {
  readonly n: InvariantNumber;
  readonly text: string;
  /** The first few cases. */
  readonly broken: readonly string[];
  readonly brokenCount: number;
}

/** What was seen, without a judgement. */
export interface AuditCounts {
  /** Order ids that somebody tried to place, validly or not; undecodable records are not among them. */
  readonly orders: number;
  readonly validOrders: number;
  /** Valid orders by the status they have now; those without any are in `pending`. */
  readonly statuses: Readonly<Record<OrderStatus, number>>;
  readonly refunds: number;
  readonly deadLetters: number;
  /** Valid events that had been seen before. */
  readonly duplicatesSeen: number;
  /** Distinct pairs of order and payment with a valid CAPTURED event. */
  readonly capturedPayments: number;
  readonly appliedPayments: number;
  /** Records the join put out for these orders. */
  readonly joined: number;
}

export interface AuditReport extends AuditCounts {
  /** They hold over everything in the topics; the counts above cover what `countFrom` says. */
  readonly invariants: readonly InvariantReport[];
  readonly pending: Pending;
}

/** What may still come. While anything is pending, the invariants that wait for it count as broken. */
export interface Pending {
  readonly ordersWithoutTerminal: number;
  readonly paymentsUnsettled: number;
  readonly deadLettersMissing: number;
}

export function isSettled({ ordersWithoutTerminal, paymentsUnsettled, deadLettersMissing }: Pending): boolean {
  return ordersWithoutTerminal === 0 && paymentsUnsettled === 0 && deadLettersMissing === 0;
}

export function brokenInvariants(report: AuditReport): readonly InvariantReport[] {
  return report.invariants.filter(({ brokenCount }) => brokenCount > 0);
}

const EXAMPLES_MAX = 10;

/** Collects findings, keeps only the first examples of each invariant. */
export class Findings {
  readonly #byInvariant = new Map<InvariantNumber, { examples: string[]; count: number }>();

  add(n: InvariantNumber, what: string): void {
    const found = this.#byInvariant.get(n) ?? { examples: [], count: 0 };
    this.#byInvariant.set(n, found);
    found.count++;
    if (found.examples.length < EXAMPLES_MAX) found.examples.push(what);
  }

  report(): InvariantReport[] {
    return ([1, 2, 3, 4, 5, 6] as const).map((n) => {
      const found = this.#byInvariant.get(n);
      return { n, text: INVARIANTS[n], broken: found?.examples ?? [], brokenCount: found?.count ?? 0 };
    });
  }
}
