// Which left rows of an inner foreign-key join have a result. Answers overtake one another between partitions; this tells whether a result is still there that
// nothing stands behind any more. (Kafka Streams leaves such results standing: where it sends no answer since there is no right row, an earlier answer that would
// have removed the result may just have been ignored as stale.)

import type { Serde } from '../../record/serde.ts';
import type { ProcessorContext } from '../processor.ts';
import { Stores, type AnyStoreSpec, type KeyValueStore, type KeyValueStoreSpec } from '../store-spec.ts';
import type { StoredTable } from '../table-origin.ts';
import { PRESENT } from './foreign-key-wire.ts';

export interface Results<K> {
  has(key: K): boolean;
  set(key: K, isThere: boolean): void;
}

export class KnownResults<K, R> {
  readonly #results: StoredTable<K, R>;
  readonly #own: KeyValueStoreSpec<K, true>;

  constructor(results: StoredTable<K, R>, name: string, key: Serde<K>) {
    this.#results = results;
    this.#own = Stores.keyValue({ name: `${name}-joined`, key, value: PRESENT });
  }

  /** The results themselves where they are stored; but a versioned store shows the newest by time, not the last one sent. */
  readonly stores = (): readonly AnyStoreSpec[] => (this.#areStored ? this.#results.stores() : [this.#own]);

  open(context: ProcessorContext<any, any>): Results<K> {
    const { spec } = this.#results;
    if (this.#areStored && spec.kind === 'keyValue') {
      const rows: KeyValueStore<K, R> = context.store(spec);
      return { has: (key) => rows.get(key) !== undefined, set: () => {} };
    }
    const own = context.store(this.#own);
    return {
      has: (key) => own.get(key) !== undefined,
      set(key, isThere) {
        if (isThere) own.put(key, true);
        else if (own.get(key) !== undefined) own.delete(key);
      },
    };
  }

  get #areStored(): boolean {
    return this.#results.isStored && !this.#results.isVersioned;
  }
}
