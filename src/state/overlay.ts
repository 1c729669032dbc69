// The overlay of stores with one value per key.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { StoreOverlay } from './store-overlay.ts';
import type { UndoLog } from './undo-log.ts';

export interface PendingWrite extends DatabaseWrite {
  /** Of the record that wrote it: the changelog record's timestamp. */
  readonly timestamp: number;
}

export class Overlay extends StoreOverlay<PendingWrite> {
  readonly #undo: UndoLog;

  constructor(database: TaskDatabase, store: string, undo: UndoLog) {
    super(database, store);
    this.#undo = undo;
  }

  get(key: Buffer): Buffer | undefined {
    const pending = this.writes.get(key.toString('latin1'));
    return pending === undefined ? this.committed(key) : (pending.value ?? undefined);
  }

  /** value null: delete. @throws {EntryTooLargeError} */
  put(key: Buffer, value: Buffer | null, timestamp: number): void {
    const write = { key, value, timestamp };
    this.checkSize(sizeOf(write));
    const text = key.toString('latin1');
    const before = this.writes.get(text);
    this.#set(text, before, write);
    this.#undo.push(() => this.#set(text, write, before));
  }

  #set(text: string, before: PendingWrite | undefined, after: PendingWrite | undefined): void {
    this.bytes += (after === undefined ? 0 : sizeOf(after)) - (before === undefined ? 0 : sizeOf(before));
    if (after === undefined) this.writes.delete(text);
    else this.writes.set(text, after);
  }
}

function sizeOf({ key, value }: DatabaseWrite): number {
  return key.length + (value?.length ?? 0);
}
