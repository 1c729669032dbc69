// A table made of records: those of a topic, or of a stream.

import type { GraphBuilder } from '../graph/graph-builder.ts';
import { storeSpec, type MaterializedAs } from './materialized.ts';
import { tableSource } from '../operators/table-source.ts';
import { KTable } from './table.ts';
import { StoredTable } from '../table-origin.ts';

/**
 * `name` names the store. As in Kafka Streams without `Materialized`, one is only kept when an operator below needs it (a join, a `groupBy`); with
 * `materialized: true`, or with `historyMs`, always.
 */
export interface TableOptions<K, V> extends MaterializedAs<K, V> {
  readonly materialized?: boolean;
}

export function tableOf<K, V>(at: { graph: GraphBuilder; node: readonly string[]; sources: ReadonlySet<string> }, options: TableOptions<K, V>): KTable<K, V> {
  const { graph, sources } = at;
  const origin = new StoredTable<K, V>(storeSpec(options) as never, options.materialized === true || options.historyMs !== undefined);
  const node = graph.processor(options.name, at.node, tableSource(origin), origin.stores);
  return new KTable({ graph, node, sources, origin });
}
