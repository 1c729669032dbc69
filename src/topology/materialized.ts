// The store behind a table: its name is part of its changelog's, `<applicationId>-<name>-changelog`, so it is never made up.

import type { Serde } from '../record/serde.ts';
import { Stores } from './store-spec.ts';
import type { TableStoreSpec } from './table-origin.ts';

/** Names the store whose value serde follows from the operator: that of a count, of a reduce. */
export interface Materialized {
  readonly name: string;
}

export interface MaterializedAs<K, V> extends Materialized {
  readonly key: Serde<NonNullable<K>>;
  readonly value: Serde<NonNullable<V>>;
  /** A versioned store: rows can be read as they were up to this many ms of event time ago, and late updates fall into their place in time. */
  readonly historyMs?: number;
}

export function storeSpec<K, V>(materialized: MaterializedAs<K, V>): TableStoreSpec<NonNullable<K>, NonNullable<V>> {
  const { name, key, value, historyMs } = materialized;
  return historyMs === undefined ? Stores.keyValue({ name, key, value }) : Stores.versioned({ name, key, value, historyMs });
}
