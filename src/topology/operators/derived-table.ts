// filter and mapValues on a table: each row is a function of the parent's row. Without a store of its own nothing is kept, and rows are computed when read.

import type { Processor, ProcessorContext } from '../processor.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { readerOf, type Change, type TableOrigin, type TableReader, type TableRecord, type TableStoreSpec, type TableView } from '../table-origin.ts';

export interface DerivedTableOptions<K, V, V2> {
  /** null: no row. Never called for a row that is not there. */
  readonly compute: (value: V, key: K) => V2 | null;
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
  }

  get isVersioned(): boolean {
    const { spec } = this.#options;
    return spec === undefined ? this.#parent.isVersioned : spec.kind === 'versioned';
  }

  get sendsOldValues(): boolean {
    return this.#sendsOldValues;
  }

  requireOldValues(): void {
    if (this.#options.spec === undefined) this.#parent.requireOldValues();
    this.#sendsOldValues = true;
  }

  acceptOldValues(): boolean {
    this.#sendsOldValues ||= this.#options.spec !== undefined || this.#parent.acceptOldValues();
    return this.#sendsOldValues;
  }

  /** A filter looks up, once everything else is known, whether its parent can tell what an update replaced. */
  useOldValuesOfParent(): void {
    this.#sendsOldValues ||= this.#parent.acceptOldValues();
  }

  view(): TableView<K, V2> {
    const { spec, compute } = this.#options;
    if (spec !== undefined) return { stores: () => [spec], reader: (context) => readerOf(spec, context) };
    const parent = this.#parent.view();
    return { stores: parent.stores, reader: (context) => computing(parent.reader(context), compute) };
  }

  readonly stores = (): readonly AnyStoreSpec[] => (this.#options.spec === undefined ? [] : [this.#options.spec]);

  readonly supplier = (): Processor<K, Change<V>, K, Change<V2>> => {
    const { compute, spec, skipsAbsent } = this.#options;
    const row = (value: V | null, key: K): V2 | null => (value === null ? null : compute(value, key));
    const maySkip = skipsAbsent && this.#sendsOldValues && !this.#parent.isVersioned;
    let context: ProcessorContext<K, Change<V2>>;
    return {
      init(own) {
        context = own;
      },
      process: ({ key, value: change, timestamp, headers }: TableRecord<K, V>): void => {
        const newValue = row(change.newValue, key);
        let oldValue = this.#sendsOldValues ? row(change.oldValue, key) : null;
        let { isLatest } = change;
        if (spec === undefined) {
          if (maySkip && newValue === null && oldValue === null) return;
        } else {
          oldValue = this.#sendsOldValues ? (readerOf(spec, context).get(key)?.value ?? null) : null;
          if (maySkip && newValue === null && oldValue === null) return;
          const put = keep(spec, context, key, newValue, timestamp);
          if (put === 'dropped') return context.count('dropped');
          isLatest = put === 'latest';
        }
        context.forward({ key, value: { newValue, oldValue, isLatest }, timestamp, headers });
      },
    };
  };
}

/** Puts a row into a table's store of either kind. */
export function keep<K, V>(spec: TableStoreSpec<K, V>, context: ProcessorContext<any, any>, key: K, value: V | null, timestamp: number): 'latest' | 'older' | 'dropped' {
  if (spec.kind === 'versioned') return context.store(spec).put(key, value, timestamp);
  if (value === null) context.store(spec).delete(key);
  else context.store(spec).put(key, value, timestamp);
  return 'latest';
}

function computing<K, V, V2>(parent: TableReader<K, V>, compute: (value: V, key: K) => V2 | null): TableReader<K, V2> {
  const read = (key: K, found: ReturnType<TableReader<K, V>['get']>): ReturnType<TableReader<K, V2>['get']> => {
    if (found === undefined) return undefined;
    const value = compute(found.value, key);
    return value === null || value === undefined ? undefined : { value, timestamp: found.timestamp };
  };
  return { get: (key) => read(key, parent.get(key)), getAsOf: (key, timeMs) => read(key, parent.getAsOf(key, timeMs)) };
}
