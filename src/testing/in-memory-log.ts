// A partition in memory: slots of records and transaction markers, with the last stable offset that follows from them.

import type { CommittedOffset } from '../ports/broker.ts';
import type { RawRecord } from '../record/record.ts';
import type { InMemoryGroup } from './in-memory-group.ts';

/** One slot of a log: a record, or a marker that ended a transaction. */
export interface Slot {
  readonly offset: number;
  readonly record: RawRecord | undefined;
  readonly transaction: Transaction | undefined;
}

export interface Transaction {
  state: 'open' | 'committed' | 'aborted';
  readonly logs: Set<Log>;
  /** By group: what becomes its committed offsets if the transaction commits, by partition. */
  readonly offsets: Map<InMemoryGroup, Map<string, CommittedOffset>>;
}

export class Log {
  readonly slots: Slot[] = [];
  start = 0;
  #stable = 0;

  get end(): number {
    return this.slots.length;
  }

  get lastStableOffset(): number {
    // Never goes back, so it is looked for from where it was.
    while (this.#stable < this.end && this.slots[this.#stable]!.transaction?.state !== 'open') this.#stable++;
    return this.#stable;
  }

  append(record: Omit<RawRecord, 'offset'> | undefined, transaction: Transaction | undefined): void {
    const offset = this.slots.length;
    this.slots.push({ offset, record: record === undefined ? undefined : { ...record, offset }, transaction });
  }
}

export function newTransaction(): Transaction {
  return { state: 'open', logs: new Set(), offsets: new Map() };
}

/** Everything that belongs to it becomes visible or void in one instant, marked in every log it wrote to. */
export function endTransaction(transaction: Transaction, state: 'committed' | 'aborted'): void {
  transaction.state = state;
  for (const log of transaction.logs) log.append(undefined, transaction);
  if (state !== 'committed') return;
  for (const [group, offsets] of transaction.offsets) for (const [name, offset] of offsets) group.committed.set(name, offset);
}
