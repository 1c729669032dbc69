// KGroupedTable: a table's rows brought together by what they have in common, waiting to be aggregated. A row that changes leaves its old group and enters
// its new one.

import type { Serde, SerdeFor } from '../../record/serde.ts';
import { changeSerde, type OldAndNew } from '../../serdes/change.ts';
import { longSerde } from '../../serdes/long.ts';
import type { GraphBuilder } from '../graph/graph-builder.ts';
import { storeSpec, type MaterializedRows } from './materialized.ts';
import { topicName } from '../graph/node.ts';
import { tableAggregate, type GroupSteps } from '../operators/table-aggregate.ts';
import { tableGroup } from '../operators/table-group.ts';
import { KTable, type TableParts } from './table.ts';
import { StoredTable } from '../table-origin.ts';

/** Serdes of the groups' keys and of the selected values, and the name of the topic they go through: `<applicationId>-<name>-repartition`. */
export interface TableGroupOptions<K, V> {
  readonly name: string;
  readonly key: SerdeFor<NonNullable<K>>;
  readonly value: SerdeFor<NonNullable<V>>;
  /** Partitions of the topic; by default as many as the widest input. */
  readonly partitions?: number;
}

/** An aggregate of a group of rows: its store, what it starts from, and what coming and going rows do to it. */
export interface TableAggregateOptions<K, V, A> extends MaterializedRows {
  /** What a group starts from: a new one, or one whose aggregate was removed. */
  readonly initial: () => A;
  /** A row has come in. null removes the aggregate. */
  readonly add: (value: V, aggregate: A, key: K) => A | null;
  /** A row has gone, or is about to be replaced by its new value. Only called where there is an aggregate; null removes it. */
  readonly subtract: (value: V, aggregate: A, key: K) => A | null;
  readonly value: SerdeFor<NonNullable<A>>;
}

/** Rows of a table by what they have in common, waiting to be aggregated. A row that changes is taken out of its old group and put into its new one. */
export class KGroupedTable<K, V> {
  readonly #graph: GraphBuilder;
  readonly #source: string;
  readonly #key: Serde<K>;
  readonly #value: Serde<V>;

  private constructor(graph: GraphBuilder, source: string, key: Serde<K>, value: Serde<V>) {
    this.#graph = graph;
    this.#source = source;
    this.#key = key;
    this.#value = value;
  }

  /** @internal */
  static of<K, V, K2, V2>(
    { graph, node, origin }: TableParts<K, V>,
    mapper: (value: V, key: K) => readonly [K2, V2],
    { name, key, value, partitions }: TableGroupOptions<K2, V2>,
  ): KGroupedTable<NonNullable<K2>, NonNullable<V2>> {
    origin.requireOldValues();
    const topic = { suffix: `${name}-repartition`, use: 'repartition' as const, ...(partitions === undefined ? {} : { partitions }) };
    const grouping = { origin, mapper: mapper as (value: V, key: K) => readonly [NonNullable<K2> | null, NonNullable<V2> | null], key };
    const select = tableGroup({ ...grouping, topicOf: (applicationId) => topicName(topic, applicationId) });
    const serdes: { key: Serde<NonNullable<K2>>; value: Serde<OldAndNew<NonNullable<V2>>> } = { key, value: changeSerde(value) };
    graph.sink(topic, [graph.processor(`${name}-select`, [node], select)], serdes, `${name}-repartition-sink`);
    return new KGroupedTable(graph, graph.source([topic], serdes, `${name}-repartition-source`), key, value);
  }

  /** How many rows each group has. A group that empties stays, with 0. */
  count(materialized: MaterializedRows): KTable<K, number> {
    return this.#aggregate(materialized, longSerde(), { add: (_key, _value, count) => (count ?? 0) + 1, subtract: (_key, _value, count) => count - 1 });
  }

  /**
   * Each group's values combined two by two: the first one as it is; `adder` takes in a row, `subtractor` takes out what one was, where there is an aggregate.
   * null from either removes the aggregate.
   */
  reduce(adder: (current: V, next: V, key: K) => V | null, subtractor: (current: V, old: V, key: K) => V | null, materialized: MaterializedRows): KTable<K, V> {
    return this.#aggregate<V>(materialized, this.#value, {
      add: (key, value, current) => (current === null ? value : adder(current, value, key)),
      subtract: (key, value, current) => subtractor(current, value, key),
    });
  }

  /** One value per group, kept up to date as rows come, change and go. Its timestamp is the highest of the updates in it. */
  aggregate<A>(options: TableAggregateOptions<K, V, A>): KTable<K, NonNullable<A>> {
    const { initial, add, subtract } = options;
    return this.#aggregate<NonNullable<A>>(options, options.value, {
      add: (key, value, aggregate) => add(value, aggregate ?? initial(), key) ?? null,
      subtract: (key, value, aggregate) => subtract(value, aggregate, key) ?? null,
    });
  }

  #aggregate<A>(materialized: MaterializedRows, value: Serde<A>, steps: GroupSteps<K, V, A>): KTable<K, A> {
    const spec = storeSpec<any, any>({ ...materialized, key: this.#key, value });
    const node = this.#graph.processor(materialized.name, [this.#source], tableAggregate(spec, steps), [spec]);
    return new KTable({ graph: this.#graph, node, sources: new Set([this.#source]), origin: new StoredTable<K, A>(spec, true) });
  }
}
