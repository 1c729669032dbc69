// Several groups share windows, and each has a time of its own: one that lags behind may still add to a window that the others have long left, and that the
// results no longer show. Kafka Streams lets such a window begin anew. Here it is kept until it is closed for every group.

import type { Serde } from '../../record/serde.ts';
import { pairSerde } from '../../serdes/composite-key.ts';
import { longSerde } from '../../serdes/long.ts';
import { readUint64, writeUint64 } from '../../serdes/ordered-bytes.ts';
import type { ProcessorContext } from '../processor.ts';
import { Stores, type AnyStoreSpec, type KeyValueStore, type OrderedKeyValueStore, type OrderedKeyValueStoreSpec, type TimestampedValue } from '../store-spec.ts';
import type { Change } from '../table-origin.ts';
import type { Window, Windowed } from '../windowed.ts';
import { closedUpTo, type AnyWindows } from '../windows.ts';
import { closingOrderStore, resultsOnUpdate, type ClosingOrderSpec, type WindowResults } from './emit-on-close.ts';
import type { SessionRows, WindowRows } from './windowed-table.ts';
import type { OperatorTime, TimeStoreSpec } from './operator-time.ts';

export interface KeptSpecs<K, A> {
  /** In the order in which windows close. */
  readonly rows: ClosingOrderSpec<K, A>;
  /** The windows of each key, where they are looked for by key. */
  readonly keys: OrderedKeyValueStoreSpec<readonly [K, Window], number> | undefined;
  /** The operator's, where the length of the longest window is written too. */
  readonly times: TimeStoreSpec;
}

const LONGEST = 'longest-kept';

/** `<operator>-kept`, and `<operator>-kept-keys` for sliding windows and sessions. */
export function keptStores<K, A>(operator: string, key: Serde<K>, value: Serde<A>, windows: AnyWindows, times: TimeStoreSpec): KeptSpecs<K, A> {
  return {
    times,
    rows: closingOrderStore(`${operator}-kept`, key, value),
    keys: windows.kind === 'time' ? undefined : Stores.keyValue({ name: `${operator}-kept-keys`, key: pairSerde(key, windowSerde), value: longSerde(), ordered: true }),
  };
}

export function storesOf({ rows, keys }: KeptSpecs<any, any>): AnyStoreSpec[] {
  return keys === undefined ? [rows] : [rows, keys];
}

class KeptRows<K, A> {
  readonly #rows: OrderedKeyValueStore<Windowed<K>, A>;
  readonly #keys: OrderedKeyValueStore<readonly [K, Window], number> | undefined;
  readonly #lengths: KeyValueStore<string, number>;

  constructor({ rows, keys, times }: KeptSpecs<K, A>, context: ProcessorContext<any, any>) {
    this.#rows = context.store(rows);
    this.#lengths = context.store(times);
    this.#keys = keys && context.store(keys);
  }

  get(key: K, window: Window): TimestampedValue<A> | undefined {
    return this.#rows.entry({ key, window });
  }

  put(key: K, window: Window, value: A | null, timestamp: number): void {
    if (value === null) return this.#remove(key, window);
    this.#rows.put({ key, window }, value, timestamp);
    if (this.#keys === undefined) return;
    this.#keys.put([key, window], 0);
    const lengthMs = window.endMs - window.startMs;
    if (lengthMs > this.#longestMs) this.#lengths.put(LONGEST, lengthMs);
  }

  /** Windows of a key that end after a time and start from `fromMs` to `toMs`. */
  *ofKey(key: K, fromMs: number, toMs: number, openAfterMs: number): Generator<Window & TimestampedValue<A>> {
    const bounds = { from: [key, { startMs: Math.max(fromMs, openAfterMs + 1 - this.#longestMs, 0), endMs: 0 }], to: [key, { startMs: toMs, endMs: Number.MAX_SAFE_INTEGER }] } as const;
    for (const { key: [, window] } of this.#keys!.range(bounds)) {
      if (window.endMs > openAfterMs) yield { ...window, ...this.get(key, window)! };
    }
  }

  forget(closedUpToMs: number): void {
    for (const { key: windowed } of this.#rows.all()) {
      if (windowed.window.endMs > closedUpToMs) return;
      this.#remove(windowed.key, windowed.window);
    }
  }

  get #longestMs(): number {
    return this.#lengths.get(LONGEST) ?? 0;
  }

  #remove(key: K, window: Window): void {
    this.#rows.delete({ key, window });
    this.#keys?.delete([key, window]);
  }
}

/** What is shown, and what is kept beside it. */
export function withKeptWindows<K, A>(
  shown: (context: ProcessorContext<any, any>) => WindowRows<K, A>,
  specs: KeptSpecs<K, A>,
  lengthMs: number,
): (context: ProcessorContext<any, any>) => WindowRows<K, A> {
  return (context) => {
    const rows = shown(context);
    const kept = new KeptRows(specs, context);
    const windowAt = (startMs: number): Window => ({ startMs, endMs: startMs + lengthMs });
    return {
      get: (key, startMs) => kept.get(key, windowAt(startMs)),
      between(key, fromMs, toMs, closedUpToMs) {
        const found = new Map(rows.between(key, fromMs, toMs, closedUpToMs).map((row) => [row.startMs, row]));
        for (const row of kept.ofKey(key, fromMs, toMs, closedUpToMs)) found.set(row.startMs, row);
        return [...found.values()].sort((a, b) => a.startMs - b.startMs);
      },
      put(key, startMs, value, timestamp) {
        rows.put(key, startMs, value, timestamp);
        kept.put(key, windowAt(startMs), value, timestamp);
      },
    };
  };
}

export function withKeptSessions<K, A>(shown: (context: ProcessorContext<any, any>) => SessionRows<K, A>, specs: KeptSpecs<K, A>): (context: ProcessorContext<any, any>) => SessionRows<K, A> {
  return (context) => {
    const rows = shown(context);
    const kept = new KeptRows(specs, context);
    return {
      find(key, earliestEndMs, latestStartMs, closedUpToMs) {
        const found = rows.find(key, earliestEndMs, latestStartMs, closedUpToMs);
        for (const session of kept.ofKey(key, 0, latestStartMs, Math.max(closedUpToMs, earliestEndMs - 1))) {
          if (!found.some(({ startMs, endMs }) => startMs === session.startMs && endMs === session.endMs)) found.push(session);
        }
        return found.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
      },
      put(key, startMs, endMs, value) {
        rows.put(key, startMs, endMs, value);
        kept.put(key, { startMs, endMs }, value, endMs);
      },
    };
  };
}

/** Results on update; what is closed for all groups is forgotten. */
export function resultsOfGroups<K, A>(context: ProcessorContext<Windowed<K>, Change<A>>, specs: KeptSpecs<K, A>, windows: AnyWindows, times: readonly OperatorTime[]): WindowResults<K, A> {
  const kept = new KeptRows(specs, context);
  const { changed } = resultsOnUpdate(context);
  return { changed, look: () => kept.forget(closedUpTo(windows, Math.min(...times.map((time) => time.streamTime)))) };
}

const windowSerde: Serde<Window> = {
  name: 'window',
  serialize(_topic, { startMs, endMs }) {
    const bytes = Buffer.allocUnsafe(16);
    writeUint64(bytes, startMs, 0);
    writeUint64(bytes, endMs, 8);
    return bytes;
  },
  deserialize: (_topic, bytes) => ({ startMs: readUint64(bytes, 0), endMs: readUint64(bytes, 8) }),
};
