// KGroupedStream: records brought together by key, waiting to be aggregated into a table.

import type { StreamRecord } from '../record/record.ts';
import type { Serde } from '../record/serde.ts';
import { longSerde } from '../serdes/long.ts';
import type { Processor } from './processor.ts';
import type { KStream } from './stream.ts';
import { Stores, type KeyValueStore } from './store-spec.ts';
import { KTable } from './table.ts';

/** The store behind a table, and so its changelog: `<applicationId>-<name>-changelog`. */
export interface Materialized {
  readonly name: string;
}

export class KGroupedStream<K, V> {
  readonly #stream: KStream<K, V>;
  readonly #key: Serde<K>;

  /** @internal */
  constructor(stream: KStream<K, V>, key: Serde<K>) {
    this.#stream = stream;
    this.#key = key;
  }

  /** How many records of each key; null values do not count. */
  count(materialized: Materialized): KTable<K, number> {
    return this.aggregate({ ...materialized, initial: () => 0, add: (_value, count) => count + 1, value: longSerde() });
  }

  /** One value per key, built up record by record. Its timestamp is the highest of the records in it. */
  aggregate<A>(options: Materialized & { initial: () => A; add: (value: NonNullable<V>, aggregate: A, key: K) => A; value: Serde<NonNullable<A>> }): KTable<K, A> {
    const spec = Stores.keyValue<K, NonNullable<A>>({ name: options.name, key: this.#key, value: options.value });
    const supplier = (): Processor<K, V, K, A> => {
      let store: KeyValueStore<K, NonNullable<A>>;
      let forward: (record: StreamRecord<K, A>) => void;
      let countDropped: () => void;
      return {
        init(context) {
          store = context.store(spec);
          forward = (record) => context.forward(record);
          countDropped = () => context.count('dropped');
        },
        process(record) {
          const { key, value } = record;
          if (key === null || key === undefined || value === null || value === undefined) {
            countDropped();
            return;
          }
          const before = store.entry(key);
          const aggregate = options.add(value, before === undefined ? options.initial() : before.value, key);
          const timestamp = before === undefined ? record.timestamp : Math.max(before.timestamp, record.timestamp);
          if (aggregate === null || aggregate === undefined) store.delete(key);
          else store.put(key, aggregate, timestamp);
          forward({ ...record, value: aggregate, timestamp });
        },
      };
    };
    const { graph, parents } = this.#stream.parts;
    return new KTable(this.#stream.derived<K, A>(graph.processor(options.name, parents, supplier, [spec]), false));
  }
}
