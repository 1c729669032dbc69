// GlobalKTable: a topic that every instance holds whole, all partitions of it, so that any record can look up any row.

import type { Serde } from '../../record/serde.ts';
import type { GraphBuilder } from '../graph/graph-builder.ts';
import type { ProcessorContext, ReadableTable } from '../processor.ts';
import { Stores, type KeyValueStoreSpec } from '../store-spec.ts';
import { readerOf, type TableReader } from '../table-origin.ts';

/** How a global table is read and stored. */
export interface GlobalTableOptions<K, V> {
  /** Names the store. The topic itself is its changelog: it should be compacted, or keep its records for ever. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** A table that every instance holds whole: any record can look up any row. Made by `builder.globalTable(…)`. */
export class GlobalKTable<K, V> implements ReadableTable<K, V> {
  /** Every processor may read it with `context.store(…)`, without being connected; nobody may write it. */
  readonly store: KeyValueStoreSpec<K, V>;

  /** @internal */
  readonly graph: GraphBuilder;

  /** @internal */
  constructor(graph: GraphBuilder, store: KeyValueStoreSpec<K, V>) {
    this.graph = graph;
    this.store = store;
  }

  /** @internal */
  readerIn(context: ProcessorContext<any, any>): TableReader<K, V> {
    return readerOf(this.store, context);
  }
}

export function globalTable<K, V>(graph: GraphBuilder, topic: string, { name, key, value }: GlobalTableOptions<K, V>): GlobalKTable<K, V> {
  const store = Stores.keyValue({ name, key, value });
  graph.globalTable(topic, store);
  return new GlobalKTable(graph, store);
}
