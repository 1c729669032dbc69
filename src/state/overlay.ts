// One store's key range in the task's database, under the writes that are not committed yet. LevelDB never holds uncommitted data: a crash, an
// abort or a lost commit just drops the overlay.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { EntryTooLargeError } from './errors.ts';
import type { UndoLog } from './undo-log.ts';

export interface PendingWrite extends DatabaseWrite {
  /** Of the record that wrote it: the changelog record's timestamp. */
  readonly timestamp: number;
  /** What is committed under this key, where the store keeps it to tell the changelog the difference. */
  readonly base: Buffer | undefined;
}

type Entry = readonly [key: Buffer, value: Buffer];

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
    return this.committed(key);
  }

  committed(key: Buffer): Buffer | undefined {
    return this.#database.get(this.databaseKey(key));
  }

  /** value null: delete. @throws {EntryTooLargeError} */
  put(key: Buffer, value: Buffer | null, timestamp: number): void {
    this.#put(key, value, timestamp, undefined);
  }

  /** As `put`, and remembers what is committed: `before` is what `get` has just given for this key. @throws {EntryTooLargeError} */
  replace(key: Buffer, before: Buffer | undefined, value: Buffer | null, timestamp: number): void {
    this.#put(key, value, timestamp, before);
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
  async *scanCommitted(after?: Buffer): AsyncGenerator<Entry> {
    const from = after === undefined ? Buffer.alloc(0) : Buffer.concat([after, Buffer.of(0)]);
    yield* this.#scan(from, undefined);
  }

  /** What `get` shows, for keys ≥ `from` and < `to` (undefined: to the end), ascending; as of the first read. */
  async *scan(from: Buffer, to: Buffer | undefined): AsyncGenerator<Entry> {
    // Both are taken in this one turn, so a commit in between cannot be seen half.
    const pending = this.#pendingIn(from, to);
    const committed = this.#scan(from, to);
    let at = 0;
    for await (const entry of committed) {
      for (; at < pending.length; at++) {
        const order = Buffer.compare(pending[at]!.key, entry[0]);
        if (order > 0) break;
        yield* shown(pending[at]!);
        if (order === 0) break;
      }
      if (at < pending.length && pending[at]!.key.equals(entry[0])) at++;
      else yield entry;
    }
    for (; at < pending.length; at++) yield* shown(pending[at]!);
  }

  #pendingIn(from: Buffer, to: Buffer | undefined): PendingWrite[] {
    return [...this.#pending.values()]
      .filter(({ key }) => Buffer.compare(key, from) >= 0 && (to === undefined || Buffer.compare(key, to) < 0))
      .sort((a, b) => Buffer.compare(a.key, b.key));
  }

  #scan(from: Buffer, to: Buffer | undefined): AsyncGenerator<Entry> {
    const end = Buffer.from(this.#prefix);
    end[end.length - 1] = 1; // the prefix ends in 0, so this is just past all its keys
    return withoutPrefix(this.#database.scan(this.databaseKey(from), to === undefined ? end : this.databaseKey(to)), this.#prefix.length);
  }

  #put(key: Buffer, value: Buffer | null, timestamp: number, committed: Buffer | undefined): void {
    const bytes = key.length + (value?.length ?? 0);
    if (bytes > ENTRY_BYTES_MAX) throw new EntryTooLargeError(this.#store, bytes, ENTRY_BYTES_MAX);
    const text = key.toString('latin1');
    const before = this.#pending.get(text);
    const write: PendingWrite = { key, value, timestamp, base: before === undefined ? committed : before.base };
    this.#bytes += sizeOf(write) - (before === undefined ? 0 : sizeOf(before));
    this.#pending.set(text, write);
    this.#undo.push(() => this.#restore(text, before));
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
  return write.key.length + (write.value?.length ?? 0) + (write.base?.length ?? 0);
}

function* shown({ key, value }: PendingWrite): Generator<Entry> {
  if (value !== null) yield [key, value];
}

async function* withoutPrefix(entries: AsyncIterable<Entry>, length: number): AsyncGenerator<Entry> {
  for await (const [key, value] of entries) yield [key.subarray(length), value];
}
