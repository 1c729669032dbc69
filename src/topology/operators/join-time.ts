// The stream time of a join of streams: one for both sides. It is state like any other, so that a restart goes on with it and a record that fails has not moved it.

import { longSerde } from '../../serdes/long.ts';
import { stringSerde } from '../../serdes/string.ts';
import { Stores, type KeyValueStore, type KeyValueStoreSpec } from '../store-spec.ts';

export type JoinTimeSpec = KeyValueStoreSpec<string, number>;

const STREAM_TIME = 'stream-time';
const NEXT_LOOK = 'next-look';

export function joinTimeSpec(name: string): JoinTimeSpec {
  return Stores.keyValue({ name, key: stringSerde(), value: longSerde() });
}

export class JoinTime {
  readonly #store: KeyValueStore<string, number>;
  readonly #lookIntervalMs: number;

  constructor(store: KeyValueStore<string, number>, lookIntervalMs: number) {
    this.#store = store;
    this.#lookIntervalMs = lookIntervalMs;
  }

  /** The highest timestamp so far, this one included. */
  observe(timestamp: number): number {
    const before = this.#store.get(STREAM_TIME);
    if (before !== undefined && before >= timestamp) return before;
    this.#store.put(STREAM_TIME, timestamp, timestamp);
    return timestamp;
  }

  /** Whether results that wait may be looked for now; true makes the next look wait for the interval. `nowMs`: wall clock. */
  mayLook(nowMs: number): boolean {
    if (this.#lookIntervalMs === 0) return true;
    const next = this.#store.get(NEXT_LOOK);
    // Further away than an interval: another computer's clock was ahead, or the interval has been shortened. Nobody is to wait for that.
    if (next !== undefined && nowMs < next && next - nowMs <= this.#lookIntervalMs) return false;
    this.#store.put(NEXT_LOOK, nowMs + this.#lookIntervalMs);
    return true;
  }
}
