// State in memory, with the same promises: what is written survives as long as this object, as files would survive a crash of the process.

import type { DatabaseWrite, StateDirectory, TaskDatabase } from '../../ports/state-directory.ts';
import { SortedMap } from '../sorted-map.ts';


export class MemoryStateDirectory implements StateDirectory {
  readonly processId: string;
  readonly #tasks = new Map<string, MemoryDatabase>();
  readonly #notes = new Map<string, string>();

  constructor(processId = 'memory') {
    this.processId = processId;
  }

  async tasks(): Promise<string[]> {
    return [...this.#tasks.keys()];
  }

  async open(task: string): Promise<TaskDatabase> {
    const found = this.#tasks.get(task) ?? new MemoryDatabase();
    this.#tasks.set(task, found);
    return found;
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

class MemoryDatabase implements TaskDatabase {
  /** Keys as Latin-1 text: order of characters is order of bytes. */
  #entries = new SortedMap<string, Buffer>(undefined, (a, b) => (a < b ? -1 : a > b ? 1 : 0));

  get(key: Buffer): Buffer | undefined {
    return this.#entries.get(key.toString('latin1'));
  }

  async *scan(from: Buffer, to: Buffer): AsyncGenerator<readonly [Buffer, Buffer]> {
    const snapshot = this.#entries.clone();
    const end = to.toString('latin1');
    for (const [key, value] of snapshot.entries(from.toString('latin1'))) {
      if (key >= end) return;
      yield [Buffer.from(key, 'latin1'), value];
    }
  }

  async write(writes: readonly DatabaseWrite[]): Promise<void> {
    for (const { key, value } of writes) {
      if (value === null) this.#entries.delete(key.toString('latin1'));
      else this.#entries.set(key.toString('latin1'), Buffer.from(value));
    }
  }

  async close(): Promise<void> {}
}
