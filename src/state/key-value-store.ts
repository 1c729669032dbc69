// Key-value store: one entry per key, with the timestamp it was put under; with a time to live, what is older counts as absent.

import type { KeyBounds, KeyValueEntry, KeyValueStore, KeyValueStoreSpec, TimestampedValue } from '../topology/store-spec.ts';
import { decodeTimestamped, encodeTimestamped } from './bytes.ts';
import { changelogHeader, readChangelogHeader } from './changelog-header.ts';
import { byteBounds } from './key-bounds.ts';
import type { Overlay } from './overlay.ts';
import type { ChangelogRecord, Restored, Serialized, StoreClock, TaskStore } from './task-store.ts';

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
    return this.read(this.keyBytes(key));
  }

  put(key: K, value: V, timestamp: number = this.#clock.recordTimestamp()): void {
    this.write(this.keyBytes(key), encodeTimestamped(this.spec.value.serialize(this.topic, value), timestamp), timestamp);
  }

  delete(key: K): void {
    this.write(this.keyBytes(key), null, this.#clock.recordTimestamp());
  }

  async *scan(bounds: KeyBounds<K> = {}): AsyncGenerator<KeyValueEntry<K, V>> {
    const now = this.#clock.streamTime();
    const { from, end } = byteBounds(bounds, (key) => this.keyBytes(key));
    for await (const [key, bytes] of this.overlay.scan(from, end)) {
      const { timestamp, value } = decodeTimestamped(bytes, this.spec.name);
      if (!this.#isExpired(timestamp, now)) yield { key: this.keyOf(key), value: this.spec.value.deserialize(this.topic, value), timestamp };
    }
  }

  isDisposable(_key: Buffer, value: Buffer): boolean {
    return this.#isExpired(decodeTimestamped(value, this.spec.name).timestamp, this.#clock.streamTime());
  }

  get expires(): boolean {
    return this.spec.ttlMs !== undefined;
  }

  /** Key and value are the serdes' own bytes; the entry's timestamp stands in the header. */
  *changelog(): Generator<ChangelogRecord> {
    for (const { key, value, timestamp } of this.overlay.pending()) {
      const entry = value === null ? undefined : decodeTimestamped(value, this.spec.name);
      yield { key, value: entry?.value ?? null, timestamp, headers: entry === undefined ? [] : changelogHeader('keyValue', entry.timestamp) };
    }
  }

  restore(records: readonly ChangelogRecord[]): Restored {
    return {
      writes: records.map(({ key, value, headers }) => ({
        key,
        value: value === null ? null : encodeTimestamped(value, readChangelogHeader('keyValue', headers, this.topic).time),
      })),
    };
  }

  serialized({ key, value }: ChangelogRecord): Serialized {
    return { key, values: value === null ? [] : [value] };
  }

  serializedIn(key: Buffer, value: Buffer): Serialized {
    return { key, values: [decodeTimestamped(value, this.spec.name).value] };
  }

  protected write(keyBytes: Buffer, value: Buffer | null, timestamp: number): void {
    this.overlay.put(keyBytes, value, timestamp);
  }

  protected read(keyBytes: Buffer): TimestampedValue<V> | undefined {
    const bytes = this.overlay.get(keyBytes);
    if (bytes === undefined) return undefined;
    const { timestamp, value } = decodeTimestamped(bytes, this.spec.name);
    if (this.#isExpired(timestamp, this.#clock.streamTime())) return undefined;
    return { timestamp, value: this.spec.value.deserialize(this.topic, value) };
  }

  protected keyBytes(key: K): Buffer {
    return this.spec.key.serialize(this.topic, key);
  }

  protected keyOf(keyBytes: Buffer): K {
    return this.spec.key.deserialize(this.topic, keyBytes);
  }

  #isExpired(timestamp: number, now: number): boolean {
    return this.spec.ttlMs !== undefined && timestamp + this.spec.ttlMs < now;
  }
}
