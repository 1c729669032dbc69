// The highest timestamp a store has seen: its own idea of now, by which entries die. It is part of the state: undone with a step, restored with the entries.

import type { UndoLog } from './undo-log.ts';

export class ObservedTime {
  readonly #undo: UndoLog;
  /** −1 before the first. */
  #value = -1;
  /** The highest that a changelog record has told. */
  #logged = -1;

  constructor(undo: UndoLog) {
    this.#undo = undo;
  }

  get value(): number {
    return this.#value;
  }

  observe(timestamp: number): void {
    if (timestamp <= this.#value) return;
    const before = this.#value;
    this.#value = timestamp;
    this.#undo.push(() => void (this.#value = before));
  }

  load(value: number): void {
    this.#value = value;
    this.#logged = value;
  }

  /** Whether nothing of this time or later can be committed yet. */
  isPastCommitted(time: number): boolean {
    return time > this.#logged;
  }

  /** True when it has moved since the last commit, so that a changelog record must tell. */
  get isUnlogged(): boolean {
    return this.#value > this.#logged;
  }

  committed(): void {
    this.#logged = this.#value;
  }
}
