// Timer store: due times by key, durable like any store, with an index by due time in memory: firing costs what is due, not what waits.

import type { TimerStore, TimerStoreSpec } from '../topology/store-spec.ts';
import { decodeTimestamped, encodeTimestamped } from './bytes.ts';
import type { Overlay } from './overlay.ts';
import { SortedMap } from './sorted-map.ts';
import type { StoreClock, TaskStore } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';


interface Due {
  readonly dueMs: number;
  readonly key: string;
}

const EMPTY = Buffer.alloc(0);

export class OverlaidTimerStore implements TimerStore, TaskStore {
  readonly spec: TimerStoreSpec;
  readonly topic: string;
  readonly overlay: Overlay;
  readonly expires = false;
  readonly #clock: StoreClock;
  readonly #undo: UndoLog;
  readonly #byDue = new SortedMap<Due, true>(undefined, (a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
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

  due(nowMs: number, limit = Number.POSITIVE_INFINITY): Due[] {
    const found: Due[] = [];
    for (const entry of this.#byDue.keys()) {
      if (entry.dueMs > nowMs || found.length >= limit) break;
      found.push(entry);
    }
    return found;
  }

  isDisposable(): boolean {
    return false;
  }

  async load(): Promise<void> {
    this.#byDue.clear();
    this.#byKey.clear();
    for await (const [key, value] of this.overlay.scanCommitted()) this.#place(key.toString(), decodeTimestamped(value, this.spec.name).timestamp);
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
