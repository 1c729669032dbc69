// Where a table's rows come from, and what is remembered of them. Tables are lazy: rows are only stored when an operator below has to read them, or has to
// know what an update replaced. As in Kafka Streams, the operator asks, and the wish travels up to whoever can store.

import type { StreamRecord } from '../record/record.ts';
import type { ProcessorContext } from './processor.ts';
import type { AnyStoreSpec, KeyValueStore, KeyValueStoreSpec, TimestampedValue, VersionedStore, VersionedStoreSpec } from './store-spec.ts';

/** What flows between operators of a table. A row that is not there is null. */
export interface Change<V> {
  readonly newValue: V | null;
  /** What the update replaced; null too where nobody below needs it. */
  readonly oldValue: V | null;
  /** False only on versioned tables, for an update that came late: the row's newest version is another. */
  readonly isLatest: boolean;
}

export type TableRecord<K, V> = StreamRecord<K, Change<V>>;

/** A table as an operator below reads it, inside a task. */
export interface TableReader<K, V> {
  get(key: K): TimestampedValue<V> | undefined;
  /** The row as it was at a time (epoch ms); a table that is not versioned has only its present. */
  getAsOf(key: K, timeMs: number): TimestampedValue<V> | undefined;
}

export interface TableView<K, V> {
  /** Whoever reads must be connected to these. Complete once the topology is built. */
  readonly stores: () => readonly AnyStoreSpec[];
  reader(context: ProcessorContext<any, any>): TableReader<K, V>;
}

export interface TableOrigin<K, V> {
  readonly isVersioned: boolean;
  /** From now on every update tells what it replaced; what must be stored for that is stored. */
  requireOldValues(): void;
  /**
   * As `requireOldValues`, but nothing is stored for it: true if old values will come all the same. That follows from how the table was declared, not from who
   * else reads it: an operator added elsewhere must not change what comes out here.
   */
  acceptOldValues(): boolean;
  /** Rows can be read from now on; what must be stored for that is stored. */
  view(): TableView<K, V>;
}

export type TableStoreSpec<K, V> = KeyValueStoreSpec<K, V> | VersionedStoreSpec<K, V>;

/** Rows in a store of the table's own: always, where it was declared so, or once an operator below asks. */
export class StoredTable<K, V> implements TableOrigin<K, V> {
  readonly spec: TableStoreSpec<K, V>;
  readonly #isDeclaredStored: boolean;
  #isStored: boolean;

  constructor(spec: TableStoreSpec<K, V>, isStored: boolean) {
    this.spec = spec;
    this.#isDeclaredStored = isStored;
    this.#isStored = isStored;
  }

  get isVersioned(): boolean {
    return this.spec.kind === 'versioned';
  }

  get isStored(): boolean {
    return this.#isStored;
  }

  requireOldValues(): void {
    this.#isStored = true;
  }

  acceptOldValues(): boolean {
    return this.#isDeclaredStored;
  }

  view(): TableView<K, V> {
    this.#isStored = true;
    return { stores: this.stores, reader: (context) => readerOf(this.spec, context) };
  }

  readonly stores = (): readonly AnyStoreSpec[] => (this.#isStored ? [this.spec] : []);
}

export function readerOf<K, V>(spec: TableStoreSpec<K, V>, context: ProcessorContext<any, any>): TableReader<K, V> {
  if (spec.kind === 'versioned') {
    const versions: VersionedStore<K, V> = context.store(spec);
    return { get: (key) => versions.get(key), getAsOf: (key, timeMs) => versions.get(key, timeMs) };
  }
  const rows: KeyValueStore<K, V> = context.store(spec);
  return { get: (key) => rows.entry(key), getAsOf: (key) => rows.entry(key) };
}
