// Timer store: due times by key, durable like any store, with an index by due time in memory: firing costs what is due, not what waits.

import { readUint64, writeUint64 } from '../serdes/ordered-bytes.ts';
import type { KeyBounds, Timer, TimerStore, TimerStoreSpec } from '../topology/store-spec.ts';
import { decodeTimestamped, encodeTimestamped } from './bytes.ts';
import { changelogHeader, readChangelogHeader } from './changelog-header.ts';
import { byteBounds } from './key-bounds.ts';
import type { Overlay } from './overlay.ts';
import { SortedMap } from './sorted-map.ts';
import type { ChangelogRecord, Restored, StoreClock, TaskStore } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';

const EMPTY = Buffer.alloc(0);

export class OverlaidTimerStore implements TimerStore, TaskStore {
  readonly spec: TimerStoreSpec;
  readonly topic: string;
  readonly overlay: Overlay;
  readonly expires = false;
  readonly #clock: StoreClock;
  readonly #undo: UndoLog;
  readonly #byDue = new SortedMap<Timer, true>(undefined, (a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  readonly #byKey = new Map<string, number>();

  constructor(spec: TimerStoreSpec, topic: string, overlay: Overlay, clock: StoreClock, undo: UndoLog) {
    this.spec = spec;
    this.topic = topic;
    this.overlay = overlay;
    this.#clock = clock;
    this.#undo = undo;
  }

  schedule(key: string, dueMs: number): void {
    this.#move(key, dueMs);
    this.overlay.put(Buffer.from(key), encodeTimestamped(EMPTY, dueMs), this.#clock.recordTimestamp());
  }

  cancel(key: string): void {
    if (!this.#byKey.has(key)) return;
    this.#move(key, undefined);
    this.overlay.put(Buffer.from(key), null, this.#clock.recordTimestamp());
  }

  dueOf(key: string): number | undefined {
    return this.#byKey.get(key);
  }

  due(nowMs: number, limit = Number.POSITIVE_INFINITY): Timer[] {
    const found: Timer[] = [];
    for (const entry of this.#byDue.keys()) {
      if (entry.dueMs > nowMs || found.length >= limit) break;
      found.push(entry);
    }
    return found;
  }

  async *scan(bounds: KeyBounds<string> = {}): AsyncGenerator<Timer> {
    const { from, end } = byteBounds(bounds, (key) => Buffer.from(key));
    for await (const [key, bytes] of this.overlay.scan(from, end)) yield { key: key.toString(), dueMs: this.#dueIn(bytes) };
  }

  isDisposable(): boolean {
    return false;
  }

  /** The value is the due time as a long. */
  *changelog(): Generator<ChangelogRecord> {
    for (const { key, value, timestamp } of this.overlay.pending()) {
      if (value === null) yield { key, value, timestamp, headers: [] };
      else yield { key, value: longOf(this.#dueIn(value)), timestamp, headers: changelogHeader('timer', timestamp) };
    }
  }

  restore(records: readonly ChangelogRecord[]): Restored {
    return {
      writes: records.map(({ key, value, headers }) => {
        if (value === null) return { key, value };
        readChangelogHeader('timer', headers, this.topic);
        return { key, value: encodeTimestamped(EMPTY, readUint64(value, 0)) };
      }),
    };
  }

  async load(): Promise<void> {
    this.#byDue.clear();
    this.#byKey.clear();
    for await (const [key, value] of this.overlay.scanCommitted()) this.#place(key.toString(), this.#dueIn(value));
  }

  #dueIn(bytes: Buffer): number {
    return decodeTimestamped(bytes, this.spec.name).timestamp;
  }

  #move(key: string, dueMs: number | undefined): void {
    const before = this.#byKey.get(key);
    this.#place(key, dueMs);
    this.#undo.push(() => this.#place(key, before));
  }

  #place(key: string, dueMs: number | undefined): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) this.#byDue.delete({ dueMs: before, key });
    if (dueMs === undefined) {
      this.#byKey.delete(key);
      return;
    }
    this.#byKey.set(key, dueMs);
    this.#byDue.set({ dueMs, key }, true);
  }
}

function longOf(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  writeUint64(bytes, value, 0);
  return bytes;
}
