// What window and session stores share: lists of entries that die of age, and a changelog that has a record for each entry, as that of Kafka Streams.

import type { DatabaseWrite } from '../ports/state-directory.ts';
import type { Headers } from '../record/record.ts';
import type { SessionStoreSpec, WindowStoreSpec } from '../topology/store-spec.ts';
import { decodeList, encodeList, type Place, type Placed } from './bytes.ts';
import { changelogHeader, readChangelogHeader } from './changelog-header.ts';
import type { ListOverlay } from './list-overlay.ts';
import type { ObservedTime } from './observed-time.ts';
import type { ChangelogRecord, Restored, Serialized } from './task-store.ts';

/** How the changelog's record key is made of a list's key in the database and an entry's place, and back. */
export interface EntryLayout {
  recordKey(listKey: Buffer, place: Place): Buffer;
  /** The key in a record key, as the serde gave it. */
  keyIn(recordKey: Buffer): Buffer;
  placeOf(recordKey: Buffer): Place & { readonly listKey: Buffer };
  /** The place that an entry of just this time would have. */
  placeAt(time: number): Place;
  /** Of an entry: what is compared with the highest timestamp. */
  timeOf(place: Place): number;
}

export class EntryLists {
  readonly #spec: WindowStoreSpec<any, any> | SessionStoreSpec<any, any>;
  readonly #topic: string;
  readonly #overlay: ListOverlay;
  readonly #observed: ObservedTime;
  readonly #layout: EntryLayout;

  constructor(spec: WindowStoreSpec<any, any> | SessionStoreSpec<any, any>, topic: string, overlay: ListOverlay, observed: ObservedTime, layout: EntryLayout) {
    this.#spec = spec;
    this.#topic = topic;
    this.#overlay = overlay;
    this.#observed = observed;
    this.#layout = layout;
  }

  /** Entries at or below this time are not visible any more. */
  get oldestHidden(): number {
    return this.#observed.value - this.#spec.retentionMs;
  }

  isHidden(place: Place): boolean {
    return this.#layout.timeOf(place) <= this.oldestHidden;
  }

  /** One record for each entry that is new, changed or gone. What has died of age is not told: the changelog's retention removes it there. */
  *changelog(): Generator<ChangelogRecord> {
    const plain = changelogHeader(this.#spec.kind, this.#observed.value);
    let isTold = !this.#observed.isUnlogged;
    let carrier: Buffer | undefined;
    for (const { key, base, entries } of this.#overlay.pending()) {
      carrier ??= key;
      for (const { entry, isGone } of differences(base === undefined ? [] : decodeList(base, this.#spec.name), entries)) {
        if (this.isHidden(entry)) continue;
        isTold = true;
        yield this.#record(key, entry, isGone ? null : entry.value, plain);
      }
    }
    // Something moved the highest time and was removed in the same commit: without a record a restore would show again what is hidden now.
    if (!isTold && carrier !== undefined) yield this.#record(carrier, this.#layout.placeAt(this.#observed.value), null, plain);
  }

  serialized({ key, value, headers }: ChangelogRecord): Serialized {
    const { rest } = readChangelogHeader(this.#spec.kind, headers, this.#topic);
    return { key: this.#layout.keyIn(key), values: value === null ? [] : [joined(rest, value)] };
  }

  restore(records: readonly ChangelogRecord[]): Restored {
    const headers = records.map((record) => readChangelogHeader(this.#spec.kind, record.headers, this.#topic));
    const observed = headers.reduce((highest, { time }) => Math.max(highest, time), this.#observed.value);
    const lists = new Map<string, { key: Buffer; entries: Placed[] }>();
    for (const [index, { key, value }] of records.entries()) {
      const { listKey, first, second } = this.#layout.placeOf(key);
      if (this.#layout.timeOf({ first, second }) <= observed - this.#spec.retentionMs) continue;
      const text = listKey.toString('latin1');
      const { entries } = lists.get(text) ?? { entries: this.#committed(listKey) };
      lists.set(text, { key: listKey, entries });
      const at = indexOf(entries, first, second);
      const isThere = entries[at]?.first === first && entries[at].second === second;
      entries.splice(at, isThere ? 1 : 0, ...(value === null ? [] : [{ first, second, value: joined(headers[index]!.rest, value) }]));
    }
    const writes = [...lists.values()].map(({ key, entries }): DatabaseWrite => ({ key, value: entries.length === 0 ? null : encodeList(entries) }));
    return { writes, observed };
  }

  #committed(listKey: Buffer): Placed[] {
    const bytes = this.#overlay.committed(listKey);
    return bytes === undefined ? [] : decodeList(bytes, this.#spec.name);
  }

  #record(listKey: Buffer, place: Place, value: Buffer | null, plain: Headers): ChangelogRecord {
    const { asideBytes = 0 } = this.#spec.value;
    const record = { key: this.#layout.recordKey(listKey, place), value, timestamp: this.#layout.timeOf(place), headers: plain };
    if (asideBytes === 0 || value === null) return record;
    return { ...record, value: value.subarray(asideBytes), headers: changelogHeader(this.#spec.kind, this.#observed.value, value.subarray(0, asideBytes)) };
  }
}

/** Index of the first entry at or after this place. */
export function indexOf(entries: readonly Placed[], first: number, second: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(entries[middle]!, first, second)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* differences(before: readonly Placed[], after: readonly Placed[]): Generator<{ entry: Placed; isGone: boolean }> {
  let old = 0;
  for (const entry of after) {
    while (old < before.length && isBefore(before[old]!, entry.first, entry.second)) yield { entry: before[old++]!, isGone: true };
    const same = before[old]?.first === entry.first && before[old]!.second === entry.second ? before[old++] : undefined;
    if (same === undefined || !same.value.equals(entry.value)) yield { entry, isGone: false };
  }
  while (old < before.length) yield { entry: before[old++]!, isGone: true };
}

function joined(aside: Buffer, value: Buffer): Buffer {
  return aside.length === 0 ? value : Buffer.concat([aside, value]);
}

function isBefore(entry: Placed, first: number, second: number): boolean {
  return entry.first < first || (entry.first === first && entry.second < second);
}
