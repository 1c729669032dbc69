// Stores as data: what a topology asks for. src/state builds the real thing from these.

import type { Serde } from '../record/serde.ts';
import { InvalidWindowError } from './errors.ts';

/** A value and the timestamp (epoch ms) it was put under. */
export interface TimestampedValue<V> {
  readonly timestamp: number;
  readonly value: V;
}

/** What walking a store gives. */
export interface KeyValueEntry<K, V> extends TimestampedValue<V> {
  readonly key: K;
}

/** Both ends inclusive, compared by serialized key bytes (unsigned); absent: open. */
export interface KeyBounds<K> {
  readonly from?: K | undefined;
  readonly to?: K | undefined;
}

/**
 * A whole store, for queries and tests: what it shows at the moment of the first read, uncommitted writes included, in the order of serialized key bytes, then
 * of time. Asynchronous, since it reads from disk, and so not for processors. Leaving the loop early closes it.
 */
export interface Scannable<K, E> {
  scan(bounds?: KeyBounds<K>): AsyncIterable<E>;
}

/** One value per key, with the timestamp it was put under. Reads show what the record in hand has changed; if its processing throws, all of that is undone. */
export interface KeyValueStore<K, V> extends Scannable<K, KeyValueEntry<K, V>> {
  get(key: K): V | undefined;
  /** The value with the timestamp it was put under. */
  entry(key: K): TimestampedValue<V> | undefined;
  /** `timestamp`: epoch ms; by default that of the record being processed, or stream time inside a punctuator. */
  put(key: K, value: V, timestamp?: number): void;
  delete(key: K): void;
}

/** Which part of an ordered store to walk, and how. */
export interface RangeOptions<K> extends KeyBounds<K> {
  /** From the highest key down. */
  readonly reverse?: boolean | undefined;
  /** At most this many entries. */
  readonly limit?: number | undefined;
}

/**
 * A key-value store that can be walked in the order of its serialized keys while a record is processed. Keys (not values) are held in memory: some 50 bytes for
 * each beside the key itself; values are read one by one as the loop reaches them. A loop may put and delete as it goes: it shows what is there when it gets there.
 */
export interface OrderedKeyValueStore<K, V> extends KeyValueStore<K, V> {
  range(options?: RangeOptions<K>): Iterable<KeyValueEntry<K, V>>;
  all(): Iterable<KeyValueEntry<K, V>>;
  /** Entries whose serialized key begins with these bytes. */
  prefix(bytes: Buffer): Iterable<KeyValueEntry<K, V>>;
  /** The entry with the lowest key. */
  first(): KeyValueEntry<K, V> | undefined;
}

/**
 * Values by key and time, visible while `timestamp > observed − retentionMs` (observed: the highest timestamp ever put or deleted).
 * With `retainDuplicates`, several values may share key and timestamp; without it the last one wins.
 */
export interface WindowStore<K, V> extends Scannable<K, KeyValueEntry<K, V>> {
  /** What is not visible any more is not taken. `timestamp`: epoch ms, at least 0. */
  put(key: K, value: V, timestamp: number): void;
  /** Entries with `fromMs <= timestamp <= toMs`, by timestamp, then arrival. */
  fetch(key: K, fromMs: number, toMs: number): TimestampedValue<V>[];
  /** The entry of just this time; with `retainDuplicates` the first of them. */
  get(key: K, timestamp: number): V | undefined;
  /** Removes the entry of just this time; with `retainDuplicates` all of them. It lets time pass as a put does. */
  delete(key: K, timestamp: number): void;
}

/** Both ends inclusive, epoch ms. */
export interface Session<V> {
  readonly startMs: number;
  readonly endMs: number;
  readonly value: V;
}

/** What scanning a session store gives. */
export interface SessionEntry<K, V> extends Session<V> {
  readonly key: K;
}

/** Values by key and an interval of time, visible while `endMs > highest end ever put − retentionMs`. */
export interface SessionStore<K, V> extends Scannable<K, SessionEntry<K, V>> {
  /**
   * Those that end at or after `earliestEndMs` and start at or before `latestStartMs`, by start, then end. `hiddenFromMs`: also such as have become invisible this
   * very millisecond, if they end at this time or after.
   */
  findSessions(key: K, earliestEndMs: number, latestStartMs: number, hiddenFromMs?: number): Session<V>[];
  get(key: K, startMs: number, endMs: number): V | undefined;
  /** What is not visible any more is not taken. Times in epoch ms, at least 0, start not after end. */
  put(key: K, startMs: number, endMs: number, value: V): void;
  /** It lets time pass as a put does. */
  remove(key: K, startMs: number, endMs: number): void;
}

/** latest: the row's newest version. older: put in its place in time. dropped: older than the history. */
export type VersionedPut = 'latest' | 'older' | 'dropped';

/**
 * Rows with their past: each version holds from its timestamp until that of the next one, and can be read for `historyMs` after that (by the highest timestamp the
 * store has seen). A row's latest version stays readable however old it is.
 */
export interface VersionedStore<K, V> extends Scannable<K, KeyValueEntry<K, V>> {
  /** `value` null: the row was deleted at that time. A version of the same timestamp is replaced. `timestamp`: epoch ms, at least 0. */
  put(key: K, value: V | null, timestamp: number): VersionedPut;
  /** The latest version, or with `asOfMs` the one that held then; undefined when the row was not there, or when that lies before the history. */
  get(key: K, asOfMs?: number): TimestampedValue<V> | undefined;
}

/** Something that is due for a key at a time (epoch ms). */
export interface Timer {
  readonly key: string;
  readonly dueMs: number;
}

/** Due times by key, in memory ordered by due time, durable like any store: firing costs what is due, not what waits. */
export interface TimerStore extends Scannable<string, Timer> {
  /** Sets or moves the timer of this key. `dueMs`: epoch ms of the clock the owner compares with. */
  schedule(key: string, dueMs: number): void;
  cancel(key: string): void;
  dueOf(key: string): number | undefined;
  /** Keys due at or before `nowMs`, by due time, then key. The caller cancels or moves what it handles. */
  due(nowMs: number, limit?: number): Timer[];
}

interface StoreSpecBase {
  /** Part of the changelog's topic name: changing it loses the state. */
  readonly name: string;
}

interface Typed<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** Made by `Stores.keyValue(…)`. */
export interface KeyValueStoreSpec<K, V> extends StoreSpecBase, Typed<K, V> {
  readonly kind: 'keyValue';
  /** Entries older than this (stream time − entry's timestamp, ms) count as absent and are removed in time. Undefined: kept for ever. */
  readonly ttlMs?: number;
  /** Keys are held in memory, so that processors can walk them in order: {@link OrderedKeyValueStore}. */
  readonly ordered?: boolean;
}

/** Made by `Stores.keyValue({ ordered: true, … })`. */
export interface OrderedKeyValueStoreSpec<K, V> extends KeyValueStoreSpec<K, V> {
  readonly ordered: true;
}

/** Made by `Stores.window(…)`. Times in ms. */
export interface WindowStoreSpec<K, V> extends StoreSpecBase, Typed<K, V> {
  readonly kind: 'window';
  readonly retentionMs: number;
  readonly retainDuplicates: boolean;
  /**
   * Values of one key are kept together by time segments of this length: a fetch costs one lookup for each segment it touches, a put rewrites its segment. Windows
   * that begin at multiples of some length are best read with just that. Default: half the retention, at least a second.
   */
  readonly segmentMs?: number;
}

const SHORTEST_SEGMENT_MS = 1_000;

/** Part of how a window store lies on disk: a function of the spec alone. */
export function segmentMsOf(spec: WindowStoreSpec<any, any>): number {
  return spec.segmentMs ?? Math.max(Math.ceil(spec.retentionMs / 2), SHORTEST_SEGMENT_MS);
}

/** Made by `Stores.session(…)`. Times in ms. */
export interface SessionStoreSpec<K, V> extends StoreSpecBase, Typed<K, V> {
  readonly kind: 'session';
  readonly retentionMs: number;
}

/** Made by `Stores.versioned(…)`. Times in ms. */
export interface VersionedStoreSpec<K, V> extends StoreSpecBase, Typed<K, V> {
  readonly kind: 'versioned';
  /** How far back reads go and late updates are taken: ms before the highest timestamp the store has seen. */
  readonly historyMs: number;
}

/** Made by `Stores.timers(…)`. */
export interface TimerStoreSpec extends StoreSpecBase {
  readonly kind: 'timer';
}

/** What the functions of `Stores` make: a store as data, to be listed where a processor is added. */
export type AnyStoreSpec =
  | KeyValueStoreSpec<any, any>
  | WindowStoreSpec<any, any>
  | SessionStoreSpec<any, any>
  | VersionedStoreSpec<any, any>
  | TimerStoreSpec;

/** The store that a spec describes: what `context.store(spec)` returns. */
export type StoreOf<S extends AnyStoreSpec> =
  S extends OrderedKeyValueStoreSpec<infer K, infer V> ? OrderedKeyValueStore<K, V>
  : S extends KeyValueStoreSpec<infer K, infer V> ? KeyValueStore<K, V>
  : S extends WindowStoreSpec<infer K, infer V> ? WindowStore<K, V>
  : S extends SessionStoreSpec<infer K, infer V> ? SessionStore<K, V>
  : S extends VersionedStoreSpec<infer K, infer V> ? VersionedStore<K, V>
  : TimerStore;

function keyValue<K, V>(spec: Omit<OrderedKeyValueStoreSpec<K, V>, 'kind'>): OrderedKeyValueStoreSpec<K, V>;
function keyValue<K, V>(spec: Omit<KeyValueStoreSpec<K, V>, 'kind'>): KeyValueStoreSpec<K, V>;
function keyValue<K, V>(spec: Omit<KeyValueStoreSpec<K, V>, 'kind'>): KeyValueStoreSpec<K, V> {
  checkTimes(spec, { ttlMs: 0 });
  return Object.freeze({ kind: 'keyValue', ...spec });
}

function checkTimes<T extends { readonly name: string }>(spec: T, least: { readonly [field in keyof T]?: number }): void {
  for (const [field, lowest] of Object.entries(least)) {
    const value = spec[field as keyof T];
    if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= lowest!)) continue;
    throw new InvalidWindowError(`store "${spec.name}" has ${field} ${String(value)}: give milliseconds of event time, an integer of at least ${lowest}.`);
  }
}

/** What a topology remembers. @throws {InvalidWindowError} where a length of time is none. */
export const Stores = {
  /** One value per key. With `ordered: true` it can be walked in key order. */
  keyValue,
  /** Values by key and time, forgotten after a retention. */
  window<K, V>(spec: Omit<WindowStoreSpec<K, V>, 'kind' | 'retainDuplicates'> & { retainDuplicates?: boolean }): WindowStoreSpec<K, V> {
    checkTimes(spec, { retentionMs: 1, segmentMs: 1 });
    return Object.freeze({ kind: 'window', retainDuplicates: false, ...spec });
  },
  /** Values by key and interval of time, forgotten after a retention. */
  session<K, V>(spec: Omit<SessionStoreSpec<K, V>, 'kind'>): SessionStoreSpec<K, V> {
    checkTimes(spec, { retentionMs: 0 });
    return Object.freeze({ kind: 'session', ...spec });
  },
  /** One row per key, readable as of any time within the history. */
  versioned<K, V>(spec: Omit<VersionedStoreSpec<K, V>, 'kind'>): VersionedStoreSpec<K, V> {
    checkTimes(spec, { historyMs: 0 });
    return Object.freeze({ kind: 'versioned', ...spec });
  },
  /** Due times by key. */
  timers(spec: { name: string }): TimerStoreSpec {
    return Object.freeze({ kind: 'timer', ...spec });
  },
} as const;
