// Aggregating a stream by key, without windows: one row per key, built up record by record; its timestamp is the highest of the records in it.

import type { StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import { rowsOf, type Rows } from '../rows.ts';
import type { Change, TableStoreSpec } from '../table-origin.ts';

/** `aggregate` undefined: the key has none yet. Returns null to remove it. */
export type AggregateStep<K, V, A> = (key: K, value: V, aggregate: A | undefined) => A | null;

export function streamAggregate<K, V, A>(spec: TableStoreSpec<K, A>, step: AggregateStep<K, V, A>): () => Processor<K | null, V | null, K, Change<A>> {
  return () => new StreamAggregate(spec, step);
}

class StreamAggregate<K, V, A> implements Processor<K | null, V | null, K, Change<A>> {
  readonly #spec: TableStoreSpec<K, A>;
  readonly #step: AggregateStep<K, V, A>;
  #rows!: Rows<K, A>;
  #context!: ProcessorContext<K, Change<A>>;

  constructor(spec: TableStoreSpec<K, A>, step: AggregateStep<K, V, A>) {
    this.#spec = spec;
    this.#step = step;
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#rows = rowsOf(this.#spec, context);
    this.#context = context;
  }

  process({ key, value, timestamp: recordTime, headers }: StreamRecord<K | null, V | null>): void {
    if (key === null || key === undefined || value === null || value === undefined) return this.#context.count('dropped');
    const before = this.#rows.get(key);
    const newValue = this.#step(key, value, before?.value) ?? null;
    const timestamp = before === undefined ? recordTime : Math.max(before.timestamp, recordTime);
    const put = this.#rows.put(key, newValue, timestamp);
    if (put === 'dropped') return this.#context.count('dropped');
    // The first result replaces nothing: null, where Kafka Streams tells its initial value, which a group below would then subtract.
    this.#context.forward({ key, value: { newValue, oldValue: before?.value ?? null, isLatest: put === 'latest' }, timestamp, headers });
  }
}
