// Where operators put their nodes. Streams and tables are only handles on what is in here.

import type { Serde } from '../record/serde.ts';
import type { TimestampExtractor, TopicRef, TopologyNode } from './node.ts';
import type { ProcessorSupplier } from './processor.ts';
import type { AnyStoreSpec } from './store-spec.ts';
import { Topology } from './topology.ts';

/** How a topic is read. */
export interface Consumed<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Event time of each record; by default the timestamp it carries. */
  readonly timestamp?: TimestampExtractor<K | null, V | null>;
}

/** What operators write into. Not exported from the package. */
export class GraphBuilder {
  readonly #nodes: TopologyNode[] = [];
  readonly #copartitioned: (readonly string[])[] = [];
  #counter = 0;

  /** Kafka Streams' form: `KSTREAM-FILTER-0000000003`. For nodes that own neither state nor topic: these names may move. */
  autoName(operator: string): string {
    return `KSTREAM-${operator}-${String(this.#counter++).padStart(10, '0')}`;
  }

  source(topic: TopicRef, consumed: Consumed<any, any>, name = this.autoName('SOURCE')): string {
    this.#add({ kind: 'source', name, topic, key: consumed.key, value: consumed.value, timestamp: consumed.timestamp });
    return name;
  }

  processor(name: string, parents: readonly string[], supplier: ProcessorSupplier<any, any, any, any>, stores: readonly AnyStoreSpec[] = []): string {
    this.#add({ kind: 'processor', name, parents: Object.freeze([...parents]), stores: Object.freeze([...stores]), supplier });
    return name;
  }

  sink(topic: TopicRef, parents: readonly string[], produced: { key: Serde<any>; value: Serde<any> }, name = this.autoName('SINK')): string {
    this.#add({ kind: 'sink', name, parents: Object.freeze([...parents]), topic, key: produced.key, value: produced.value });
    return name;
  }

  copartition(sources: Iterable<string>): void {
    this.#copartitioned.push(Object.freeze([...sources]));
  }

  build(): Topology {
    return new Topology(this.#nodes, this.#copartitioned);
  }

  #add(node: TopologyNode): void {
    this.#nodes.push(Object.freeze(node));
  }
}
