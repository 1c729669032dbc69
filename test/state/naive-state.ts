// What stores must show, without any layout: lists and maps that are copied whole. Too simple to be wrong.

import type { KeyValueStoreSpec, RangeOptions, SessionStoreSpec, VersionedPut, VersionedStoreSpec, WindowStoreSpec } from '../../src/topology/store-spec.ts';

interface Entry {
  readonly key: string;
  readonly timestamp: number;
  readonly value: string;
}

interface NaiveSession {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: string;
}

interface Version {
  readonly key: string;
  readonly timestamp: number;
  readonly value: string | null;
}

export const byKey = (a: { key: string }, b: { key: string }): number => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
const isFrom = (key: string, from: string | undefined): boolean => from === undefined || Buffer.compare(Buffer.from(key), Buffer.from(from)) >= 0;
const isTo = (key: string, to: string | undefined): boolean => to === undefined || Buffer.compare(Buffer.from(key), Buffer.from(to)) <= 0;

export class NaiveState {
  streamTime = -1;
  readonly keyValues = new Map<string, Map<string, Entry>>();
  /** In the order they were put. */
  readonly windows = new Map<string, Entry[]>();
  readonly sessions = new Map<string, NaiveSession[]>();
  /** All that there ever were. */
  readonly versions = new Map<string, Version[]>();
  readonly observed = new Map<string, number>();
  readonly timers = new Map<string, number>();

  copy(): NaiveState {
    const copy = new NaiveState();
    copy.streamTime = this.streamTime;
    for (const [name, entries] of this.keyValues) copy.keyValues.set(name, new Map(entries));
    for (const [name, entries] of this.windows) copy.windows.set(name, [...entries]);
    for (const [name, entries] of this.sessions) copy.sessions.set(name, [...entries]);
    for (const [name, entries] of this.versions) copy.versions.set(name, [...entries]);
    for (const [name, time] of this.observed) copy.observed.set(name, time);
    for (const [key, due] of this.timers) copy.timers.set(key, due);
    return copy;
  }

  put(store: string, entry: Entry): void {
    const entries = this.keyValues.get(store) ?? new Map<string, Entry>();
    this.keyValues.set(store, entries.set(entry.key, entry));
  }

  delete(store: string, key: string): void {
    this.keyValues.get(store)?.delete(key);
  }

  entry({ name, ttlMs }: KeyValueStoreSpec<string, string>, key: string): Omit<Entry, 'key'> | undefined {
    const entry = this.keyValues.get(name)?.get(key);
    if (entry === undefined || (ttlMs !== undefined && this.streamTime - entry.timestamp > ttlMs)) return undefined;
    return { timestamp: entry.timestamp, value: entry.value };
  }

  range(spec: KeyValueStoreSpec<string, string>, { from, to, reverse = false, limit = Infinity }: RangeOptions<string>): Entry[] {
    const all = [...(this.keyValues.get(spec.name)?.values() ?? [])].filter(({ key }) => this.entry(spec, key) !== undefined && isFrom(key, from) && isTo(key, to)).sort(byKey);
    return (reverse ? all.reverse() : all).slice(0, limit);
  }

  putWindowed({ name, retainDuplicates }: WindowStoreSpec<string, string>, entry: Entry): void {
    const entries = this.windows.get(name) ?? [];
    const at = entries.findIndex(({ key, timestamp }) => key === entry.key && timestamp === entry.timestamp);
    if (at >= 0 && !retainDuplicates) entries[at] = entry;
    else entries.push(entry);
    this.windows.set(name, entries);
    this.#observe(name, entry.timestamp);
  }

  deleteWindowed({ name }: WindowStoreSpec<string, string>, key: string, timestamp: number): void {
    this.windows.set(name, (this.windows.get(name) ?? []).filter((entry) => entry.key !== key || entry.timestamp !== timestamp));
    this.#observe(name, timestamp);
  }

  /** By timestamp, then arrival. */
  visible({ name, retentionMs }: WindowStoreSpec<string, string>, key: string): Omit<Entry, 'key'>[] {
    const oldestHidden = this.#observedBy(name) - retentionMs;
    return (this.windows.get(name) ?? [])
      .filter((entry) => entry.key === key && entry.timestamp > oldestHidden)
      .sort((a, b) => a.timestamp - b.timestamp) // stable, so arrival decides among equals
      .map(({ timestamp, value }) => ({ timestamp, value }));
  }

  fetch(spec: WindowStoreSpec<string, string>, key: string, fromMs: number, toMs: number): Omit<Entry, 'key'>[] {
    return this.visible(spec, key).filter(({ timestamp }) => timestamp >= fromMs && timestamp <= toMs);
  }

  putSession(spec: SessionStoreSpec<string, string>, session: NaiveSession): void {
    this.removeSession(spec, session);
    this.sessions.set(spec.name, [...(this.sessions.get(spec.name) ?? []), session]);
    this.#observe(spec.name, session.endMs);
  }

  removeSession({ name }: SessionStoreSpec<string, string>, { key, startMs, endMs }: Omit<NaiveSession, 'value'>): void {
    this.sessions.set(name, (this.sessions.get(name) ?? []).filter((other) => other.key !== key || other.startMs !== startMs || other.endMs !== endMs));
    this.#observe(name, endMs);
  }

  findSessions({ name, retentionMs }: SessionStoreSpec<string, string>, key: string, earliestEndMs: number, latestStartMs: number): Omit<NaiveSession, 'key'>[] {
    return (this.sessions.get(name) ?? [])
      .filter((one) => one.key === key && one.endMs >= earliestEndMs && one.startMs <= latestStartMs && one.endMs > this.#observedBy(name) - retentionMs)
      .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs)
      .map(({ startMs, endMs, value }) => ({ startMs, endMs, value }));
  }

  putVersion({ name, historyMs }: VersionedStoreSpec<string, string>, version: Version): VersionedPut {
    this.#observe(name, version.timestamp);
    if (version.timestamp < this.#observedBy(name) - historyMs) return 'dropped';
    const others = (this.versions.get(name) ?? []).filter(({ key, timestamp }) => key !== version.key || timestamp !== version.timestamp);
    this.versions.set(name, [...others, version]);
    return others.some(({ key, timestamp }) => key === version.key && timestamp > version.timestamp) ? 'older' : 'latest';
  }

  version({ name, historyMs }: VersionedStoreSpec<string, string>, key: string, asOfMs = Infinity): Omit<Entry, 'key'> | undefined {
    const row = (this.versions.get(name) ?? []).filter((version) => version.key === key).sort((a, b) => a.timestamp - b.timestamp);
    const held = row.findLast(({ timestamp }) => timestamp <= asOfMs);
    if (held === undefined || held.value === null) return undefined;
    if (held !== row.at(-1) && asOfMs < this.#observedBy(name) - historyMs) return undefined;
    return { timestamp: held.timestamp, value: held.value };
  }

  due(nowMs: number, limit: number): { key: string; dueMs: number }[] {
    return [...this.timers]
      .map(([key, dueMs]) => ({ key, dueMs }))
      .filter(({ dueMs }) => dueMs <= nowMs)
      .sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1))
      .slice(0, limit);
  }

  #observedBy(store: string): number {
    return this.observed.get(store) ?? -1;
  }

  #observe(store: string, timestamp: number): void {
    this.observed.set(store, Math.max(this.#observedBy(store), timestamp));
  }
}
