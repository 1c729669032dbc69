// The overlay of stores that keep several values under one key: LevelDB has no synchronous iterator, so what is to be found while a record is processed is kept
// together under a key that can be computed. Lists that wait for a commit stay decoded, so that a key with many values is encoded once per commit, not per put.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { decodeList, encodeList, PLACE_BYTES, type Placed } from './bytes.ts';
import { StoreOverlay } from './store-overlay.ts';
import type { UndoLog } from './undo-log.ts';

/** What an entry takes in memory beside its payload. */
const ENTRY_MEMORY_BYTES = 100;
const NONE: readonly Placed[] = [];
/** Up to here, what was read to be changed counts in full. */
const READ_BYTES_COUNTED = 65_536;
/** And beyond it, by this part. */
const READ_PART_COUNTED = 1 / 16;

/** The values under one key, in the order of their places. */
export class EntryList implements DatabaseWrite {
  readonly key: Buffer;
  /** The key as maps have it. */
  readonly text: string;
  /** What is committed: the changelog is told the difference. */
  readonly base: Buffer | undefined;
  readonly entries: Placed[];
  /** Of the last change. */
  timestamp = -1;
  payloadBytes: number;
  readonly #read: { readonly payloadBytes: number; readonly entries: number; readonly counted: number };

  constructor(key: Buffer, text: string, base: Buffer | undefined, entries: Placed[]) {
    this.key = key;
    this.text = text;
    this.base = base;
    this.entries = entries;
    this.payloadBytes = payloadBytes(entries);
    const readBytes = (base?.length ?? 0) + ENTRY_MEMORY_BYTES * entries.length;
    const counted = Math.min(readBytes, READ_BYTES_COUNTED) + Math.max(readBytes - READ_BYTES_COUNTED, 0) * READ_PART_COUNTED;
    this.#read = { payloadBytes: this.payloadBytes, entries: entries.length, counted: key.length + Math.ceil(counted) };
  }

  get value(): Buffer | null {
    return this.entries.length === 0 ? null : encodeList(this.entries);
  }

  /**
   * What it counts as uncommitted. Of a long list that is mostly what is new: a commit frees the rest only until the next change of the same list, and if it counted, a
   * task would do nothing any more but commit one record after the other.
   */
  get countedBytes(): number {
    const { payloadBytes, entries, counted } = this.#read;
    return counted + Math.max(this.payloadBytes - payloadBytes, 0) + ENTRY_MEMORY_BYTES * Math.max(this.entries.length - entries, 0);
  }
}

export class ListOverlay extends StoreOverlay<EntryList> {
  readonly #undo: UndoLog;

  readonly #isToldWhole: boolean;

  /** `isToldWhole`: the changelog has a record for each list, not for each entry. */
  constructor(database: TaskDatabase, store: string, undo: UndoLog, { isToldWhole }: { readonly isToldWhole: boolean }) {
    super(database, store);
    this.#undo = undo;
    this.#isToldWhole = isToldWhole;
  }

  /** To be read, and handed to `change`; not to be kept. `mayBeCommitted` false: nothing is under this key on disk, so it is not looked for. */
  list(key: Buffer, mayBeCommitted = true): EntryList {
    const text = key.toString('latin1');
    const pending = this.writes.get(text);
    if (pending !== undefined) return pending;
    const base = mayBeCommitted ? this.committed(key) : undefined;
    return new EntryList(key, text, base, base === undefined ? [] : decodeList(base, this.store));
  }

  /** To be read only. The key may be used for something else afterwards. */
  entries(key: Buffer, mayBeCommitted = true): readonly Placed[] {
    const pending = this.writes.get(key.toString('latin1'));
    if (pending !== undefined) return pending.entries;
    const base = mayBeCommitted ? this.committed(key) : undefined;
    return base === undefined ? NONE : decodeList(base, this.store);
  }

  /** Puts `added` in the place of `removed` entries from `at` on. @throws {EntryTooLargeError} */
  change(list: EntryList, at: number, removed: number, added: readonly Placed[], timestamp: number): void {
    if (this.#isToldWhole) this.checkSize(list.key.length + list.payloadBytes + payloadBytes(added) + PLACE_BYTES * (list.entries.length + added.length));
    else for (const { value } of added) this.checkSize(list.key.length + PLACE_BYTES + value.length);
    const { text } = list;
    const isNew = !this.writes.has(text);
    const bytesBefore = isNew ? 0 : list.countedBytes;
    const timestampBefore = list.timestamp;
    const gone = spliced(list, at, removed, added);
    list.timestamp = timestamp;
    if (isNew) this.writes.set(text, list);
    const grown = list.countedBytes - bytesBefore;
    this.bytes += grown;
    this.#undo.push(() => {
      spliced(list, at, added.length, gone);
      list.timestamp = timestampBefore;
      if (isNew) this.writes.delete(text);
      this.bytes -= grown;
    });
  }
}

/** Changes the list and returns what is gone. */
function spliced(list: EntryList, at: number, removed: number, added: readonly Placed[]): Placed[] {
  const gone = list.entries.splice(at, removed, ...added);
  list.payloadBytes += payloadBytes(added) - payloadBytes(gone);
  return gone;
}

function payloadBytes(entries: readonly Placed[]): number {
  let bytes = 0;
  for (const { value } of entries) bytes += value.length;
  return bytes;
}
