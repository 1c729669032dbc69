// Several values under one key of the database, as window and session stores keep them: LevelDB has no synchronous iterator, so what is to be found while a
// record is processed is kept together under a key that can be computed. The changelog has a record for each value all the same, as that of Kafka Streams.

import type { DatabaseWrite } from '../ports/state-directory.ts';
import { decodeList, encodeList, type Placed } from './bytes.ts';
import { changelogHeader, readChangelogHeader } from './changelog-header.ts';
import type { ObservedTime } from './observed-time.ts';
import type { Overlay } from './overlay.ts';
import type { ChangelogRecord, Restored } from './task-store.ts';

/** How a value's record key in the changelog is made of its list's key in the database and its place, and back. */
export interface EntryLayout {
  recordKey(listKey: Buffer, first: number, second: number): Buffer;
  place(recordKey: Buffer): { listKey: Buffer; first: number; second: number };
  /** The place that an entry of just this time would have. */
  placeAt(time: number): { first: number; second: number };
  /** Of an entry: what is compared with the highest timestamp. */
  timeOf(entry: { readonly first: number; readonly second: number }): number;
}

export class EntryLists {
  readonly #store: string;
  readonly #topic: string;
  readonly #overlay: Overlay;
  readonly #observed: ObservedTime;
  readonly #retentionMs: number;
  readonly #layout: EntryLayout;

  constructor(parts: { store: string; topic: string; overlay: Overlay; observed: ObservedTime; retentionMs: number; layout: EntryLayout }) {
    this.#store = parts.store;
    this.#topic = parts.topic;
    this.#overlay = parts.overlay;
    this.#observed = parts.observed;
    this.#retentionMs = parts.retentionMs;
    this.#layout = parts.layout;
  }

  /** Entries at or below this time are not visible any more. */
  get oldestHidden(): number {
    return this.#observed.value - this.#retentionMs;
  }

  read(listKey: Buffer): Placed[] {
    const bytes = this.#overlay.get(listKey);
    return bytes === undefined ? [] : decodeList(bytes, this.#store);
  }

  decode(bytes: Buffer): Placed[] {
    return decodeList(bytes, this.#store);
  }

  /** `change` gets the list as it is and says what it becomes; undefined: nothing has changed. */
  update(listKey: Buffer, timestamp: number, change: (list: Placed[]) => Placed[] | undefined): void {
    const before = this.#overlay.get(listKey);
    const list = change(before === undefined ? [] : decodeList(before, this.#store));
    if (list === undefined) return;
    this.#overlay.replace(listKey, before, list.length === 0 ? null : encodeList(list), timestamp);
  }

  isHidden(entry: { readonly first: number; readonly second: number }): boolean {
    return this.#layout.timeOf(entry) <= this.oldestHidden;
  }

  /** One record for each value that is new, changed or gone. What has died of age is not told: the changelog's retention removes it there. */
  *changelog(): Generator<ChangelogRecord> {
    const headers = changelogHeader(this.#observed.value);
    let isTold = !this.#observed.isUnlogged;
    let carrier: Buffer | undefined;
    for (const { key, value, base } of this.#overlay.pending()) {
      carrier ??= key;
      const before = base === undefined ? [] : this.decode(base);
      const after = value === null ? [] : this.decode(value);
      for (const { entry, gone } of differences(before, after)) {
        if (this.isHidden(entry)) continue;
        isTold = true;
        yield this.#record(key, entry, gone ? null : entry.value, headers);
      }
    }
    // Something moved the highest time and was removed in the same commit: without a record a restore would show again what is hidden now.
    if (!isTold && carrier !== undefined) yield this.#record(carrier, this.#layout.placeAt(this.#observed.value), null, headers);
  }

  restore(records: readonly ChangelogRecord[]): Restored {
    let observed = this.#observed.value;
    for (const { headers } of records) observed = Math.max(observed, readChangelogHeader(headers, this.#topic).time);
    const lists = new Map<string, { key: Buffer; list: Placed[] }>();
    for (const { key, value } of records) {
      const { listKey, first, second } = this.#layout.place(key);
      if (this.#layout.timeOf({ first, second }) <= observed - this.#retentionMs) continue;
      const text = listKey.toString('latin1');
      const bytes = lists.has(text) ? undefined : this.#overlay.committed(listKey);
      const { list } = lists.get(text) ?? { list: bytes === undefined ? [] : this.decode(bytes) };
      const at = placeOf(list, first, second);
      const isThere = list[at]?.first === first && list[at].second === second;
      list.splice(at, isThere ? 1 : 0, ...(value === null ? [] : [{ first, second, value }]));
      lists.set(text, { key: listKey, list });
    }
    const writes = [...lists.values()].map(({ key, list }): DatabaseWrite => ({ key, value: list.length === 0 ? null : encodeList(list) }));
    return { writes, observed };
  }

  #record(listKey: Buffer, { first, second }: { first: number; second: number }, value: Buffer | null, headers: ChangelogRecord['headers']): ChangelogRecord {
    return { key: this.#layout.recordKey(listKey, first, second), value, timestamp: this.#layout.timeOf({ first, second }), headers };
  }
}

/** Index of the first entry at or after this place. */
export function placeOf(list: readonly Placed[], first: number, second: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = list[middle]!;
    if (entry.first < first || (entry.first === first && entry.second < second)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* differences(before: readonly Placed[], after: readonly Placed[]): Generator<{ entry: Placed; gone: boolean }> {
  let old = 0;
  for (const entry of after) {
    while (old < before.length && isBefore(before[old]!, entry)) yield { entry: before[old++]!, gone: true };
    const same = before[old]?.first === entry.first && before[old]!.second === entry.second ? before[old++] : undefined;
    if (same === undefined || !same.value.equals(entry.value)) yield { entry, gone: false };
  }
  while (old < before.length) yield { entry: before[old++]!, gone: true };
}

function isBefore(a: Placed, b: Placed): boolean {
  return a.first < b.first || (a.first === b.first && a.second < b.second);
}
