// StreamsBuilder: where a topology begins. `build` freezes it.

import { GraphBuilder, type Consumed } from './graph-builder.ts';
import { KStream } from './stream.ts';
import type { KTable } from './table.ts';
import { tableOf, type TableOptions } from './table-of-records.ts';
import type { Topology } from './topology.ts';

/** @example
 * const builder = new StreamsBuilder();
 * builder.stream('lines', { key: Serdes.string(), value: Serdes.string() }).filter((line) => line !== null).to('out', { … });
 * const topology = builder.build();
 */
export class StreamsBuilder {
  readonly #graph = new GraphBuilder();

  /** Reads a topic, or several, as a stream. Keys and values are null where the record's are. */
  stream<K, V>(topic: string | readonly string[], consumed: Consumed<K, V>): KStream<K | null, V | null> {
    return KStream.source<K, V>(this.#graph, typeof topic === 'string' ? [topic] : topic, consumed);
  }

  /** Reads a topic as a table: each record replaces the row of its key, a null value removes it. Records without a key are dropped. */
  table<K, V>(topic: string, options: Consumed<K, V> & TableOptions<K, V>): KTable<K, V> {
    const source = this.#graph.source([topic], options);
    return tableOf<K, V>({ graph: this.#graph, node: [source], sources: new Set([source]) }, options as never);
  }

  /** @throws {TopologyError} that lists every problem at once. */
  build(): Topology {
    return this.#graph.build();
  }
}
