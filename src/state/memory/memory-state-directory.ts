// State in memory, with the same promises: what is written survives as long as this object, as files would survive a crash of the process.

import { isTaskName, type DatabaseWrite, type StateDirectory, type TaskDatabase } from '../../ports/state-directory.ts';
import { StateDirectoryError } from '../errors.ts';

/** Local state in memory: what the test driver gives an instance in place of LevelDB. It survives a crash, unless it is wiped. */
export class MemoryStateDirectory implements StateDirectory {
  readonly processId: string;
  readonly #tasks = new Map<string, Entries>();
  readonly #notes = new Map<string, string>();

  constructor(processId = 'memory') {
    this.processId = processId;
  }

  async tasks(): Promise<string[]> {
    return [...this.#tasks.keys()].filter(isTaskName);
  }

  async open(task: string): Promise<TaskDatabase> {
    const found = this.#tasks.get(task) ?? new Entries();
    this.#tasks.set(task, found);
    return new MemoryDatabase(task, found);
  }

  async wipe(task: string): Promise<void> {
    this.#tasks.delete(task);
  }

  async note(name: string): Promise<string | undefined> {
    return this.#notes.get(name);
  }

  async setNote(name: string, value: string): Promise<void> {
    this.#notes.set(name, value);
  }

  async close(): Promise<void> {}
}

/** Keys as Latin-1 text: order of characters is order of bytes. They are only sorted when somebody scans, which is rare beside reads and writes. */
class Entries {
  readonly #values = new Map<string, Buffer>();
  #sorted: readonly string[] | undefined;

  get(key: string): Buffer | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Buffer): void {
    if (!this.#values.has(key)) this.#sorted = undefined;
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#sorted = undefined;
  }

  /** From `from` on and before `to`, as of now. */
  snapshot(from: string, to: string): (readonly [string, Buffer])[] {
    this.#sorted ??= [...this.#values.keys()].sort((a, b) => (a < b ? -1 : 1));
    return this.#sorted.filter((key) => key >= from && key < to).map((key) => [key, this.#values.get(key)!] as const);
  }
}

class MemoryDatabase implements TaskDatabase {
  readonly #task: string;
  readonly #stored: Entries;
  #isOpen = true;

  constructor(task: string, stored: Entries) {
    this.#task = task;
    this.#stored = stored;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#entries().get(key.toString('latin1'));
  }

  scan(from: Buffer, to: Buffer): AsyncIterable<readonly [Buffer, Buffer]> {
    return inTurn(this.#entries().snapshot(from.toString('latin1'), to.toString('latin1')));
  }

  async write(writes: readonly DatabaseWrite[]): Promise<void> {
    const entries = this.#entries();
    for (const { key, value } of writes) {
      if (value === null) entries.delete(key.toString('latin1'));
      else entries.set(key.toString('latin1'), Buffer.from(value));
    }
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  // As a file would: who has closed it, or lost it with its process, changes nothing any more.
  #entries(): Entries {
    if (!this.#isOpen) throw new StateDirectoryError(`memory, task ${this.#task}`, new Error('the database is closed'));
    return this.#stored;
  }
}

async function* inTurn(snapshot: readonly (readonly [string, Buffer])[]): AsyncGenerator<readonly [Buffer, Buffer]> {
  for (const [key, value] of snapshot) yield [Buffer.from(key, 'latin1'), value];
}
