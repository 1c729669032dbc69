// KGroupedStream: records brought together by key, waiting to be aggregated into a table.

import type { Serde, SerdeFor } from '../../record/serde.ts';
import { longSerde } from '../../serdes/long.ts';
import { CogroupedKStream } from './cogrouped.ts';
import { storeSpec, type MaterializedRows } from './materialized.ts';
import { streamAggregate, type AggregateStep } from '../operators/stream-aggregate.ts';
import type { KStream } from './stream.ts';
import { KTable } from './table.ts';
import { StoredTable } from '../table-origin.ts';
import { SessionWindowedKStream, TimeWindowedKStream } from './windowed-stream.ts';
import type { AnyWindows, SessionWindows, SlidingWindows, TimeWindows } from '../windows.ts';

/** An aggregate of a group of records: its store, what it starts from, and what a record does to it. */
export interface AggregateOptions<K, V, A> extends MaterializedRows {
  /** What a key starts from. */
  readonly initial: () => A;
  /** Returns a new value rather than change what it is given. null removes the row; the next record of the key starts from `initial` again. */
  readonly add: (value: NonNullable<V>, aggregate: A, key: K) => A | null;
  readonly value: SerdeFor<NonNullable<A>>;
}

/**
 * Records by key, waiting to be counted, reduced or aggregated, with `windowedBy` for each window apart.
 * @example orders.groupBy((order) => order.customer, { name: 'by-customer', key: Serdes.string(), value: orderSerde }).count({ name: 'orders-per-customer' })
 */
export class KGroupedStream<out K, out V> {
  readonly #stream: KStream<K, V>;
  readonly #key: Serde<K>;
  readonly #value: Serde<NonNullable<V>>;

  /** @internal */
  constructor(stream: KStream<K, V>, key: Serde<K>, value: Serde<NonNullable<V>>) {
    this.#stream = stream;
    this.#key = key;
    this.#value = value;
  }

  /** @internal */
  get parts(): { stream: KStream<K, V>; key: Serde<K>; value: Serde<NonNullable<V>> } {
    return { stream: this.#stream, key: this.#key, value: this.#value };
  }

  /** How many records of each key; null keys and null values do not count. */
  count(materialized: MaterializedRows): KTable<K, number> {
    return this.#aggregate(materialized, longSerde(), (_key, _value, count = 0) => count + 1);
  }

  /** Each key's values combined two by two: the first one as it is, each later one with what there is. null removes the row. */
  reduce(reducer: (current: NonNullable<V>, next: NonNullable<V>, key: K) => V | null, materialized: MaterializedRows): KTable<K, NonNullable<V>> {
    return this.#aggregate(materialized, this.#value, (key, value, current) => (current === undefined ? value : (reducer(current, value, key) ?? null)));
  }

  /** One value per key, built up record by record. Its timestamp is the highest of the records in it. */
  aggregate<A>(options: AggregateOptions<K, V, A>): KTable<K, NonNullable<A>> {
    const { initial, add } = options;
    return this.#aggregate<NonNullable<A>>(options, options.value, (key, value, aggregate) => add(value, aggregate ?? initial(), key) ?? null);
  }

  /** Each key's records cut into windows. Sliding windows hold no records without a value. */
  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SlidingWindows): TimeWindowedKStream<K, NonNullable<V>>;
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>;
  windowedBy(windows: AnyWindows): TimeWindowedKStream<K, any> | SessionWindowedKStream<K, V> {
    return windows.kind === 'session' ? new SessionWindowedKStream(this, windows) : new TimeWindowedKStream(this, windows);
  }

  /**
   * To be aggregated together with other groups, each by a function of its own, into one table. Records without a value reach that function in tumbling and
   * hopping windows and in sessions; elsewhere they are dropped.
   */
  cogroup<A>(add: (value: V, aggregate: A, key: K) => A | null): CogroupedKStream<K, A> {
    return CogroupedKStream.of(this, add);
  }

  #aggregate<A>(materialized: MaterializedRows, value: Serde<A>, step: AggregateStep<K, NonNullable<V>, A>): KTable<K, A> {
    const spec = storeSpec<any, any>({ ...materialized, key: this.#key, value });
    const { graph, parents, sources } = this.#stream.parts;
    const node = graph.processor(materialized.name, parents, streamAggregate(spec, step), [spec]);
    return new KTable({ graph, node, sources, origin: new StoredTable<K, A>(spec, true) });
  }
}
