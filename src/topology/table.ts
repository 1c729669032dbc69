// KTable: the latest value of each key. So far the result of an aggregation, read as a stream of its updates.

import type { KStream } from './stream.ts';

export class KTable<K, V> {
  readonly #updates: KStream<K, V>;

  /** @internal */
  constructor(updates: KStream<K, V>) {
    this.#updates = updates;
  }

  /** Every update as a record. */
  toStream(): KStream<K, V> {
    return this.#updates;
  }
}
