// One store's key range in the task's database, under the writes that are not committed yet. LevelDB never holds uncommitted data: a crash, an
// abort or a lost commit just drops the overlay.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { EntryTooLargeError } from './errors.ts';
import type { UndoLog } from './undo-log.ts';

export interface PendingWrite extends DatabaseWrite {
  /** Of the record that wrote it: the changelog record's timestamp. */
  readonly timestamp: number;
}

/** Somewhat below what changelog topics take (16 MiB): found while the record at fault is processed, not when its commit is refused. */
const ENTRY_BYTES_MAX = 15 * 1024 * 1024;

export class Overlay {
  readonly #database: TaskDatabase;
  readonly #undo: UndoLog;
  readonly #prefix: Buffer;
  readonly #store: string;
  /** By key as Latin-1 text: one character per byte, so that maps compare bytes. */
  readonly #pending = new Map<string, PendingWrite>();
  #bytes = 0;

  constructor(database: TaskDatabase, store: string, undo: UndoLog) {
    this.#database = database;
    this.#undo = undo;
    this.#prefix = storePrefix(store);
    this.#store = store;
  }

  get(key: Buffer): Buffer | undefined {
    const pending = this.#pending.get(key.toString('latin1'));
    if (pending !== undefined) return pending.value ?? undefined;
    return this.#database.get(Buffer.concat([this.#prefix, key]));
  }

  /** value null: delete. @throws {EntryTooLargeError} */
  put(key: Buffer, value: Buffer | null, timestamp: number): void {
    const bytes = key.length + (value?.length ?? 0);
    if (bytes > ENTRY_BYTES_MAX) throw new EntryTooLargeError(this.#store, bytes, ENTRY_BYTES_MAX);
    const text = key.toString('latin1');
    const before = this.#pending.get(text);
    this.#set(text, { key, value, timestamp }, before);
    this.#undo.push(() => this.#restore(text, before));
  }

  /** Size of what waits for the commit: bytes of keys and values. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The last write of each key, in the order keys were first written. */
  pending(): Iterable<PendingWrite> {
    return this.#pending.values();
  }

  databaseKey(key: Buffer): Buffer {
    return Buffer.concat([this.#prefix, key]);
  }

  /** Forgets the pending writes: they have become durable, or never will. */
  clear(): void {
    this.#pending.clear();
    this.#bytes = 0;
  }

  /** Committed entries with their keys in this store. */
  async *scanCommitted(after?: Buffer): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
    const end = Buffer.from(this.#prefix);
    end[end.length - 1] = 1; // the prefix ends in 0, so this is just past all its keys
    const from = after === undefined ? this.#prefix : Buffer.concat([this.#prefix, after, Buffer.of(0)]);
    for await (const [key, value] of this.#database.scan(from, end)) yield [key.subarray(this.#prefix.length), value];
  }

  #set(text: string, write: PendingWrite, before: PendingWrite | undefined): void {
    this.#bytes += sizeOf(write) - (before === undefined ? 0 : sizeOf(before));
    this.#pending.set(text, write);
  }

  #restore(text: string, before: PendingWrite | undefined): void {
    const now = this.#pending.get(text);
    if (now !== undefined) this.#bytes -= sizeOf(now);
    if (before === undefined) {
      this.#pending.delete(text);
      return;
    }
    this.#bytes += sizeOf(before);
    this.#pending.set(text, before);
  }
}

/** Store names are topic characters, so 0 cannot occur in them: `s`, name, 0. */
export function storePrefix(store: string): Buffer {
  return Buffer.from(`s${store}\u0000`, 'latin1');
}

function sizeOf(write: PendingWrite): number {
  return write.key.length + (write.value?.length ?? 0);
}
