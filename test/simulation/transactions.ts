// What the cluster has committed, transaction by transaction, and what the journal says of each.

import { partitionName, type CommittedOffset, type RawRecord, type TopicPartition } from 'millrace';
import type { InMemoryCluster } from 'millrace/testing';
import { JOURNAL, readStep, type Step } from './journal.ts';

type Slot = ReturnType<InMemoryCluster['log']>['slots'][number];

/** Everything one transaction did. */
export interface Committed {
  /** In the order in which the tasks' parts were written. */
  readonly steps: ReadonlyMap<string, readonly Step[]>;
  /** By `partitionName`. */
  readonly records: ReadonlyMap<string, readonly RawRecord[]>;
  readonly offsets: ReadonlyMap<string, CommittedOffset>;
}

export class CommittedLog {
  readonly #cluster: InMemoryCluster;
  /** Records that a compaction has removed: the log forgets them, the account does not. */
  readonly #compacted = new Map<string, RawRecord>();

  constructor(cluster: InMemoryCluster) {
    this.#cluster = cluster;
  }

  /** Of each changelog key only the last committed record is kept, as the log cleaner would leave it. */
  compact(): void {
    for (const [topic, logs] of this.#cluster.topics) {
      if (!topic.endsWith('-changelog')) continue;
      for (const [partition, log] of logs.entries()) {
        const last = new Map<string, number>();
        const clean = log.slots.slice(0, log.lastStableOffset).filter(isCommitted);
        for (const { record, offset } of clean) last.set(record!.key!.toString('latin1'), offset);
        for (const slot of clean) {
          if (last.get(slot.record!.key!.toString('latin1')) === slot.offset) continue;
          this.#compacted.set(`${partitionName({ topic, partition })}@${slot.offset}`, slot.record!);
          log.slots[slot.offset] = { ...slot, record: undefined };
        }
      }
    }
  }

  /** Committed records as a consumer finds them, from an offset on and before another. */
  read(tp: TopicPartition, { from = 0, to = Number.POSITIVE_INFINITY } = {}): RawRecord[] {
    const log = this.#cluster.log(tp);
    return log.slots.slice(from, Math.min(to, log.lastStableOffset)).flatMap((slot) => (isCommitted(slot) ? slot.record! : []));
  }

  recordAt(place: TopicPartition & { readonly offset: number }): RawRecord {
    return this.#cluster.log(place).slots[place.offset]!.record!;
  }

  /** In the order in which the tasks committed. `taskOf`: whose input a partition is. */
  transactions(group: string, taskOf: (input: TopicPartition) => string): Committed[] {
    const found = new Map<NonNullable<Slot['transaction']>, { steps: Map<string, Step[]>; records: Map<string, RawRecord[]>; offsets: ReadonlyMap<string, CommittedOffset> }>();
    const of = (transaction: NonNullable<Slot['transaction']>) => {
      const known = found.get(transaction) ?? { steps: new Map(), records: new Map(), offsets: transaction.offsets.get(this.#cluster.group(group)) ?? new Map() };
      found.set(transaction, known);
      return known;
    };
    const topics = [...this.#cluster.topics].sort(([a], [b]) => Number(b === JOURNAL) - Number(a === JOURNAL));
    for (const [topic, logs] of topics) {
      for (const [partition, log] of logs.entries()) {
        const tp = { topic, partition };
        for (const slot of log.slots) {
          const record = slot.record ?? this.#compacted.get(`${partitionName(tp)}@${slot.offset}`);
          if (record === undefined || slot.transaction?.state !== 'committed') continue;
          const { records, steps } = of(slot.transaction);
          const own = records.get(partitionName(tp)) ?? [];
          own.push(record);
          records.set(partitionName(tp), own);
          if (topic === JOURNAL) addStep(steps, record, taskOf);
        }
      }
    }
    return [...found.values()];
  }
}

function isCommitted({ record, transaction }: Slot): boolean {
  return record !== undefined && transaction?.state !== 'aborted';
}

function addStep(steps: Map<string, Step[]>, raw: RawRecord, taskOf: (input: TopicPartition) => string): void {
  const { step, task = taskOf(step.record!) } = readStep(raw);
  steps.set(task, [...(steps.get(task) ?? []), step]);
}
