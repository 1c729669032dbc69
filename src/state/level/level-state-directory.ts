// State on disk: `<stateDir>/<applicationId>/slot-<n>/<task>/`, one LevelDB per task. LevelDB's own lock file tells whether a slot is held by a running
// process, because the operating system frees it however that process ended.

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { isTaskName, type DatabaseWrite, type StateDirectory, type TaskDatabase } from '../../ports/state-directory.ts';
import { CorruptStateError, StateDirectoryBusyError, StateDirectoryError } from '../errors.ts';

type Database = Level<Buffer, Buffer>;
type Notes = Level<string, string>;

const SLOTS_MAX = 64;
const INSTANCE = 'instance';

/**
 * Takes the lowest free slot. An instance that restarts in the same place gets its own slot back, with its tasks' state and its transactional id.
 * @throws {StateDirectoryBusyError} when every slot is held, {StateDirectoryError} when the folder cannot be used.
 */
export async function openStateDirectory(stateDir: string, applicationId: string): Promise<StateDirectory> {
  const root = join(stateDir, applicationId);
  for (let slot = 0; slot < SLOTS_MAX; slot++) {
    const place = join(root, `slot-${slot}`);
    const notes = await openNotes(place);
    if (notes !== undefined) return new LevelStateDirectory(place, notes, await processIdOf(notes));
  }
  throw new StateDirectoryBusyError(root, SLOTS_MAX);
}

/** Undefined when another process holds it. */
async function openNotes(place: string): Promise<Notes | undefined> {
  const path = join(place, INSTANCE);
  try {
    await mkdir(path, { recursive: true });
    const notes: Notes = new Level(path);
    await notes.open();
    return notes;
  } catch (error) {
    if (isLocked(error)) return undefined;
    if (!isCorrupt(error)) throw new StateDirectoryError(path, error);
    // Only identity stood here: a new process id costs a wait for the old transaction's timeout, no data.
    await rm(path, { recursive: true, force: true });
    return openNotes(place);
  }
}

async function processIdOf(notes: Notes): Promise<string> {
  const stored = await notes.get('processId');
  if (stored !== undefined) return stored;
  const created = randomUUID();
  await notes.put('processId', created, { sync: true });
  return created;
}

class LevelStateDirectory implements StateDirectory {
  readonly processId: string;
  readonly #place: string;
  readonly #notes: Notes;

  constructor(place: string, notes: Notes, processId: string) {
    this.#place = place;
    this.#notes = notes;
    this.processId = processId;
  }

  async tasks(): Promise<string[]> {
    const names = await readdir(this.#place);
    return names.filter(isTaskName);
  }

  async open(task: string): Promise<TaskDatabase> {
    const path = join(this.#place, task);
    const database: Database = new Level(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    try {
      await database.open();
    } catch (error) {
      throw failure(path, error);
    }
    return new LevelDatabase(database, path);
  }

  async wipe(task: string): Promise<void> {
    await rm(join(this.#place, task), { recursive: true, force: true });
  }

  async note(name: string): Promise<string | undefined> {
    return this.#notes.get(`note:${name}`);
  }

  async setNote(name: string, value: string): Promise<void> {
    await this.#notes.put(`note:${name}`, value);
  }

  async close(): Promise<void> {
    await this.#notes.close();
  }
}

class LevelDatabase implements TaskDatabase {
  readonly #database: Database;
  readonly #path: string;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
  }

  get(key: Buffer): Buffer | undefined {
    try {
      return this.#database.getSync(key);
    } catch (error) {
      throw failure(this.#path, error);
    }
  }

  scan(from: Buffer, to: Buffer): AsyncIterable<readonly [Buffer, Buffer]> {
    // Made here and not in the generator, whose body only begins with the first read: the iterator is the snapshot.
    return this.#entries(this.#database.iterator({ gte: from, lt: to }));
  }

  // A chained batch is twice as fast as an array. No `sync`: a killed process loses nothing, and what a power failure loses the changelog has.
  async write(writes: readonly DatabaseWrite[]): Promise<void> {
    const batch = this.#database.batch();
    for (const { key, value } of writes) {
      if (value === null) batch.del(key);
      else batch.put(key, value);
    }
    try {
      await batch.write();
    } catch (error) {
      throw failure(this.#path, error);
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  async *#entries(iterator: AsyncIterable<[Buffer, Buffer]>): AsyncGenerator<readonly [Buffer, Buffer]> {
    try {
      yield* iterator;
    } catch (error) {
      throw failure(this.#path, error);
    }
  }
}

function failure(path: string, error: unknown): CorruptStateError | StateDirectoryError {
  return isCorrupt(error) ? new CorruptStateError(path, causeOf(error).message) : new StateDirectoryError(path, causeOf(error));
}

function causeOf(error: unknown): Error & { code?: string } {
  const cause = (error as { cause?: unknown }).cause;
  return (cause instanceof Error ? cause : error) as Error & { code?: string };
}

function isLocked(error: unknown): boolean {
  return causeOf(error).code === 'LEVEL_LOCKED';
}

/** A missing part of the database is damage too; a missing folder or lock file is not. */
function isCorrupt(error: unknown): boolean {
  const { code, message } = causeOf(error);
  return code === 'LEVEL_CORRUPTION' || /corruption|(MANIFEST-\d+|\d+\.(ldb|sst|log)): No such file/i.test(message);
}
