// Key-value store: one entry per key, with the timestamp it was put under; with a time to live, what is older counts as absent.

import type { KeyValueStore, KeyValueStoreSpec, TimestampedValue } from '../topology/store-spec.ts';
import { decodeTimestamped, encodeTimestamped } from './bytes.ts';
import type { Overlay } from './overlay.ts';
import type { StoreClock, TaskStore } from './task-store.ts';

export class OverlaidKeyValueStore<K, V> implements KeyValueStore<K, V>, TaskStore {
  readonly spec: KeyValueStoreSpec<K, V>;
  readonly topic: string;
  readonly overlay: Overlay;
  readonly #clock: StoreClock;

  constructor(spec: KeyValueStoreSpec<K, V>, topic: string, overlay: Overlay, clock: StoreClock) {
    this.spec = spec;
    this.topic = topic;
    this.overlay = overlay;
    this.#clock = clock;
  }

  get(key: K): V | undefined {
    return this.entry(key)?.value;
  }

  entry(key: K): TimestampedValue<V> | undefined {
    const bytes = this.overlay.get(this.#keyBytes(key));
    if (bytes === undefined) return undefined;
    const { timestamp, value } = decodeTimestamped(bytes, this.spec.name);
    if (this.#isExpired(timestamp)) return undefined;
    return { timestamp, value: this.spec.value.deserialize(this.topic, value) };
  }

  put(key: K, value: V, timestamp: number = this.#clock.recordTimestamp()): void {
    const bytes = encodeTimestamped(this.spec.value.serialize(this.topic, value), timestamp);
    this.overlay.put(this.#keyBytes(key), bytes, timestamp);
  }

  delete(key: K): void {
    this.overlay.put(this.#keyBytes(key), null, this.#clock.recordTimestamp());
  }

  isDisposable(_key: Buffer, value: Buffer): boolean {
    return this.#isExpired(decodeTimestamped(value, this.spec.name).timestamp);
  }

  get expires(): boolean {
    return this.spec.ttlMs !== undefined;
  }

  #isExpired(timestamp: number): boolean {
    return this.spec.ttlMs !== undefined && timestamp + this.spec.ttlMs < this.#clock.streamTime();
  }

  #keyBytes(key: K): Buffer {
    return this.spec.key.serialize(this.topic, key);
  }
}
