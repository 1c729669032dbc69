// filter and mapValues on a table: each row is a function of the parent's row. Without a store of its own nothing is kept, and rows are computed when read.

import type { Processor, ProcessorContext } from '../processor.ts';
import { rowsOf, type Rows } from '../rows.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { readerOf, type Change, type TableOrigin, type TableReader, type TableRecord, type TableStoreSpec, type TableView } from '../table-origin.ts';

export interface DerivedTableOptions<K, V, V2> {
  /** null: no row. Never called for a row that is not there. */
  readonly compute: (value: V, key: K) => V2 | null | undefined;
  readonly spec: TableStoreSpec<K, V2> | undefined;
  /** A filter keeps silent about rows that were not in it and still are not, where it can know. */
  readonly skipsAbsent: boolean;
}

export class DerivedTable<K, V, V2> implements TableOrigin<K, V2> {
  readonly #parent: TableOrigin<K, V>;
  readonly #options: DerivedTableOptions<K, V, V2>;
  #sendsOldValues = false;

  constructor(parent: TableOrigin<K, V>, options: DerivedTableOptions<K, V, V2>) {
    this.#parent = parent;
    this.#options = options;
    // A filter takes what its parent knows. A store of its own would know too, but is not asked for this, as in Kafka Streams.
    if (options.skipsAbsent) this.#sendsOldValues = parent.acceptOldValues();
  }

  get isVersioned(): boolean {
    const { spec } = this.#options;
    return spec === undefined ? this.#parent.isVersioned : spec.kind === 'versioned';
  }

  requireOldValues(): void {
    if (this.#options.spec === undefined) this.#parent.requireOldValues();
    this.#sendsOldValues = true;
  }

  acceptOldValues(): boolean {
    const canTell = this.#options.spec !== undefined || this.#parent.acceptOldValues();
    this.#sendsOldValues ||= canTell;
    return canTell; // and not because somebody else has required them
  }

  view(): TableView<K, V2> {
    const { spec } = this.#options;
    if (spec !== undefined) return { stores: () => [spec], reader: (context) => readerOf(spec, context) };
    const parent = this.#parent.view();
    return { stores: parent.stores, reader: (context) => this.#computing(parent.reader(context)) };
  }

  readonly stores = (): readonly AnyStoreSpec[] => (this.#options.spec === undefined ? [] : [this.#options.spec]);

  readonly supplier = (): Processor<K, Change<V>, K, Change<V2>> => {
    const { spec, skipsAbsent } = this.#options;
    const sendsOldValues = this.#sendsOldValues;
    // Whoever reads a versioned table as of some time needs its tombstones, also where nothing was: each has a place in time.
    const maySkip = skipsAbsent && sendsOldValues && !this.#parent.isVersioned;
    let context: ProcessorContext<K, Change<V2>>;
    let own: Rows<K, V2> | undefined;
    return {
      init(given) {
        context = given;
        own = spec === undefined ? undefined : rowsOf(spec, given);
      },
      process: ({ key, value: change, timestamp, headers }: TableRecord<K, V>): void => {
        const newValue = this.#compute(change.newValue, key);
        const oldValue = !sendsOldValues ? null : own === undefined ? this.#compute(change.oldValue, key) : (own.get(key)?.value ?? null);
        if (maySkip && newValue === null && oldValue === null) return;
        const put = own === undefined ? undefined : own.put(key, newValue, timestamp);
        if (put === 'dropped') return context.count('dropped');
        context.forward({ key, value: { newValue, oldValue, isLatest: put === undefined ? change.isLatest : put === 'latest' }, timestamp, headers });
      },
    };
  };

  #compute(value: V | null, key: K): V2 | null {
    return value === null ? null : (this.#options.compute(value, key) ?? null);
  }

  #computing(parent: TableReader<K, V>): TableReader<K, V2> {
    const row = (key: K, found: ReturnType<TableReader<K, V>['get']>): ReturnType<TableReader<K, V2>['get']> => {
      const value = found === undefined ? null : this.#compute(found.value, key);
      return value === null ? undefined : { value, timestamp: found!.timestamp };
    };
    return { get: (key) => row(key, parent.get(key)), getAsOf: (key, timeMs) => row(key, parent.getAsOf(key, timeMs)) };
  }
}
