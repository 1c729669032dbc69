// The overlay of stores that keep several values under one key: LevelDB has no synchronous iterator, so what is to be found while a record is processed is kept
// together under a key that can be computed. Lists that wait for a commit stay decoded, so that a key with many values is encoded once per commit, not per put.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { decodeList, encodeList, PLACE_BYTES, type Placed } from './bytes.ts';
import { StoreOverlay } from './store-overlay.ts';
import type { UndoLog } from './undo-log.ts';

/** What an entry takes in memory beside its payload. */
const ENTRY_MEMORY_BYTES = 100;
const NONE: readonly Placed[] = [];

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

  constructor(key: Buffer, text: string, base: Buffer | undefined, entries: Placed[]) {
    this.key = key;
    this.text = text;
    this.base = base;
    this.entries = entries;
    this.payloadBytes = payloadBytes(entries);
  }

  get value(): Buffer | null {
    return this.entries.length === 0 ? null : encodeList(this.entries);
  }

  get memoryBytes(): number {
    return this.key.length + (this.base?.length ?? 0) + this.payloadBytes + ENTRY_MEMORY_BYTES * this.entries.length;
  }
}

export class ListOverlay extends StoreOverlay<EntryList> {
  readonly #undo: UndoLog;

  constructor(database: TaskDatabase, store: string, undo: UndoLog) {
    super(database, store);
    this.#undo = undo;
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
    this.checkSize(list.key.length + list.payloadBytes + payloadBytes(added) + PLACE_BYTES * (list.entries.length + added.length));
    const { text } = list;
    const isNew = !this.writes.has(text);
    const bytesBefore = isNew ? 0 : list.memoryBytes;
    const timestampBefore = list.timestamp;
    const gone = spliced(list, at, removed, added);
    list.timestamp = timestamp;
    if (isNew) this.writes.set(text, list);
    const grown = list.memoryBytes - bytesBefore;
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
