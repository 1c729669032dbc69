// What stores must show, without any layout: lists and maps that are copied whole. Too simple to be wrong.

import type { KeyValueStoreSpec, WindowStoreSpec } from '../../src/topology/store-spec.ts';

interface Entry {
  readonly key: string;
  readonly timestamp: number;
  readonly value: string;
}

export class NaiveState {
  streamTime = -1;
  readonly keyValues = new Map<string, Map<string, Entry>>();
  /** In the order they were put. */
  readonly windows = new Map<string, Entry[]>();
  readonly observed = new Map<string, number>();
  readonly timers = new Map<string, number>();

  copy(): NaiveState {
    const copy = new NaiveState();
    copy.streamTime = this.streamTime;
    for (const [name, entries] of this.keyValues) copy.keyValues.set(name, new Map(entries));
    for (const [name, entries] of this.windows) copy.windows.set(name, [...entries]);
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

  putWindowed({ name, retainDuplicates }: WindowStoreSpec<string, string>, entry: Entry): void {
    const entries = this.windows.get(name) ?? [];
    const at = entries.findIndex(({ key, timestamp }) => key === entry.key && timestamp === entry.timestamp);
    if (at >= 0 && !retainDuplicates) entries[at] = entry;
    else entries.push(entry);
    this.windows.set(name, entries);
    this.observed.set(name, Math.max(this.observed.get(name) ?? -1, entry.timestamp));
  }

  fetch({ name, retentionMs }: WindowStoreSpec<string, string>, key: string, fromMs: number, toMs: number): Omit<Entry, 'key'>[] {
    const oldestHidden = (this.observed.get(name) ?? -1) - retentionMs;
    return (this.windows.get(name) ?? [])
      .filter((entry) => entry.key === key && entry.timestamp >= fromMs && entry.timestamp <= toMs && entry.timestamp > oldestHidden)
      .sort((a, b) => a.timestamp - b.timestamp) // stable, so arrival decides among equals
      .map(({ timestamp, value }) => ({ timestamp, value }));
  }

  due(nowMs: number, limit: number): { key: string; dueMs: number }[] {
    return [...this.timers]
      .map(([key, dueMs]) => ({ key, dueMs }))
      .filter(({ dueMs }) => dueMs <= nowMs)
      .sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1))
      .slice(0, limit);
  }
}
