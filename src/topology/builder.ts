// StreamsBuilder: where a topology begins. `build` freezes it.

import { GraphBuilder, type Consumed } from './graph-builder.ts';
import { KStream } from './stream.ts';
import type { Topology } from './topology.ts';

/** @example
 * const builder = new StreamsBuilder();
 * builder.stream('lines', { key: Serdes.string(), value: Serdes.string() }).filter((line) => line !== null).to('out', { … });
 * const topology = builder.build();
 */
export class StreamsBuilder {
  readonly #graph = new GraphBuilder();

  /** Reads a topic as a stream. Keys and values are null where the record's are. */
  stream<K, V>(topic: string, consumed: Consumed<K, V>): KStream<K | null, V | null> {
    return KStream.source<K, V>(this.#graph, topic, consumed);
  }

  /** @throws {TopologyError} that lists every problem at once. */
  build(): Topology {
    return this.#graph.build();
  }
}
