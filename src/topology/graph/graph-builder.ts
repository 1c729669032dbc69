// Where operators put their nodes. Streams and tables are only handles on what is in here.

import type { Serde } from '../../record/serde.ts';
import type { SinkNode, TimestampExtractor, TopicChooser, TopicRef, TopologyNode } from './node.ts';
import type { ProcessorSupplier } from '../processor.ts';
import type { AnyStoreSpec, KeyValueStoreSpec } from '../store-spec.ts';
import { TopologyError } from '../errors.ts';
import { Topology } from './topology.ts';

/** How a topic is read. */
export interface Consumed<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Event time of each record; by default the timestamp it carries. */
  readonly timestamp?: TimestampExtractor<K | null, V | null>;
}

/** How a topic is written. */
export interface SinkOptions {
  readonly key: Serde<any>;
  readonly value: Serde<any>;
  readonly partition?: SinkNode['partition'];
}

/** Some stores are only known once everything below has been added: a table is stored if somebody reads it. */
type Stores = readonly AnyStoreSpec[] | (() => readonly AnyStoreSpec[]);

/** What operators write into. Not exported from the package. */
export class GraphBuilder {
  readonly #drafts: (() => TopologyNode)[] = [];
  readonly #copartitioned: (readonly string[])[] = [];
  /** By node, or by topic of the application's own: what takes its records. */
  readonly #below = new Map<string, string[]>();
  readonly #takesNullKeys = new Set<string>();
  readonly #streamSources: { readonly topics: string; readonly consumed: Consumed<any, any>; readonly name: string }[] = [];
  #counter = 0;

  /** Kafka Streams' form: `KSTREAM-FILTER-0000000003`. For nodes that own neither state nor topic: these names may move. */
  autoName(operator: string, side: 'KSTREAM' | 'KTABLE' = 'KSTREAM'): string {
    return `${side}-${operator}-${String(this.#counter++).padStart(10, '0')}`;
  }

  source(topics: readonly TopicRef[], consumed: Consumed<any, any>, name = this.autoName('SOURCE')): string {
    for (const topic of topics) if (typeof topic !== 'string') this.#link(inside(topic), name);
    return this.#add({ kind: 'source', name, topics: Object.freeze([...topics]), key: consumed.key, value: consumed.value, timestamp: consumed.timestamp });
  }

  /** For streams: the same topics, read twice in the same way, share one source, as in Kafka Streams. In two ways, `build` says so. */
  sharedSource(topics: readonly string[], consumed: Consumed<any, any>): string {
    const key = JSON.stringify([...topics].sort());
    const known = this.#streamSources.find((source) => source.topics === key && isSameWay(source.consumed, consumed));
    if (known !== undefined) return known.name;
    const name = this.source(topics, consumed);
    this.#streamSources.push({ topics: key, consumed, name });
    return name;
  }

  processor(name: string, parents: readonly string[], supplier: ProcessorSupplier<any, any, any, any>, stores: Stores = []): string {
    const own = Object.freeze([...parents]);
    for (const parent of own) this.#link(parent, name);
    this.#drafts.push(() => ({ kind: 'processor', name, parents: own, stores: Object.freeze([...new Set(typeof stores === 'function' ? stores() : stores)]), supplier }));
    return name;
  }

  sink(topic: TopicRef | TopicChooser, parents: readonly string[], produced: SinkOptions, name = this.autoName('SINK')): string {
    for (const parent of parents) this.#link(parent, name);
    if (typeof topic !== 'string' && 'suffix' in topic) this.#link(name, inside(topic));
    return this.#add({ kind: 'sink', name, parents: Object.freeze([...parents]), topic, key: produced.key, value: produced.value, partition: produced.partition });
  }

  globalTable(topic: string, store: KeyValueStoreSpec<any, any>, name?: string): string {
    const source = this.autoName('SOURCE');
    return this.#add({ kind: 'global-table', name: name ?? this.autoName('SOURCE', 'KTABLE'), source, topic, store });
  }

  /** A node that makes something of records without a key: they are to come through to it. */
  takeNullKeys(node: string): string {
    this.#takesNullKeys.add(node);
    return node;
  }

  /** Whether any node below does, however far. For when the graph is complete. */
  leadsToNullKeys(node: string): boolean {
    const seen = new Set<string>();
    const open = [node];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#takesNullKeys.has(at)) return true;
      if (seen.has(at)) continue;
      seen.add(at);
      open.push(...(this.#below.get(at) ?? []));
    }
    return false;
  }

  /** Whoever brings two handles together asks first. @throws {TopologyError} for one of another builder, whose nodes may be named like others in here. */
  meet(other: GraphBuilder): void {
    if (other === this) return;
    throw new TopologyError(['streams or tables of two builders are brought together, and each builder only knows its own nodes: begin all of them with one StreamsBuilder']);
  }

  copartition(sources: Iterable<string>): void {
    this.#copartitioned.push(Object.freeze([...sources]));
  }

  build(): Topology {
    return new Topology(this.#drafts.map((draft) => Object.freeze(draft())), this.#copartitioned);
  }

  #link(above: string, below: string): void {
    this.#below.set(above, [...(this.#below.get(above) ?? []), below]);
  }

  #add(node: TopologyNode): string {
    this.#drafts.push(() => node);
    return node.name;
  }
}

function inside({ suffix }: { readonly suffix: string }): string {
  return `topic ${suffix}`;
}

function isSameWay(one: Consumed<any, any>, two: Consumed<any, any>): boolean {
  return isSameSerde(one.key, two.key) && isSameSerde(one.value, two.value) && one.timestamp === two.timestamp;
}

/** `Serdes.string()` makes another object each time. What a serde with schemas reads does not show in its name. */
function isSameSerde(one: Serde<any>, two: Serde<any>): boolean {
  return one === two || (one.name === two.name && one.prepare === undefined && two.prepare === undefined);
}
