// What the left side of a foreign-key join remembers of its rows: what it told the right side last, and, in an inner join, whether there is a result.
// An answer counts if it is to what was told last (docs/decisions/0009).

import type { Serde } from '../../record/serde.ts';
import type { ProcessorContext } from '../processor.ts';
import { Stores, type KeyValueStore, type KeyValueStoreSpec } from '../store-spec.ts';
import { LEFT_ROW, type LeftRow } from './foreign-key-wire.ts';

const NOTHING: LeftRow = { hash: null, hasResult: false };

export function leftRowsSpec<K>(name: string, key: Serde<K>): KeyValueStoreSpec<K, LeftRow> {
  return Stores.keyValue({ name: `${name}-registered`, key, value: LEFT_ROW });
}

export class LeftRows<K> {
  readonly #store: KeyValueStore<K, LeftRow>;

  constructor(spec: KeyValueStoreSpec<K, LeftRow>, context: ProcessorContext<any, any>) {
    this.#store = context.store(spec);
  }

  get(key: K): LeftRow {
    return this.#store.get(key) ?? NOTHING;
  }

  /** The right side has been told of this value; null: that the row is gone. */
  told(key: K, hash: Buffer | null): void {
    this.#set(key, { hash, hasResult: this.get(key).hasResult });
  }

  /** A row is gone of which there was nothing to tell. */
  gone(key: K): void {
    const { hash, hasResult } = this.get(key);
    if (hash !== null && !hasResult) this.#store.delete(key); // else the answer that removes the result is on its way
  }

  /** A result has been sent; null: a tombstone. */
  resulted(key: K, hasResult: boolean, isRowThere: boolean): void {
    this.#set(key, { hash: hasResult || isRowThere ? this.get(key).hash : null, hasResult });
  }

  #set(key: K, row: LeftRow): void {
    const before = this.get(key);
    if (before.hasResult === row.hasResult && areSameHash(before.hash, row.hash)) return;
    if (row.hash === null && !row.hasResult) this.#store.delete(key);
    else this.#store.put(key, row);
  }
}

export function areSameHash(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}
