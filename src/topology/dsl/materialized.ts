// The store behind a table: its name is part of its changelog's, `<applicationId>-<name>-changelog`, so it is never made up.

import type { SerdeFor } from '../../record/serde.ts';
import { InvalidWindowError } from '../errors.ts';
import { Stores } from '../store-spec.ts';
import type { TableStoreSpec } from '../table-origin.ts';

/** Names the store whose value serde follows from the operator: that of a count, of a reduce. */
export interface Materialized {
  readonly name: string;
}

/** A store of one row per key. */
export interface MaterializedRows extends Materialized {
  /**
   * A versioned store: rows can be read as they were up to this many ms of event time ago, and late updates fall into their place in time. An integer of at
   * least 0. @throws {InvalidWindowError}
   */
  readonly historyMs?: number;
}

/** A store whose serdes do not follow from the operator: that of a filtered, mapped or joined table. */
export interface MaterializedAs<K, V> extends MaterializedRows {
  readonly key: SerdeFor<NonNullable<K>>;
  readonly value: SerdeFor<NonNullable<V>>;
}

/** @throws {InvalidWindowError} */
export function storeSpec<K, V>(materialized: MaterializedAs<K, V>): TableStoreSpec<NonNullable<K>, NonNullable<V>> {
  const { name, key, value, historyMs } = materialized;
  if (historyMs === undefined) return Stores.keyValue({ name, key, value });
  if (!Number.isSafeInteger(historyMs) || historyMs < 0) {
    throw new InvalidWindowError(`table "${name}" has historyMs ${historyMs}: give milliseconds of event time, an integer of at least 0, or leave it out for a table without history.`);
  }
  return Stores.versioned({ name, key, value, historyMs });
}
