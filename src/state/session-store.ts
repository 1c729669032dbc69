// Session store: values by key and interval of time. One entry of the database for each key, which holds all its sessions: they are few, since they merge.
// Sessions are kept one millisecond longer than they are shown: for that long, one that ends just `gap + grace` ago can still be extended.

import { readUint64, writeUint64 } from '../serdes/ordered-bytes.ts';
import type { KeyBounds, Session, SessionEntry, SessionStore, SessionStoreSpec } from '../topology/store-spec.ts';
import { decodeList, type Placed } from './bytes.ts';
import { EntryLists, type EntryLayout, indexOf } from './entry-lists.ts';
import { byteBounds } from './key-bounds.ts';
import type { ListOverlay } from './list-overlay.ts';
import { ObservedTime } from './observed-time.ts';
import type { ChangelogRecord, Restored, Serialized, TaskStore } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';

const KEPT_LONGER_MS = 1;

/** A value's place is its start and its end. */
export class OverlaidSessionStore<K, V> implements SessionStore<K, V>, TaskStore {
  readonly spec: SessionStoreSpec<K, V>;
  readonly topic: string;
  readonly overlay: ListOverlay;
  readonly expires = true;
  readonly #observed: ObservedTime;
  readonly #lists: EntryLists;
  /** Of lists that wait for a commit: no session in them is longer than this. */
  readonly #longest = new WeakMap<readonly Placed[], number>();

  constructor(spec: SessionStoreSpec<K, V>, topic: string, overlay: ListOverlay, undo: UndoLog) {
    this.spec = spec;
    this.topic = topic;
    this.overlay = overlay;
    this.#observed = new ObservedTime(undo);
    this.#lists = new EntryLists({ ...spec, retentionMs: spec.retentionMs + KEPT_LONGER_MS }, topic, overlay, this.#observed, SESSION_LAYOUT);
  }

  findSessions(key: K, earliestEndMs: number, latestStartMs: number, hiddenFromMs = Number.POSITIVE_INFINITY): Session<V>[] {
    const shownFromMs = Math.min(this.#oldestHidden + 1, Math.max(hiddenFromMs, this.#lists.oldestHidden + 1));
    const found: Session<V>[] = [];
    const entries = this.overlay.entries(this.#keyBytes(key));
    const longestMs = this.#longestIn(entries);
    // From the latest down: one that begins more than the longest before the earliest end cannot reach it, nor can any before it.
    for (let at = indexOf(entries, latestStartMs + 1, 0) - 1; at >= 0 && entries[at]!.first + longestMs >= earliestEndMs; at--) {
      const { first, second, value } = entries[at]!;
      if (second < earliestEndMs || second < shownFromMs) continue;
      found.push({ startMs: first, endMs: second, value: this.spec.value.deserialize(this.topic, value) });
    }
    found.reverse();
    return found;
  }

  get(key: K, startMs: number, endMs: number): V | undefined {
    const entries = this.overlay.entries(this.#keyBytes(key));
    const at = indexAt(entries, startMs, endMs);
    return at === undefined || endMs <= this.#oldestHidden ? undefined : this.spec.value.deserialize(this.topic, entries[at]!.value);
  }

  put(key: K, startMs: number, endMs: number, value: V): void {
    this.#observed.observe(endMs);
    const place = { first: startMs, second: endMs };
    if (this.#lists.isHidden(place)) return;
    const payload = this.spec.value.serialize(this.topic, value);
    const list = this.overlay.list(this.#keyBytes(key));
    const longestMs = Math.max(this.#longestIn(list.entries), endMs - startMs);
    // What ends out of sight began there.
    for (let at = indexOf(list.entries, this.#lists.oldestHidden + 1, 0) - 1; at >= 0; at--) {
      if (this.#lists.isHidden(list.entries[at]!)) this.overlay.change(list, at, 1, [], endMs);
    }
    const replaced = indexAt(list.entries, startMs, endMs);
    this.overlay.change(list, replaced ?? indexOf(list.entries, startMs, endMs), replaced === undefined ? 0 : 1, [{ ...place, value: payload }], endMs);
    this.#longest.set(list.entries, longestMs);
  }

  remove(key: K, startMs: number, endMs: number): void {
    const movesTime = endMs > this.#observed.value;
    this.#observed.observe(endMs);
    const list = this.overlay.list(this.#keyBytes(key));
    const at = indexAt(list.entries, startMs, endMs);
    this.#longestIn(list.entries); // before it is gone, for it may come back when the record is undone
    // Time that has moved must be told to the changelog, even if nothing is gone.
    if (at !== undefined || movesTime) this.overlay.change(list, at ?? 0, at === undefined ? 0 : 1, [], endMs);
  }

  async *scan(bounds: KeyBounds<K> = {}): AsyncGenerator<SessionEntry<K, V>> {
    const oldestHidden = this.#oldestHidden;
    const { from, end } = byteBounds(bounds, (key) => this.#keyBytes(key));
    for await (const [keyBytes, bytes] of this.overlay.scan(from, end)) {
      const key = this.spec.key.deserialize(this.topic, keyBytes);
      for (const { first, second, value } of decodeList(bytes, this.spec.name)) {
        if (second > oldestHidden) yield { key, startMs: first, endMs: second, value: this.spec.value.deserialize(this.topic, value) };
      }
    }
  }

  isDisposable(_key: Buffer, value: Buffer): boolean {
    return decodeList(value, this.spec.name).every((entry) => this.#lists.isHidden(entry));
  }

  changelog(): Iterable<ChangelogRecord> {
    return this.#lists.changelog();
  }

  restore(records: readonly ChangelogRecord[]): Restored {
    return this.#lists.restore(records);
  }

  serialized(record: ChangelogRecord): Serialized {
    return this.#lists.serialized(record);
  }

  serializedIn(key: Buffer, value: Buffer): Serialized {
    return { key, values: decodeList(value, this.spec.name).map((entry) => entry.value) };
  }

  committed(): void {
    this.#observed.committed();
  }

  observedTime(): number {
    return this.#observed.value;
  }

  async load(observedTime: number): Promise<void> {
    this.#observed.load(observedTime);
  }

  #longestIn(entries: readonly Placed[]): number {
    const known = this.#longest.get(entries);
    if (known !== undefined) return known;
    const longestMs = entries.reduce((longest, { first, second }) => Math.max(longest, second - first), 0);
    this.#longest.set(entries, longestMs);
    return longestMs;
  }

  /** Sessions that end here or before are not shown any more. */
  get #oldestHidden(): number {
    return this.#observed.value - this.spec.retentionMs;
  }

  #keyBytes(key: K): Buffer {
    return this.spec.key.serialize(this.topic, key);
  }
}

function indexAt(entries: readonly Placed[], startMs: number, endMs: number): number | undefined {
  const at = indexOf(entries, startMs, endMs);
  return entries[at]?.first === startMs && entries[at].second === endMs ? at : undefined;
}

/** In the changelog: key · end (8) · start (8), as Kafka Streams has it. */
const SESSION_LAYOUT: EntryLayout = {
  recordKey(listKey, { first, second }) {
    const bytes = Buffer.allocUnsafe(listKey.length + 16);
    listKey.copy(bytes);
    writeUint64(bytes, second, listKey.length);
    writeUint64(bytes, first, listKey.length + 8);
    return bytes;
  },
  keyIn: (recordKey) => recordKey.subarray(0, -16),
  placeOf(recordKey) {
    const end = recordKey.length - 16;
    return { listKey: recordKey.subarray(0, end), first: readUint64(recordKey, end + 8), second: readUint64(recordKey, end) };
  },
  placeAt: (time) => ({ first: time, second: time }),
  timeOf: ({ second }) => second,
};
