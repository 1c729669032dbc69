// What a record did to state, backwards: if its processing throws, its effects are undone as if it had never been read.

export class UndoLog {
  #undo: (() => void)[] = [];

  /** Begins a step: what was recorded before can no longer be undone. */
  begin(): void {
    if (this.#undo.length > 0) this.#undo = [];
  }

  push(undo: () => void): void {
    this.#undo.push(undo);
  }

  rollback(): void {
    for (let at = this.#undo.length - 1; at >= 0; at--) this.#undo[at]!();
    this.#undo = [];
  }
}
