// Stores as data: what a topology asks for. src/state builds the real thing from these.

import type { Serde } from '../record/serde.ts';

export interface KeyValueStore<K, V> {
  get(key: K): V | undefined;
  /** The value with the timestamp it was put under. */
  entry(key: K): TimestampedValue<V> | undefined;
  /** `timestamp`: epoch ms; by default that of the record being processed, or stream time inside a punctuator. */
  put(key: K, value: V, timestamp?: number): void;
  delete(key: K): void;
}

/** A value and the timestamp (epoch ms) it was put under. */
export interface TimestampedValue<V> {
  readonly timestamp: number;
  readonly value: V;
}

/**
 * Values by key and time, visible while `timestamp > observed − retentionMs` (observed: the highest timestamp ever put).
 * With `retainDuplicates`, several values may share key and timestamp; without it the last one wins.
 */
export interface WindowStore<K, V> {
  put(key: K, value: V, timestamp: number): void;
  /** Entries with `fromMs <= timestamp <= toMs`, by timestamp, then arrival. */
  fetch(key: K, fromMs: number, toMs: number): TimestampedValue<V>[];
}

/** Due times by key, in memory ordered by due time, durable like any store: firing costs what is due, not what waits. */
export interface TimerStore {
  /** Sets or moves the timer of this key. `dueMs`: epoch ms of the clock the owner compares with. */
  schedule(key: string, dueMs: number): void;
  cancel(key: string): void;
  dueOf(key: string): number | undefined;
  /** Keys due at or before `nowMs`, by due time, then key. The caller cancels or moves what it handles. */
  due(nowMs: number, limit?: number): { readonly key: string; readonly dueMs: number }[];
}

interface StoreSpecBase {
  /** Part of the changelog's topic name: changing it loses the state. */
  readonly name: string;
}

export interface KeyValueStoreSpec<K, V> extends StoreSpecBase {
  readonly kind: 'keyValue';
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Entries older than this (stream time − entry's timestamp, ms) count as absent and are removed in time. Undefined: kept for ever. */
  readonly ttlMs?: number;
}

export interface WindowStoreSpec<K, V> extends StoreSpecBase {
  readonly kind: 'window';
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly retentionMs: number;
  readonly retainDuplicates: boolean;
}

export interface TimerStoreSpec extends StoreSpecBase {
  readonly kind: 'timer';
}

export type AnyStoreSpec = KeyValueStoreSpec<any, any> | WindowStoreSpec<any, any> | TimerStoreSpec;

/** The store that a spec describes: what `context.store(spec)` returns. */
export type StoreOf<S extends AnyStoreSpec> =
  S extends KeyValueStoreSpec<infer K, infer V> ? KeyValueStore<K, V>
  : S extends WindowStoreSpec<infer K, infer V> ? WindowStore<K, V>
  : TimerStore;

export const Stores = {
  keyValue<K, V>(spec: Omit<KeyValueStoreSpec<K, V>, 'kind'>): KeyValueStoreSpec<K, V> {
    return Object.freeze({ kind: 'keyValue', ...spec });
  },
  window<K, V>(spec: Omit<WindowStoreSpec<K, V>, 'kind' | 'retainDuplicates'> & { retainDuplicates?: boolean }): WindowStoreSpec<K, V> {
    return Object.freeze({ kind: 'window', retainDuplicates: false, ...spec });
  },
  timers(spec: { name: string }): TimerStoreSpec {
    return Object.freeze({ kind: 'timer', ...spec });
  },
} as const;
