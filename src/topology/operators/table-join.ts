// Joining two tables: whenever a row of either side changes, its key's result is computed anew from that row and the present row of the other side.
// Time plays no part.

import type { Processor, ProcessorContext } from '../processor.ts';
import { rowsOf, type Rows } from '../rows.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { readerOf, type Change, type TableOrigin, type TableReader, type TableRecord, type TableStoreSpec, type TableView } from '../table-origin.ts';

export type TableJoinKind = 'inner' | 'left' | 'outer';

export interface TableJoinParts<K, L, R, V> {
  readonly kind: TableJoinKind;
  readonly left: TableOrigin<K, L>;
  readonly right: TableOrigin<K, R>;
  readonly joiner: (left: L | null, right: R | null, key: K) => V | null | undefined;
  readonly spec: TableStoreSpec<K, V> | undefined;
}

/** A table whose rows can be computed at any time from both sides'; with a store of its own they are kept there. */
export class JoinedTables<K, L, R, V> implements TableOrigin<K, V> {
  readonly #parts: TableJoinParts<K, L, R, V>;
  readonly #left: TableView<K, L>;
  readonly #right: TableView<K, R>;
  #sendsOldValues = false;

  constructor(parts: TableJoinParts<K, L, R, V>) {
    const { kind, left, right } = parts;
    this.#parts = parts;
    this.#left = left.view();
    this.#right = right.view();
    // A side that may stand alone makes a tombstone only for a row that was there.
    if (kind !== 'inner') left.requireOldValues();
    if (kind === 'outer') right.requireOldValues();
  }

  /** The join of two versioned tables is none (KIP-914): only a store of its own makes it one. */
  get isVersioned(): boolean {
    return this.#parts.spec?.kind === 'versioned';
  }

  requireOldValues(): void {
    this.#parts.left.requireOldValues();
    this.#parts.right.requireOldValues();
    this.#sendsOldValues = true;
  }

  /** Both sides are stored anyway, so what was replaced can always be told. */
  acceptOldValues(): boolean {
    this.requireOldValues();
    return true;
  }

  view(): TableView<K, V> {
    const { spec } = this.#parts;
    if (spec !== undefined) return { stores: () => [spec], reader: (context) => readerOf(spec, context) };
    return {
      stores: () => [...this.#left.stores(), ...this.#right.stores()],
      reader: (context) => this.#computing(this.#left.reader(context), this.#right.reader(context)),
    };
  }

  /** What each node of the join must be connected to: both sides' nodes read the other side's rows. */
  readonly stores = {
    left: (): readonly AnyStoreSpec[] => this.#right.stores(),
    right: (): readonly AnyStoreSpec[] => this.#left.stores(),
    merge: (): readonly AnyStoreSpec[] => (this.#parts.spec === undefined ? [] : [this.#parts.spec]),
  };

  /** Updates of the left side. */
  readonly leftSupplier = (): Processor<K, Change<L>, K, Change<V>> => {
    const { kind, left } = this.#parts;
    return this.#side(left, this.#right, kind !== 'inner', (own, other, key) => this.#row(own, other, key));
  };

  /** Updates of the right side. */
  readonly rightSupplier = (): Processor<K, Change<R>, K, Change<V>> => {
    const { kind, right } = this.#parts;
    return this.#side(right, this.#left, kind === 'outer', (own, other, key) => this.#row(other, own, key));
  };

  /** Where the results of both sides meet, and are kept if they are. */
  readonly mergeSupplier = (): Processor<K, Change<V>, K, Change<V>> => {
    const { spec } = this.#parts;
    let context: ProcessorContext<K, Change<V>>;
    let rows: Rows<K, V> | undefined;
    return {
      init(given) {
        context = given;
        rows = spec === undefined ? undefined : rowsOf(spec, given);
      },
      process(record: TableRecord<K, V>): void {
        if (rows === undefined) return context.forward(record);
        const put = rows.put(record.key, record.value.newValue, record.timestamp);
        if (put === 'dropped') return context.count('dropped');
        context.forward({ ...record, value: { ...record.value, isLatest: put === 'latest' } });
      },
    };
  };

  #side<Own, Other>(
    origin: TableOrigin<K, Own>,
    otherSide: TableView<K, Other>,
    mayStandAlone: boolean,
    row: (own: Own | null, other: Other | null, key: K) => V | null,
  ): Processor<K, Change<Own>, K, Change<V>> {
    const sendsOldValues = this.#sendsOldValues;
    const { isVersioned } = origin;
    let context: ProcessorContext<K, Change<V>>;
    let others: TableReader<K, Other>;
    return {
      init(given) {
        context = given;
        others = otherSide.reader(given);
      },
      process({ key, value: { newValue, oldValue, isLatest }, timestamp, headers }: TableRecord<K, Own>): void {
        // A join tells of the newest versions only.
        if (isVersioned && !isLatest) return context.count('dropped');
        const other = others.get(key);
        if (other === undefined && (!mayStandAlone || (newValue === null && oldValue === null))) return;
        const present = other?.value ?? null;
        context.forward({
          key,
          value: { newValue: row(newValue, present, key), oldValue: sendsOldValues ? row(oldValue, present, key) : null, isLatest: true },
          timestamp: other === undefined ? timestamp : Math.max(timestamp, other.timestamp),
          headers,
        });
      },
    };
  }

  #row(left: L | null, right: R | null, key: K): V | null {
    const { kind, joiner } = this.#parts;
    const isThere = kind === 'inner' ? left !== null && right !== null : kind === 'left' ? left !== null : left !== null || right !== null;
    return isThere ? (joiner(left, right, key) ?? null) : null;
  }

  #computing(left: TableReader<K, L>, right: TableReader<K, R>): TableReader<K, V> {
    const get: TableReader<K, V>['get'] = (key) => {
      const [one, other] = [left.get(key), right.get(key)];
      const value = this.#row(one?.value ?? null, other?.value ?? null, key);
      return value === null ? undefined : { value, timestamp: Math.max(one?.timestamp ?? -1, other?.timestamp ?? -1) };
    };
    return { get, getAsOf: get };
  }
}
