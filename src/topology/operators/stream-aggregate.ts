// Aggregating a stream by key, without windows: one row per key, built up record by record; its timestamp is the highest of the records in it.

import type { StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { KeyValueStore, KeyValueStoreSpec } from '../store-spec.ts';
import type { Change } from '../table-origin.ts';

/** `aggregate` undefined: the key has none yet. Returns null to remove it. */
export type AggregateStep<K, V, A> = (key: K, value: V, aggregate: A | undefined) => A | null;

export function streamAggregate<K, V, A>(spec: KeyValueStoreSpec<K, A>, step: AggregateStep<K, V, A>): () => Processor<K | null, V | null, K, Change<A>> {
  return () => new StreamAggregate(spec, step);
}

class StreamAggregate<K, V, A> implements Processor<K | null, V | null, K, Change<A>> {
  readonly #spec: KeyValueStoreSpec<K, A>;
  readonly #step: AggregateStep<K, V, A>;
  #store!: KeyValueStore<K, A>;
  #context!: ProcessorContext<K, Change<A>>;

  constructor(spec: KeyValueStoreSpec<K, A>, step: AggregateStep<K, V, A>) {
    this.#spec = spec;
    this.#step = step;
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#store = context.store(this.#spec);
    this.#context = context;
  }

  process({ key, value, timestamp: recordTime, headers }: StreamRecord<K | null, V | null>): void {
    if (key === null || key === undefined || value === null || value === undefined) return this.#context.count('dropped');
    const before = this.#store.entry(key);
    const newValue = this.#step(key, value, before?.value) ?? null;
    const timestamp = before === undefined ? recordTime : Math.max(before.timestamp, recordTime);
    if (newValue === null) this.#store.delete(key);
    else this.#store.put(key, newValue, timestamp);
    this.#context.forward({ key, value: { newValue, oldValue: before?.value ?? null, isLatest: true }, timestamp, headers });
  }
}
