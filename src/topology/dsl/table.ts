// KTable: the latest value of each key. Operators below see every update, with what it replaced where they need that.

import { DerivedTable } from '../operators/derived-table.ts';
import { stateless } from '../operators/stateless.ts';
import { JoinedTables, type TableJoinKind } from '../operators/table-join.ts';
import { joinByForeignKey, type ForeignKeyJoinOptions } from './foreign-key-join.ts';
import type { GraphBuilder } from '../graph/graph-builder.ts';
import { KGroupedTable, type TableGroupOptions } from './grouped-table.ts';
import { storeSpec, type MaterializedAs } from './materialized.ts';
import { KStream } from './stream.ts';
import type { ProcessorContext, ReadableTable } from '../processor.ts';
import type { Change, TableOrigin, TableReader, TableView } from '../table-origin.ts';
import { suppressed, type SuppressOptions, type UntilTimeLimit, type UntilWindowCloses, type WindowedSuppressOptions } from './suppress.ts';
import { windowsOfBoth, type TableWindows, type Windowed } from '../windowed.ts';

/** Where a table hangs in the graph. */
export interface TableParts<K, V> {
  readonly graph: GraphBuilder;
  /** Its node: forwards `Change`s. */
  readonly node: string;
  /** Source nodes whose topics must be partitioned alike with whatever it is joined with. */
  readonly sources: ReadonlySet<string>;
  readonly origin: TableOrigin<K, V>;
  /** Of a table of windowed results: what its keys name. */
  readonly windows?: TableWindows | undefined;
}

/**
 * A table: the latest value of each key. Null removes a row, so no row is ever null. It is stored where an operator below needs its rows, or where you say
 * so.
 * @example builder.table('customers', { name: 'customers', key: Serdes.string(), value: customerSerde }).mapValues((customer) => customer.country)
 */
export class KTable<out K, out V> implements ReadableTable<K, V> {
  readonly #parts: TableParts<K, V>;
  /** Once a processor reads it. */
  #view: TableView<K, V> | undefined;

  /** @internal */
  constructor(parts: TableParts<K, V>) {
    this.#parts = parts;
  }

  /** @internal */
  get parts(): TableParts<K, V> {
    return this.#parts;
  }

  /** @internal From now on processors can read it: what must be stored for that is stored. */
  connect(): TableView<K, V> {
    return (this.#view ??= this.#parts.origin.view());
  }

  /** @internal */
  readerIn(context: ProcessorContext<any, any>): TableReader<K, V> {
    if (this.#view === undefined) throw new Error(`A processor reads the table at "${this.#parts.node}" without saying so: list it under "tables" where the processor is added.`);
    return this.#view.reader(context);
  }

  /**
   * The rows that pass. With `materialized` they are kept in a store of their own. An update that does not pass is a tombstone for those below, as a rule also where
   * nothing was before: only if this table is declared to be stored, is an aggregate, a join, or derived from one of these, or if an operator below has to know what
   * was replaced, needless tombstones are left out. Of a versioned table all are sent on.
   */
  filter<V2 extends V>(predicate: (value: V, key: K) => value is V2, materialized?: MaterializedAs<K, V2>): KTable<K, V2>;
  filter(predicate: (value: V, key: K) => boolean, materialized?: MaterializedAs<K, V>): KTable<K, V>;
  filter(predicate: (value: V, key: K) => boolean, materialized?: MaterializedAs<K, V>): KTable<K, V> {
    return this.#derived('FILTER', (value, key) => (predicate(value, key) ? value : null), true, materialized);
  }

  /** The rows that do not pass. With `materialized` they are kept in a store of their own. */
  filterNot(predicate: (value: V, key: K) => boolean, materialized?: MaterializedAs<K, V>): KTable<K, V> {
    return this.filter((value, key) => !predicate(value, key), materialized);
  }

  /** Each row's value mapped; null removes the row. Not called for rows that are not there. */
  mapValues<V2>(mapper: (value: V, key: K) => V2, materialized?: MaterializedAs<K, V2>): KTable<K, NonNullable<V2>> {
    return this.#derived('MAPVALUES', mapper as (value: V, key: K) => NonNullable<V2> | null, false, materialized as MaterializedAs<K, NonNullable<V2>> | undefined);
  }

  /** Every update as a record; null where a row was removed. With a mapper, under the key it gives. */
  toStream(): KStream<K, V | null>;
  toStream<K2>(mapper: (value: V | null, key: K) => K2): KStream<K2, V | null>;
  toStream<K2>(mapper?: (value: V | null, key: K) => K2): KStream<any, V | null> {
    const { graph, node, sources } = this.#parts;
    const updates = stateless<K, Change<V>, K, V | null>(({ key, value, timestamp, headers }, forward) => forward({ key, value: value.newValue, timestamp, headers }));
    const stream = KStream.at<K, V | null>(graph, graph.processor(graph.autoName('TOSTREAM', 'KTABLE'), [node], updates), sources);
    return mapper === undefined ? stream : stream.selectKey(mapper);
  }

  /**
   * Brings rows together by a key of the mapper's, through a repartition topic, with the values that it selects. A row for which either is null is in no group.
   * The mapper is asked for what a row was as well as for what it became: for equal arguments its result must be equal.
   */
  groupBy<K2, V2>(mapper: (value: V, key: K) => readonly [K2, V2], options: TableGroupOptions<K2, V2>): KGroupedTable<NonNullable<K2>, NonNullable<V2>> {
    return KGroupedTable.of(this.#parts, mapper, options);
  }

  /** A row for each key that both tables have. With `materialized` the results are kept in a store of their own. */
  join<V2, R>(other: KTable<K, V2>, joiner: (left: V, right: V2, key: K) => R, materialized?: MaterializedAs<K, R>): KTable<K, NonNullable<R>> {
    return this.#joined('inner', other, joiner, materialized);
  }

  /** A row for each key that this table has; `right` is null where the other has none. */
  leftJoin<V2, R>(other: KTable<K, V2>, joiner: (left: V, right: V2 | null, key: K) => R, materialized?: MaterializedAs<K, R>): KTable<K, NonNullable<R>> {
    return this.#joined('left', other, joiner, materialized);
  }

  /** A row for each key that either table has; the side without a row is null. */
  outerJoin<V2, R>(other: KTable<K, V2>, joiner: (left: V | null, right: V2 | null, key: K) => R, materialized?: MaterializedAs<K, R>): KTable<K, NonNullable<R>> {
    return this.#joined('outer', other, joiner, materialized);
  }

  /**
   * A row for each row of this table that names one of the other's, by a foreign key that the extractor finds in it (null: it names none). A change of either side
   * makes a new result; a row of the other side that changes makes one for each row that names it, all in the step of one record.
   *
   * The result's timestamp is the higher of both rows' where this table's row changed, and that of the update where the other's did.
   * @example orders.foreignKeyJoin(customers, (order) => order.customerId, (order, customer) => ({ ...order, customer }), { name: 'order-customers', … });
   */
  foreignKeyJoin<FK, V2, R>(
    other: KTable<FK, V2>,
    foreignKey: (value: V, key: K) => NoInfer<FK> | null | undefined,
    joiner: (left: V, right: V2, key: K) => R,
    options: ForeignKeyJoinOptions<K, V, FK, V2, R>,
  ): KTable<K, NonNullable<R>> {
    return joinByForeignKey({ left: this, right: other, foreignKey, joiner: joiner as never, isLeft: false, options });
  }

  /** As `foreignKeyJoin`, with a row for each row of this table: `right` is null where it names none, or one that is not there. */
  leftForeignKeyJoin<FK, V2, R>(
    other: KTable<FK, V2>,
    foreignKey: (value: V, key: K) => NoInfer<FK> | null | undefined,
    joiner: (left: V, right: V2 | null, key: K) => R,
    options: ForeignKeyJoinOptions<K, V, FK, V2, R>,
  ): KTable<K, NonNullable<R>> {
    return joinByForeignKey({ left: this, right: other, foreignKey, joiner, isLeft: true, options });
  }

  /**
   * Holds updates back, one for each key, and sends on the last: when the key's window closes, or after a time. A row that waits is, for operators below, what it
   * was before. What the parent forgets is stored for that.
   * @throws {TopologyError} for a versioned table, and when windows should close that the table does not have.
   * @example counts.suppress(untilWindowCloses(), { name: 'final-counts', value: Serdes.long() })
   */
  suppress<I>(this: KTable<Windowed<I>, V>, until: UntilWindowCloses | UntilTimeLimit, options: WindowedSuppressOptions<V>): KTable<Windowed<I>, V>;
  suppress(until: UntilTimeLimit, options: SuppressOptions<K, V>): KTable<K, V>;
  suppress(until: UntilWindowCloses | UntilTimeLimit, options: SuppressOptions<any, V> | WindowedSuppressOptions<V>): KTable<any, V> {
    return suppressed(this.#parts, until, options);
  }

  #joined<V2, R>(kind: TableJoinKind, other: KTable<K, V2>, joiner: (left: any, right: any, key: K) => R, materialized: MaterializedAs<K, R> | undefined): KTable<K, NonNullable<R>> {
    const { graph, node, sources, origin: left } = this.#parts;
    const { node: otherNode, sources: otherSources, origin: right } = other.#parts;
    graph.meet(other.#parts.graph);
    const spec = materialized === undefined ? undefined : storeSpec(materialized);
    const origin = new JoinedTables<K, V, V2, NonNullable<R>>({ kind, left, right, joiner: joiner as never, spec: spec as never });
    const both = new Set([...sources, ...otherSources]);
    graph.copartition(both);
    const thisSide = graph.processor(graph.autoName('JOINTHIS', 'KTABLE'), [node], origin.leftSupplier, origin.stores.left);
    const otherSide = graph.processor(graph.autoName('JOINOTHER', 'KTABLE'), [otherNode], origin.rightSupplier, origin.stores.right);
    const merged = graph.processor(graph.autoName('MERGE', 'KTABLE'), [thisSide, otherSide], origin.mergeSupplier, origin.stores.merge);
    return new KTable({ graph, sources: both, origin, node: merged, windows: windowsOfBoth(this.#parts.windows, other.#parts.windows) });
  }

  #derived<V2>(operator: string, compute: (value: V, key: K) => V2 | null, skipsAbsent: boolean, materialized: MaterializedAs<K, V2> | undefined): KTable<K, V2> {
    const { graph, node, sources, origin: parent } = this.#parts;
    const spec = materialized === undefined ? undefined : storeSpec(materialized);
    const origin = new DerivedTable<K, V, V2>(parent, { compute, spec: spec as never, skipsAbsent });
    return new KTable({ graph, sources, origin, node: graph.processor(graph.autoName(operator, 'KTABLE'), [node], origin.supplier, origin.stores), windows: this.#parts.windows });
  }
}
