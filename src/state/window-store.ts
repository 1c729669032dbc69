// Window store: values by key and time. One entry of the database for each key and time segment, which holds all values of that key in that segment.

import { readTerminated, readUint64, terminated, writeUint64 } from '../serdes/ordered-bytes.ts';
import { segmentMsOf, type KeyBounds, type KeyValueEntry, type TimestampedValue, type WindowStore, type WindowStoreSpec } from '../topology/store-spec.ts';
import { decodeList } from './bytes.ts';
import { EntryLists, type EntryLayout, indexOf } from './entry-lists.ts';
import { CorruptStateError } from './errors.ts';
import type { ListOverlay } from './list-overlay.ts';
import { ObservedTime } from './observed-time.ts';
import type { ChangelogRecord, Restored, Serialized, TaskStore } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';

/** List keys are terminated key · segment (8), so that keys stay in order. A value's place is its timestamp, and its arrival among those of the same timestamp. */
export class OverlaidWindowStore<K, V> implements WindowStore<K, V>, TaskStore {
  readonly spec: WindowStoreSpec<K, V>;
  readonly topic: string;
  readonly overlay: ListOverlay;
  readonly expires = true;
  readonly #observed: ObservedTime;
  readonly #lists: EntryLists;
  readonly #segmentMs: number;

  constructor(spec: WindowStoreSpec<K, V>, topic: string, overlay: ListOverlay, undo: UndoLog) {
    this.spec = spec;
    this.topic = topic;
    this.overlay = overlay;
    this.#segmentMs = segmentMsOf(spec);
    this.#observed = new ObservedTime(undo);
    this.#lists = new EntryLists(spec, topic, overlay, this.#observed, windowLayout(this.#segmentMs));
  }

  put(key: K, value: V, timestamp: number): void {
    this.#observed.observe(timestamp);
    if (timestamp <= this.#lists.oldestHidden) return;
    const payload = this.spec.value.serialize(this.topic, value);
    const list = this.overlay.list(this.#listKey(key, timestamp), this.#mayBeCommitted(timestamp));
    const at = indexOf(list.entries, timestamp + 1, 0); // just past those of the same timestamp
    const last = list.entries[at - 1];
    if (last?.first !== timestamp) this.overlay.change(list, at, 0, [{ first: timestamp, second: 0, value: payload }], timestamp);
    else if (this.spec.retainDuplicates) this.overlay.change(list, at, 0, [{ first: timestamp, second: last.second + 1, value: payload }], timestamp);
    else this.overlay.change(list, at - 1, 1, [{ ...last, value: payload }], timestamp);
  }

  fetch(key: K, fromMs: number, toMs: number): TimestampedValue<V>[] {
    const from = Math.max(fromMs, this.#lists.oldestHidden + 1, 0);
    // Nothing above the highest timestamp ever put can be there, so the loop is bounded by the retention whatever `toMs` is.
    const to = Math.min(toMs, this.#observed.value);
    const found: TimestampedValue<V>[] = [];
    if (from > to) return found;
    const listKey = this.#listKey(key, from);
    for (let segment = from - (from % this.#segmentMs); segment <= to; segment += this.#segmentMs) {
      setSegment(listKey, segment);
      const entries = this.overlay.entries(listKey, this.#mayBeCommitted(segment));
      for (let at = indexOf(entries, from, 0); at < entries.length && entries[at]!.first <= to; at++) {
        found.push({ timestamp: entries[at]!.first, value: this.spec.value.deserialize(this.topic, entries[at]!.value) });
      }
    }
    return found;
  }

  get(key: K, timestamp: number): V | undefined {
    if (timestamp <= this.#lists.oldestHidden || timestamp < 0 || timestamp > this.#observed.value) return undefined;
    const entries = this.overlay.entries(this.#listKey(key, timestamp), this.#mayBeCommitted(timestamp));
    const entry = entries[indexOf(entries, timestamp, 0)];
    return entry?.first === timestamp ? this.spec.value.deserialize(this.topic, entry.value) : undefined;
  }

  delete(key: K, timestamp: number): void {
    if (timestamp <= this.#lists.oldestHidden || timestamp < 0) return;
    const movesTime = timestamp > this.#observed.value;
    this.#observed.observe(timestamp);
    const list = this.overlay.list(this.#listKey(key, timestamp));
    const at = indexOf(list.entries, timestamp, 0);
    const count = indexOf(list.entries, timestamp + 1, 0) - at;
    // Time that has moved must be told to the changelog, even if nothing is gone.
    if (count > 0 || movesTime) this.overlay.change(list, at, count, [], timestamp);
  }

  async *scan({ from, to }: KeyBounds<K> = {}): AsyncGenerator<KeyValueEntry<K, V>> {
    const { oldestHidden } = this.#lists;
    // The mark's last byte is 0, so with 1 in its place this is just past all segments of the key.
    const end = to === undefined ? undefined : this.#keyBytes(to);
    if (end !== undefined) end[end.length - 1] = 1;
    for await (const [listKey, bytes] of this.overlay.scan(from === undefined ? Buffer.alloc(0) : this.#keyBytes(from), end)) {
      const key = this.spec.key.deserialize(this.topic, keyOf(listKey));
      for (const { first, value } of decodeList(bytes, this.spec.name)) {
        if (first > oldestHidden) yield { key, timestamp: first, value: this.spec.value.deserialize(this.topic, value) };
      }
    }
  }

  isDisposable(listKey: Buffer): boolean {
    return segmentOf(listKey) + this.#segmentMs - 1 <= this.#lists.oldestHidden;
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
    return { key: keyOf(key), values: decodeList(value, this.spec.name).map((entry) => entry.value) };
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

  /** A segment that begins after all committed times is new: while input is caught up with, most are. */
  #mayBeCommitted(timestamp: number): boolean {
    return !this.#observed.isPastCommitted(timestamp - (timestamp % this.#segmentMs));
  }

  #keyBytes(key: K): Buffer {
    return terminated(this.spec.key.serialize(this.topic, key));
  }

  #listKey(key: K, timestamp: number): Buffer {
    return listKeyOf(this.spec.key.serialize(this.topic, key), timestamp - (timestamp % this.#segmentMs));
  }
}

/** In the changelog: key · timestamp (8) · arrival (4), as Kafka Streams has it. */
function windowLayout(segmentMs: number): EntryLayout {
  return {
    recordKey(listKey, { first, second }) {
      const key = keyOf(listKey);
      const bytes = Buffer.allocUnsafe(key.length + 12);
      key.copy(bytes);
      writeUint64(bytes, first, key.length);
      bytes.writeUInt32BE(second, key.length + 8);
      return bytes;
    },
    keyIn: (recordKey) => recordKey.subarray(0, -12),
    placeOf(recordKey) {
      const end = recordKey.length - 12;
      const first = readUint64(recordKey, end);
      return { listKey: listKeyOf(recordKey.subarray(0, end), first - (first % segmentMs)), first, second: recordKey.readUInt32BE(end + 8) };
    },
    placeAt: (time) => ({ first: time, second: 0 }),
    timeOf: ({ first }) => first,
  };
}

function listKeyOf(key: Buffer, segment: number): Buffer {
  const bytes = terminated(key, 8);
  setSegment(bytes, segment);
  return bytes;
}

function setSegment(listKey: Buffer, segment: number): void {
  writeUint64(listKey, segment, listKey.length - 8);
}

function segmentOf(listKey: Buffer): number {
  return readUint64(listKey, listKey.length - 8);
}

function keyOf(listKey: Buffer): Buffer {
  const read = readTerminated(listKey);
  if (read === undefined) throw new CorruptStateError('a window store', 'a key does not end');
  return read.bytes;
}
