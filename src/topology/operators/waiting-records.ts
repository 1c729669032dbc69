// Records that wait for their time inside an operator, in the order in which they will come out: by time, then by the key's bytes, then by arrival.

import type { Serde } from '../../record/serde.ts';
import { pairSerde, timeKeySerde, type TimeKey } from '../../serdes/composite-key.ts';
import { longSerde } from '../../serdes/long.ts';
import { Stores, type OrderedKeyValueStore, type OrderedKeyValueStoreSpec } from '../store-spec.ts';

/** The number tells records of the same time and key apart, in order of arrival. */
type Place<K> = TimeKey<readonly [key: K, arrival: number]>;

export type WaitingRecordsSpec<K, V> = OrderedKeyValueStoreSpec<Place<K>, V>;

export interface WaitingRecord<K, V> {
  readonly timestamp: number;
  readonly key: K;
  readonly value: V;
}

export function waitingRecordsSpec<K, V>({ name, key, value }: { name: string; key: Serde<K>; value: Serde<V> }): WaitingRecordsSpec<K, V> {
  return Stores.keyValue({ name, key: timeKeySerde(pairSerde(key, longSerde())), value, ordered: true });
}

export class WaitingRecords<K, V> {
  readonly #store: OrderedKeyValueStore<Place<K>, V>;

  constructor(store: OrderedKeyValueStore<Place<K>, V>) {
    this.#store = store;
  }

  add({ timestamp, key, value }: WaitingRecord<K, V>): void {
    let arrival = 0;
    for (const last of this.#store.range({ ...sameTimeAndKey(timestamp, key), reverse: true, limit: 1 })) arrival = last.key[1][1] + 1;
    this.#store.put([timestamp, [key, arrival]], value, timestamp);
  }

  /** All of this key and time stop waiting. */
  remove(key: K, timestamp: number): void {
    for (const entry of this.#store.range(sameTimeAndKey(timestamp, key))) this.#store.delete(entry.key);
  }

  /** The lowest time at which one waits; undefined when none does. */
  firstTime(): number | undefined {
    return this.#store.first()?.key[0];
  }

  /** The first in order, which then no longer waits. */
  takeFirst(): WaitingRecord<K, V> | undefined {
    const found = this.#store.first();
    if (found === undefined) return undefined;
    this.#store.delete(found.key);
    const [timestamp, [key]] = found.key;
    return { timestamp, key, value: found.value };
  }

  /** The highest time at which one waits; undefined when none does. */
  lastTime(): number | undefined {
    for (const last of this.#store.range({ reverse: true, limit: 1 })) return last.key[0];
    return undefined;
  }
}

function sameTimeAndKey<K>(timestamp: number, key: K): { from: Place<K>; to: Place<K> } {
  return { from: [timestamp, [key, 0]], to: [timestamp, [key, Number.MAX_SAFE_INTEGER]] };
}
