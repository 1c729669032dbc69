// Versioned store: rows with their past. One entry of the database for each key, which holds the versions that the history can still show.

import type { KeyBounds, KeyValueEntry, TimestampedValue, VersionedPut, VersionedStore, VersionedStoreSpec } from '../topology/store-spec.ts';
import { decodeList, encodeList, type Placed } from './bytes.ts';
import { changelogHeader, readChangelogHeader } from './changelog-header.ts';
import { indexOf } from './entry-lists.ts';
import { byteBounds } from './key-bounds.ts';
import type { ListOverlay } from './list-overlay.ts';
import { ObservedTime } from './observed-time.ts';
import type { ChangelogRecord, Restored, Serialized, TaskStore } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';

const NOTHING = Buffer.alloc(0);
/** Second number of a version that says the row was deleted. */
const DELETED = 1;

/** A version's place is its timestamp, and whether it deletes; the newest is the last. */
export class OverlaidVersionedStore<K, V> implements VersionedStore<K, V>, TaskStore {
  readonly spec: VersionedStoreSpec<K, V>;
  readonly topic: string;
  readonly overlay: ListOverlay;
  /** Deletions do, and what was before them. */
  readonly expires = true;
  readonly #observed: ObservedTime;

  constructor(spec: VersionedStoreSpec<K, V>, topic: string, overlay: ListOverlay, undo: UndoLog) {
    this.spec = spec;
    this.topic = topic;
    this.overlay = overlay;
    this.#observed = new ObservedTime(undo);
  }

  put(key: K, value: V | null, timestamp: number): VersionedPut {
    this.#observed.observe(timestamp);
    if (timestamp < this.#historyBegin) return 'dropped';
    const version: Placed =
      value === null ? { first: timestamp, second: DELETED, value: NOTHING } : { first: timestamp, second: 0, value: this.spec.value.serialize(this.topic, value) };
    const list = this.overlay.list(this.#keyBytes(key));
    const at = indexOf(list.entries, timestamp, 0);
    this.overlay.change(list, at, list.entries[at]?.first === timestamp ? 1 : 0, [version], timestamp);
    const isLatest = at === list.entries.length - 1;
    const moot = this.#mootVersions(list.entries);
    if (moot > 0) this.overlay.change(list, 0, moot, [], timestamp);
    return isLatest ? 'latest' : 'older';
  }

  get(key: K, asOfMs?: number): TimestampedValue<V> | undefined {
    const versions = this.overlay.entries(this.#keyBytes(key));
    const latest = versions.length - 1;
    const at = asOfMs === undefined ? latest : indexOf(versions, asOfMs + 1, 0) - 1;
    if (at < latest && asOfMs! < this.#historyBegin) return undefined;
    return this.#shown(versions[at]);
  }

  async *scan(bounds: KeyBounds<K> = {}): AsyncGenerator<KeyValueEntry<K, V>> {
    const { from, end } = byteBounds(bounds, (key) => this.#keyBytes(key));
    for await (const [keyBytes, bytes] of this.overlay.scan(from, end)) {
      const latest = this.#shown(decodeList(bytes, this.spec.name).at(-1));
      if (latest !== undefined) yield { key: this.spec.key.deserialize(this.topic, keyBytes), value: latest.value, timestamp: latest.timestamp };
    }
  }

  /** A row that was deleted before the history begins is as good as one that never was. */
  isDisposable(_key: Buffer, value: Buffer): boolean {
    const latest = decodeList(value, this.spec.name).at(-1)!;
    return latest.second === DELETED && latest.first <= this.#historyBegin;
  }

  /**
   * The value is that of the latest version, null for a deleted row, so that the changelog reads like a table's. What was before stands in the header, also that
   * of a deletion: the topic keeps deletions for as long as the history (`changelogConfig` in src/runtime/topic-plan.ts).
   */
  *changelog(): Generator<ChangelogRecord> {
    for (const { key, entries, timestamp } of this.overlay.pending()) {
      const latest = entries.at(-1);
      const rest = latest === undefined ? undefined : encodeList([...entries.slice(0, -1), { ...latest, value: NOTHING }]);
      yield { key, value: latest === undefined || latest.second === DELETED ? null : latest.value, timestamp, headers: changelogHeader('versioned', this.#observed.value, rest) };
    }
  }

  restore(records: readonly ChangelogRecord[]): Restored {
    let observed = this.#observed.value;
    const writes = records.map(({ key, value, headers }) => {
      const { time, rest } = readChangelogHeader('versioned', headers, this.topic);
      observed = Math.max(observed, time);
      if (rest.length === 0) return { key, value: null };
      const versions = decodeList(rest, this.spec.name);
      const latest = versions.pop()!;
      return { key, value: encodeList([...versions, { ...latest, value: value ?? NOTHING }]) };
    });
    return { writes, observed };
  }

  serialized({ key, value, headers }: ChangelogRecord): Serialized {
    const { rest } = readChangelogHeader('versioned', headers, this.topic);
    const older = rest.length === 0 ? [] : decodeList(rest, this.spec.name).slice(0, -1).filter(({ second }) => second !== DELETED);
    return { key, values: [...older.map((version) => version.value), ...(value === null ? [] : [value])] };
  }

  serializedIn(key: Buffer, value: Buffer): Serialized {
    return { key, values: decodeList(value, this.spec.name).flatMap((version) => (version.second === DELETED ? [] : [version.value])) };
  }

  observedTime(): number {
    return this.#observed.value;
  }

  async load(observedTime: number): Promise<void> {
    this.#observed.load(observedTime);
  }

  get #historyBegin(): number {
    return this.#observed.value - this.spec.historyMs;
  }

  /** Reads begin where the history does: how many versions lie before the one that held then, which itself counts if it says that nothing was there. */
  #mootVersions(versions: readonly Placed[]): number {
    const held = indexOf(versions, this.#historyBegin + 1, 0) - 1;
    return versions[held]?.second === DELETED ? held + 1 : held;
  }

  #shown(version: Placed | undefined): TimestampedValue<V> | undefined {
    if (version === undefined || version.second === DELETED) return undefined;
    return { timestamp: version.first, value: this.spec.value.deserialize(this.topic, version.value) };
  }

  #keyBytes(key: K): Buffer {
    return this.spec.key.serialize(this.topic, key);
  }
}
