// StreamsBuilder: where a topology begins. `build` freezes it.

import { globalTable, type GlobalKTable, type GlobalTableOptions } from './global-table.ts';
import { GraphBuilder, type Consumed } from '../graph/graph-builder.ts';
import { KStream } from './stream.ts';
import type { KTable } from './table.ts';
import { tableOf, type TableOptions } from './table-of-records.ts';
import type { Topology } from '../graph/topology.ts';

/** @example
 * const builder = new StreamsBuilder();
 * builder.stream('lines', { key: Serdes.string(), value: Serdes.string() }).filter((line) => line !== null).to('out', { … });
 * const topology = builder.build();
 */
export class StreamsBuilder {
  readonly #graph = new GraphBuilder();

  /** Reads a topic, or several, as a stream. Keys and values are null where the record's are. Reading the same topics again in the same way gives the same stream. */
  stream<K, V>(topic: string | readonly string[], consumed: Consumed<K, V>): KStream<K | null, V | null> {
    return KStream.source<K, V>(this.#graph, typeof topic === 'string' ? [topic] : topic, consumed);
  }

  /** Reads a topic as a table: each record replaces the row of its key, a null value removes it. Records without a key are dropped. */
  table<K, V>(topic: string, options: Consumed<K, V> & TableOptions<K, V>): KTable<K, V> {
    const source = this.#graph.source([topic], options);
    return tableOf<K, V>({ graph: this.#graph, node: [source], sources: new Set([source]) }, options as never);
  }

  /**
   * Reads a topic as a table that every instance holds whole, so that any record can look up any row: for small tables that change seldom. It is read to its end
   * before the first record is processed, and followed from then on, by no rule of time: a record sees what its instance has read by then. Records without a key
   * are dropped. The topic can be read in no other way in the same topology.
   */
  globalTable<K, V>(topic: string, options: GlobalTableOptions<K, V>): GlobalKTable<K, V> {
    return globalTable(this.#graph, topic, options);
  }

  /** @throws {TopologyError} that lists every problem at once. */
  build(): Topology {
    return this.#graph.build();
  }
}
