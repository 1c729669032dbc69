// The Processor API: the one way in which anything happens inside a topology; every DSL operator is written against it.

import type { RecordSource, StreamRecord } from '../record/record.ts';
import type { AnyStoreSpec, StoreOf } from './store-spec.ts';

export type PunctuationType = 'stream-time' | 'wall-clock';

export interface ScheduleOptions {
  /** ms of the chosen clock, at least 1. Stream time: due times are multiples of it from 0. Wall clock: start of the task + n × interval. */
  readonly intervalMs: number;
  readonly type: PunctuationType;
}

/** `nowMs`: stream time or wall-clock time, by the schedule's type. */
export type Punctuator = (nowMs: number) => void;

export interface TaskId {
  readonly subtopology: number;
  readonly partition: number;
}

export interface ProcessorContext<K, V> {
  readonly applicationId: string;
  readonly taskId: TaskId;
  /** Sends a record to all children, depth first, before it returns. */
  forward(record: StreamRecord<K, V>): void;
  store<S extends AnyStoreSpec>(spec: S): StoreOf<S>;
  /** Highest record timestamp this task has seen, −1 before the first. */
  streamTime(): number;
  wallClockTime(): number;
  /** Where the record being processed was read; undefined inside a punctuator. */
  source(): RecordSource | undefined;
  schedule(options: ScheduleOptions, punctuator: Punctuator): void;
  /** The setting: how often, ms of wall-clock time, results that wait for a window to close are looked for; 0: whenever stream time moves. */
  readonly emitIntervalMs: number;
  /** Adds to a counter of this node, shown in metrics: `duplicates`, `late`. */
  count(counter: string, by?: number): void;
}

/** Processing is synchronous; what waits is escalated. A throw undoes everything the record did and hands it to the error policy. */
export interface Processor<KIn, VIn, KOut, VOut> {
  init?(context: ProcessorContext<KOut, VOut>): void;
  process(record: StreamRecord<KIn, VIn>): void;
  close?(): void;
}

/** A new processor for each task: processors hold no state of their own that must survive. */
export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>;

/** `0_3`: the form Kafka Streams prints. */
export function taskName(id: TaskId): string {
  return `${id.subtopology}_${id.partition}`;
}
