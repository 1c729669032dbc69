// KStream: Kafka Streams' record stream. Each operator adds one node; the heavy ones live in operators/.

import type { StreamRecord } from '../../record/record.ts';
import type { SerdeFor } from '../../record/serde.ts';
import type { Consumed, GraphBuilder, SinkOptions } from '../graph/graph-builder.ts';
import { TopologyError } from '../errors.ts';
import { dedupe, type DedupeOptions } from './dedupe.ts';
import { escalate, type EscalateOptions } from './escalate.ts';
import { join, type Joinable } from './join.ts';
import { joinStreams, type OuterJoiner, type StreamJoinOptions } from './stream-join.ts';
import type { StreamTableJoinOptions } from './stream-table-join.ts';
import { addProcessor, type ProcessOptions } from './process.ts';
import { addSplit, type Branches } from './split.ts';
import { stateless, withKey } from '../operators/stateless.ts';
import type { GlobalKTable } from './global-table.ts';
import { KGroupedStream } from './grouped.ts';
import type { KTable } from './table.ts';
import { tableOf, type TableOptions } from './table-of-records.ts';
import type { EscalationOutcome } from '../escalation-outcome.ts';
import type { ProcessorSupplier } from '../processor.ts';
import type { Json } from '../../escalation/protocol.ts';

/** How a topic is written. */
export interface Produced<K, V> {
  readonly key: SerdeFor<NonNullable<K>>;
  readonly value: SerdeFor<NonNullable<V>>;
  /**
   * Which partition (from 0, below `partitions`) a record goes to. By default as Java's clients choose: by the hash of the serialized key; without a key, to the
   * number of the task. Whoever reads the topic by key, joins it or groups by key relies on all records of a key being in one partition.
   */
  partitioner?(key: K, value: V, partitions: number): number;
}

/** Serdes of the repartition topic, and the name it and its node get: `<applicationId>-<name>-repartition`. */
export interface Repartitioned<K, V> extends Produced<K, V> {
  readonly name: string;
  /** Partitions of the topic; by default as many as the widest input. */
  readonly partitions?: number;
}

/** The streams of a split by their names; a branch whose predicate narrows the value's type has that type. */
export type Split<K, V, B extends Branches<K, V>, D extends string> = {
  readonly [Name in keyof B]: B[Name] extends (value: any, ...more: any[]) => value is infer V2 ? KStream<K, V2> : KStream<K, V>;
} & { readonly [Name in D]: KStream<K, V> };

/**
 * A stream of records: each is a fact of its own. Keys and values of a topic may be null, and the types say so until a filter takes null out. Functions get
 * the value first, then the key; they are synchronous, and what they throw is decided on by the `errors` setting. Timestamps and headers stay, unless an
 * operator says otherwise.
 * @example builder.stream('lines', text).filter((line) => line !== null).mapValues((line) => line.length).to('lengths', longs)
 */
export class KStream<out K, out V> {
  readonly #graph: GraphBuilder;
  readonly #parents: readonly string[];
  readonly #sources: ReadonlySet<string>;
  /** True after an operator that may have changed keys: records may stand in the wrong partition for their key. */
  readonly #keyChanged: boolean;

  private constructor(graph: GraphBuilder, parents: readonly string[], sources: ReadonlySet<string>, keyChanged: boolean) {
    this.#graph = graph;
    this.#parents = parents;
    this.#sources = sources;
    this.#keyChanged = keyChanged;
  }

  /** @internal */
  static source<K, V>(graph: GraphBuilder, topics: readonly string[], consumed: Consumed<K, V>): KStream<K | null, V | null> {
    const node = graph.sharedSource(topics, consumed);
    return new KStream(graph, [node], new Set([node]), false);
  }

  /** @internal A stream that begins at a table's node. */
  static at<K, V>(graph: GraphBuilder, node: string, sources: ReadonlySet<string>): KStream<K, V> {
    return new KStream(graph, [node], sources, false);
  }

  /** @internal A stream that begins at an existing node, keyed as this one. */
  derived<K2, V2>(node: string, keyChanged = this.#keyChanged): KStream<K2, V2> {
    return new KStream(this.#graph, [node], this.#sources, keyChanged);
  }

  /** @internal A stream at a node that hangs on a source of its own. */
  apart<K2, V2>(node: string, source: string): KStream<K2, V2> {
    return new KStream(this.#graph, [node], new Set([source]), false);
  }

  /** @internal */
  get parts(): { graph: GraphBuilder; parents: readonly string[]; sources: ReadonlySet<string>; keyChanged: boolean } {
    return { graph: this.#graph, parents: this.#parents, sources: this.#sources, keyChanged: this.#keyChanged };
  }

  /** The records that pass. A predicate that leaves out null takes null out of the type. */
  filter<V2 extends V>(predicate: (value: V, key: K) => value is V2): KStream<K, V2>;
  filter(predicate: (value: V, key: K) => boolean): KStream<K, V>;
  filter(predicate: (value: V, key: K) => boolean): KStream<K, V> {
    return this.#stateless('FILTER', (record, forward) => {
      if (predicate(record.value, record.key)) forward(record);
    });
  }

  /** The records that do not pass. */
  filterNot(predicate: (value: V, key: K) => boolean): KStream<K, V> {
    return this.filter((value, key) => !predicate(value, key));
  }

  /** One value for each; keys stay, so nothing is repartitioned for it. Null values are mapped like any other. */
  mapValues<V2>(mapper: (value: V, key: K) => V2): KStream<K, V2> {
    return this.#stateless('MAPVALUES', ({ key, value, timestamp, headers }, forward) => forward({ key, value: mapper(value, key), timestamp, headers }));
  }

  /** Any number of values for each, under the same key. */
  flatMapValues<V2>(mapper: (value: V, key: K) => Iterable<V2>): KStream<K, V2> {
    return this.#stateless('FLATMAPVALUES', (record, forward) => {
      for (const value of mapper(record.value, record.key)) forward({ ...record, value });
    });
  }

  /** Any number of records for each, under any keys. */
  flatMap<K2, V2>(mapper: (value: V, key: K) => Iterable<readonly [K2, V2]>): KStream<K2, V2> {
    return this.#stateless<K2, V2>('FLATMAP', (record, forward) => {
      for (const [key, value] of mapper(record.value, record.key)) forward({ ...record, key, value });
    }, true);
  }

  /** One `[key, value]` for each. What groups or joins below goes through a repartition topic: prefer `mapValues` where keys stay. */
  map<K2, V2>(mapper: (value: V, key: K) => readonly [K2, V2]): KStream<K2, V2> {
    return this.#stateless<K2, V2>('MAP', (record, forward) => {
      const [key, value] = mapper(record.value, record.key);
      forward({ ...record, key, value });
    }, true);
  }

  /** The same value under another key. What groups or joins below goes through a repartition topic. */
  selectKey<K2>(mapper: (value: V, key: K) => K2): KStream<K2, V> {
    return this.#stateless<K2, V>('KEY-SELECT', (record, forward) => forward({ ...record, key: mapper(record.value, record.key) }), true);
  }

  /** Does something on the side for each record, and passes it on. It is done again when a record is processed again after a crash. */
  peek(action: (value: V, key: K) => void): KStream<K, V> {
    return this.#stateless('PEEK', (record, forward) => {
      action(record.value, record.key);
      forward(record);
    });
  }

  /** Does something with each record: the end of a chain. It is done again when a record is processed again after a crash. */
  foreach(action: (value: V, key: K) => void): void {
    this.#stateless('FOREACH', (record) => action(record.value, record.key));
  }

  /**
   * One stream for each branch: a record goes to the first whose predicate it passes, else to the default; without one it is dropped.
   * @example
   * const { large, small } = orders.split({ large: (order) => order.cents > 10_000 }, { default: 'small' });
   */
  split<B extends Branches<K, V>, D extends string = never>(branches: B, options?: { readonly default: D }): Split<K, V, B, D> {
    const nodes = addSplit<K, V>(this.#graph, this.#parents, branches, options?.default);
    return Object.fromEntries([...nodes].map(([name, node]) => [name, this.derived(node)])) as Split<K, V, B, D>;
  }

  /** The records of both, in the order in which they come. */
  merge<K2 extends K | null, V2>(other: KStream<K2, V2>): KStream<K | K2, V | V2> {
    this.#graph.meet(other.#graph);
    const node = this.#graph.processor(
      this.#graph.autoName('MERGE'),
      [...new Set([...this.#parents, ...other.#parents])],
      stateless<K | K2, V | V2, K | K2, V | V2>((record, forward) => forward(record)),
    );
    return new KStream(this.#graph, [node], new Set([...this.#sources, ...other.#sources]), this.#keyChanged || other.#keyChanged);
  }

  /** Custom processing with stores and punctuators. Keys may change, so what groups or joins below repartitions first; see `processValues`. */
  process<K2, V2>(supplier: ProcessorSupplier<K, V, K2, V2>, options: ProcessOptions): KStream<K2, V2> {
    return this.derived(addProcessor(this.parts, supplier, options), true);
  }

  /**
   * As `process`, but every record keeps its key, so nothing has to be repartitioned for it: forwarding one under another key throws. A punctuator has no record
   * in hand: it may forward under any key that came through here.
   */
  processValues<V2>(supplier: ProcessorSupplier<K, V, K, V2>, options: ProcessOptions): KStream<K, V2> {
    return this.derived(addProcessor(this.parts, supplier, options, { keepsKeys: true }));
  }

  /**
   * Drops a record whose id was already seen for its key within the retention.
   * @throws {TopologyError} where an operator before may have changed the key: `repartition` first.
   */
  dedupe(options: DedupeOptions<K, V>): KStream<K, V> {
    return dedupe(this, options);
  }

  /** Each record with the global table's row of the key that `mapper` gives, if there is one. The record's own key stays, and may be null. */
  join<KG, VG, R>(table: GlobalKTable<KG, VG>, mapper: (value: NonNullable<V>, key: K) => KG | null | undefined, joiner: (value: NonNullable<V>, row: VG, key: K) => R): KStream<K, R>;
  /** Each record with the table's row of its key, if there is one: as it is now; a versioned table's as it was at the record's time. @throws {TopologyError} */
  join<VT, R>(table: KTable<NonNullable<K>, VT>, joiner: (value: NonNullable<V>, row: VT, key: NonNullable<K>) => R, options: StreamTableJoinOptions<K, V>): KStream<NonNullable<K>, R>;
  // Of overloads the compiler tells of the last: the one with most to get wrong.
  /**
   * Windowed inner join: a pair of records of the same key whose timestamps lie in the window gives one result, with the higher timestamp. Records without key
   * or value are dropped. Both sides go through a repartition topic if an operator before may have changed the key.
   * @throws {InvalidWindowError}
   */
  join<K2 extends K | null, V2, R>(
    other: KStream<K2, V2>,
    joiner: (left: NonNullable<V>, right: NonNullable<V2>, key: NonNullable<K>) => R,
    options: StreamJoinOptions<K, V, V2>,
  ): KStream<NonNullable<K>, R>;
  join(other: Joinable, second: unknown, third: unknown): KStream<any, any> {
    return join('inner', this, other, second, third);
  }

  /** As `join` with a global table, and a record without a row, or without a key to look one up by, gives a result with null. */
  leftJoin<KG, VG, R>(table: GlobalKTable<KG, VG>, mapper: (value: NonNullable<V>, key: K) => KG | null | undefined, joiner: (value: NonNullable<V>, row: VG | null, key: K) => R): KStream<K, R>;
  /** As `join` with a table, and a record without a row gives a result with null. @throws {TopologyError} */
  leftJoin<VT, R>(table: KTable<NonNullable<K>, VT>, joiner: (value: NonNullable<V>, row: VT | null, key: K) => R, options: StreamTableJoinOptions<K, V>): KStream<K, R>;
  /**
   * As `join` of two streams; and a left record that finds no partner gives a result with null once none can come any more: when stream time has passed its window and the grace
   * period. A left record without a key does so at once.
   * @throws {InvalidWindowError}
   */
  leftJoin<K2 extends K | null, V2, R>(other: KStream<K2, V2>, joiner: (left: NonNullable<V>, right: NonNullable<V2> | null, key: K) => R, options: StreamJoinOptions<K, V, V2>): KStream<K, R>;
  leftJoin(other: Joinable, second: unknown, third: unknown): KStream<any, any> {
    return join('left', this, other, second, third);
  }

  /** As `leftJoin` of streams, for the records of both sides. @throws {InvalidWindowError} */
  outerJoin<K2 extends K | null, V2, R>(other: KStream<K2, V2>, joiner: OuterJoiner<K | K2, NonNullable<V>, NonNullable<V2>, R>, options: StreamJoinOptions<K, V, V2>): KStream<K | K2, R> {
    return joinStreams<any, V, V2, R>('outer', this, other, joiner as never, options);
  }

  /**
   * Writes to a topic of the application's own and reads it back, so that records stand in the partition of their key. Those without a key only pass if a left or
   * outer join somewhere below gives results for them, as in Kafka Streams (KIP-962).
   */
  repartition(options: Repartitioned<K, V>): KStream<K, V> {
    return this.#throughTopic(options, 'where-wanted');
  }

  /** @internal Through a repartition topic, if an operator before may have changed the key. `keepsNullKeys`: for joins that give a result without a partner. */
  repartitioned(options: Repartitioned<K, V>, { keepsNullKeys = false } = {}): KStream<K, V> {
    if (this.#keyChanged) return this.#throughTopic(options, keepsNullKeys ? 'kept' : 'dropped');
    // Merged topics are as good as joined: with unlike counts a key's records would be in several tasks.
    this.#graph.copartition(this.#sources);
    return this;
  }

  /** @internal For operators that go by the key, and are given no serdes for a repartition topic. @throws {TopologyError} */
  inPlace(operator: string): KStream<K, V> {
    if (this.#keyChanged) {
      throw new TopologyError([
        `${operator} goes by the key, but an operator before may have changed it, so records of one key may be in several tasks, where nobody sees them together: call repartition({ name, key, value }) in between`,
      ]);
    }
    this.#graph.copartition(this.#sources);
    return this;
  }

  /** Groups by the present key, through a repartition topic if an operator before may have changed it. Records without a key are dropped. */
  groupByKey(options: Repartitioned<K, V>): KGroupedStream<NonNullable<K>, V> {
    return new KGroupedStream<NonNullable<K>, V>(this.repartitioned(options) as never, options.key as never, options.value as never);
  }

  /** The latest value of each key as a table, through a repartition topic if an operator before may have changed the key. Records without a key are dropped. */
  toTable(options: TableOptions<K, V>): KTable<NonNullable<K>, NonNullable<V>> {
    const stream = this.repartitioned(options);
    return tableOf<NonNullable<K>, NonNullable<V>>({ graph: this.#graph, node: stream.#parents, sources: stream.#sources }, options as never);
  }

  /**
   * Groups by the key that the mapper gives, through a repartition topic. Records for which it gives null are in no group.
   * @example orders.groupBy((order) => order.customer, { name: 'by-customer', key: Serdes.string(), value: orderSerde })
   */
  groupBy<K2>(mapper: (value: V, key: K) => K2, options: Repartitioned<K2, V>): KGroupedStream<NonNullable<K2>, V> {
    return this.selectKey(mapper).groupByKey(options);
  }

  /**
   * Hands each record to a durable workflow; the stream that comes back holds what became of it. A record without a key fails with `InvalidRecordError`.
   * @throws {TopologyError} where an operator before may have changed the key: `repartition` first.
   */
  escalate(this: KStream<string | null, V>, options: EscalateOptions<V>): KStream<string, EscalationOutcome<Json>> {
    return escalate(this, options);
  }

  /**
   * Writes to a topic, or each record to the topic that a function names for it. Topics must exist. Null keys and values stay null.
   * Partition counts of topics that a function names are looked up when a record first goes there.
   */
  to(topic: string | ((value: V, key: K, record: StreamRecord<K, V>) => string), produced: Produced<K, V>): void {
    this.#graph.sink(typeof topic === 'string' ? topic : { choose: topic }, this.#parents, sinkOptions(produced));
  }

  #throughTopic(options: Repartitioned<K, V>, nullKeys: 'kept' | 'dropped' | 'where-wanted'): KStream<K, V> {
    const { name, partitions } = options;
    const topic = { suffix: `${name}-repartition`, use: 'repartition' as const, ...(partitions === undefined ? {} : { partitions }) };
    const filter = `${name}-repartition-filter`;
    const passesAll = (): boolean => nullKeys === 'where-wanted' && this.#graph.leadsToNullKeys(filter);
    const parents = nullKeys === 'kept' ? this.#parents : [this.#graph.processor(filter, this.#parents, withKey<K, V>(passesAll))];
    this.#graph.sink(topic, parents, sinkOptions(options), `${name}-repartition-sink`);
    const source = this.#graph.source([topic], options, `${name}-repartition-source`);
    return new KStream(this.#graph, [source], new Set([source]), false);
  }

  #stateless<K2 = K, V2 = V>(
    operator: string,
    step: (record: StreamRecord<K, V>, forward: (record: StreamRecord<K2, V2>) => void) => void,
    changesKey = false,
  ): KStream<K2, V2> {
    const node = this.#graph.processor(this.#graph.autoName(operator), this.#parents, stateless(step));
    return this.derived(node, this.#keyChanged || changesKey);
  }
}

function sinkOptions<K, V>({ key, value, partitioner }: Produced<K, V>): SinkOptions {
  if (partitioner === undefined) return { key, value };
  return { key, value, partition: (record: StreamRecord<K, V>, partitions) => partitioner(record.key, record.value, partitions) };
}
