// The Processor API: the one way in which anything happens inside a topology; every DSL operator is written against it.

import type { RecordSource, StreamRecord } from '../record/record.ts';
import type { AnyStoreSpec, StoreOf } from './store-spec.ts';
import type { TableReader } from './table-origin.ts';

/** Which clock a schedule counts on: `stream-time` moves with records, `wall-clock` always. */
export type PunctuationType = 'stream-time' | 'wall-clock';

/** When to call back. */
export interface ScheduleOptions {
  /** ms of the chosen clock, at least 1. */
  readonly intervalMs: number;
  readonly type: PunctuationType;
  /**
   * Due times are this + n × interval: epoch ms of the chosen clock, at least 0. By default stream time counts from 0, and the wall clock from the moment of
   * scheduling. Of due times that lie in the past nothing is made up for.
   */
  readonly startAtMs?: number;
}

/**
 * `nowMs`: stream time or wall-clock time at the call, by the schedule's type; not the due time. However many due times have passed, it is called once.
 * Stream-time punctuators run after the record that moved time has been processed. What a punctuator forwards belongs to no record: give it a timestamp, and no headers.
 */
export type Punctuator = (nowMs: number) => void;

/** What has been scheduled. */
export interface Schedule {
  /** No call comes after this; a punctuator may cancel its own schedule, or that of another which is due at the same time. */
  cancel(): void;
}

/** A table whose rows a processor may read: a KTable that it lists under `tables`, or a global table, which needs no listing. */
export interface ReadableTable<K, V> {
  /** @internal */
  readerIn(context: ProcessorContext<any, any>): TableReader<K, V>;
}

/** One subtopology for one partition number, both from 0. */
export interface TaskId {
  readonly subtopology: number;
  readonly partition: number;
}

/** What a processor can do and know, inside its task. Given to `init`; only for use from `init`, `process` and punctuators. */
export interface ProcessorContext<K, V> {
  readonly applicationId: string;
  readonly taskId: TaskId;
  /** Sends a record to all children, depth first, before it returns. What was forwarded must not be changed any more. */
  forward(record: StreamRecord<K, V>): void;
  /** Sends a record to one child only, by the name of its node. @throws {RangeError} when there is none of that name. */
  forwardTo(child: string, record: StreamRecord<K, V>): void;
  /** A store that is listed where the processor is added. */
  store<S extends AnyStoreSpec>(spec: S): StoreOf<S>;
  /** The rows of a table, to be read only. */
  table<KT, VT>(table: ReadableTable<KT, VT>): TableReader<KT, VT>;
  /** Highest record timestamp this task has seen, the record in hand included; −1 before the first. */
  streamTime(): number;
  wallClockTime(): number;
  /** Where the record being processed was read; undefined inside a punctuator. */
  source(): RecordSource | undefined;
  /**
   * Calls back again and again, as long as the task runs: schedule in `init`, which runs again after each restart.
   * @throws {RangeError} for an interval or a start that is no time.
   */
  schedule(options: ScheduleOptions, punctuator: Punctuator): Schedule;
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
