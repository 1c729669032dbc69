// Window store: values by key and time. LevelDB has no synchronous iterator, so it is laid out for point lookups: one entry per time segment and key,
// which holds all values of that key in that segment.

import type { TimestampedValue, WindowStore, WindowStoreSpec } from '../topology/store-spec.ts';
import { decodeEntries, encodeEntries, readUint64, writeUint64 } from './bytes.ts';
import type { Overlay } from './overlay.ts';
import type { TaskStore } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';

const SHORTEST_SEGMENT_MS = 1_000;

export class OverlaidWindowStore<K, V> implements WindowStore<K, V>, TaskStore {
  readonly spec: WindowStoreSpec<K, V>;
  readonly topic: string;
  readonly overlay: Overlay;
  readonly expires = true;
  readonly #undo: UndoLog;
  /** Part of the stored layout: a function of the retention alone. */
  readonly #segmentMs: number;
  #observed = -1;

  constructor(spec: WindowStoreSpec<K, V>, topic: string, overlay: Overlay, undo: UndoLog) {
    this.spec = spec;
    this.topic = topic;
    this.overlay = overlay;
    this.#undo = undo;
    this.#segmentMs = Math.max(Math.ceil(spec.retentionMs / 2), SHORTEST_SEGMENT_MS);
  }

  put(key: K, value: V, timestamp: number): void {
    this.#observe(timestamp);
    if (timestamp <= this.#oldestHidden()) return;
    const segmentKey = this.#segmentKey(key, this.#segmentOf(timestamp));
    const stored = this.overlay.get(segmentKey);
    const entries = stored === undefined ? [] : decodeEntries(stored, this.spec.name);
    const payload = this.spec.value.serialize(this.topic, value);
    const at = entries.findLastIndex((entry) => entry.timestamp <= timestamp);
    const replaces = !this.spec.retainDuplicates && at >= 0 && entries[at]!.timestamp === timestamp;
    entries.splice(replaces ? at : at + 1, replaces ? 1 : 0, { timestamp, value: payload });
    this.overlay.put(segmentKey, encodeEntries(entries), timestamp);
  }

  fetch(key: K, fromMs: number, toMs: number): TimestampedValue<V>[] {
    const from = Math.max(fromMs, this.#oldestHidden() + 1, 0);
    const found: TimestampedValue<V>[] = [];
    // Nothing above the highest timestamp ever put can be there, so the loop is bounded by the retention whatever `toMs` is.
    const to = Math.min(toMs, this.#observed);
    for (let segment = this.#segmentOf(from); segment <= to; segment += this.#segmentMs) {
      const stored = this.overlay.get(this.#segmentKey(key, segment));
      if (stored === undefined) continue;
      for (const { timestamp, value } of decodeEntries(stored, this.spec.name)) {
        if (timestamp >= from && timestamp <= to) found.push({ timestamp, value: this.spec.value.deserialize(this.topic, value) });
      }
    }
    return found;
  }

  isDisposable(key: Buffer): boolean {
    return readUint64(key, 0) + this.#segmentMs - 1 <= this.#oldestHidden();
  }

  observedTime(): number {
    return this.#observed;
  }

  observedIn(value: Buffer): number {
    return decodeEntries(value, this.spec.name).at(-1)?.timestamp ?? -1;
  }

  async load(observedTime: number): Promise<void> {
    this.#observed = observedTime;
  }

  /** Entries at or below this timestamp are not visible any more. */
  #oldestHidden(): number {
    return this.#observed - this.spec.retentionMs;
  }

  #segmentOf(timestamp: number): number {
    return timestamp - (timestamp % this.#segmentMs);
  }

  #segmentKey(key: K, segment: number): Buffer {
    const keyBytes = this.spec.key.serialize(this.topic, key);
    const bytes = Buffer.allocUnsafe(8 + keyBytes.length);
    writeUint64(bytes, segment, 0);
    keyBytes.copy(bytes, 8);
    return bytes;
  }

  #observe(timestamp: number): void {
    if (timestamp <= this.#observed) return;
    const before = this.#observed;
    this.#observed = timestamp;
    this.#undo.push(() => void (this.#observed = before));
  }
}
