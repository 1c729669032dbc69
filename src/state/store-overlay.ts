// One store's key range in the task's database, under the writes that are not committed yet. LevelDB never holds uncommitted data: a crash, an
// abort or a lost commit just drops the overlay.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { EntryTooLargeError } from './errors.ts';

/** Somewhat below what changelog topics take (16 MiB): found while the record at fault is processed, not when its commit is refused. */
const ENTRY_BYTES_MAX = 15 * 1024 * 1024;

export abstract class StoreOverlay<W extends DatabaseWrite> {
  protected readonly store: string;
  /** By key as Latin-1 text: one character per byte, so that maps compare bytes. */
  protected readonly writes = new Map<string, W>();
  /** Memory that the writes take, about. */
  protected bytes = 0;
  readonly #database: TaskDatabase;
  readonly #prefix: Buffer;

  constructor(database: TaskDatabase, store: string) {
    this.#database = database;
    this.#prefix = storePrefix(store);
    this.store = store;
  }

  committed(key: Buffer): Buffer | undefined {
    return this.#database.get(this.databaseKey(key));
  }

  /** Size of what waits for the commit, in bytes. */
  get pendingBytes(): number {
    return this.bytes;
  }

  get pendingCount(): number {
    return this.writes.size;
  }

  /** The last write of each key, in the order keys were first written. */
  pending(): Iterable<W> {
    return this.writes.values();
  }

  databaseKey(key: Buffer): Buffer {
    const bytes = Buffer.allocUnsafe(this.#prefix.length + key.length);
    this.#prefix.copy(bytes);
    key.copy(bytes, this.#prefix.length);
    return bytes;
  }

  /** Forgets the pending writes: they have become durable, or never will. */
  clear(): void {
    this.writes.clear();
    this.bytes = 0;
  }

  /** Committed entries with their keys in this store. */
  async *scanCommitted(after?: Buffer): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
    const from = after === undefined ? Buffer.alloc(0) : Buffer.concat([after, Buffer.of(0)]);
    yield* this.#scan(from, undefined);
  }

  /** What is committed and what waits for it, for keys ≥ `from` and < `to` (undefined: to the end), ascending; as of the first read. */
  async *scan(from: Buffer, to: Buffer | undefined): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
    // Both are taken in this one turn, so a commit in between cannot be seen half.
    const pending = this.#pendingIn(from, to);
    let at = 0;
    for await (const entry of this.#scan(from, to)) {
      while (at < pending.length && Buffer.compare(pending[at]!.key, entry[0]) < 0) yield* shown(pending[at++]!);
      if (at < pending.length && pending[at]!.key.equals(entry[0])) yield* shown(pending[at++]!);
      else yield entry;
    }
    while (at < pending.length) yield* shown(pending[at++]!);
  }

  /** @throws {EntryTooLargeError} */
  protected checkSize(bytes: number): void {
    if (bytes > ENTRY_BYTES_MAX) throw new EntryTooLargeError(this.store, bytes, ENTRY_BYTES_MAX);
  }

  #pendingIn(from: Buffer, to: Buffer | undefined): DatabaseWrite[] {
    return [...this.writes.values()]
      .filter(({ key }) => Buffer.compare(key, from) >= 0 && (to === undefined || Buffer.compare(key, to) < 0))
      .map(({ key, value }) => ({ key, value }))
      .sort((a, b) => Buffer.compare(a.key, b.key));
  }

  #scan(from: Buffer, to: Buffer | undefined): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
    const end = Buffer.from(this.#prefix);
    end[end.length - 1] = 1; // the prefix ends in 0, so this is just past all its keys
    return withoutPrefix(this.#database.scan(this.databaseKey(from), to === undefined ? end : this.databaseKey(to)), this.#prefix.length);
  }
}

/** Store names are topic characters, so 0 cannot occur in them: `s`, name, 0. */
export function storePrefix(store: string): Buffer {
  return Buffer.from(`s${store}\u0000`, 'latin1');
}

function* shown({ key, value }: DatabaseWrite): Generator<readonly [key: Buffer, value: Buffer]> {
  if (value !== null) yield [key, value];
}

async function* withoutPrefix(entries: AsyncIterable<readonly [key: Buffer, value: Buffer]>, length: number): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
  for await (const [key, value] of entries) yield [key.subarray(length), value];
}
