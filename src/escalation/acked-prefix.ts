// Which position may be committed: only over records that are all dealt with, however out of order the lanes finish them. Committing past an
// unacknowledged command would lose it; this is the one invariant that the whole way to Temporal rests on.

export class AckedPrefix {
  /** Position up to which every record is dealt with; undefined until something was tracked. */
  #position: number;
  /** Records under way in offset order, with the position after each. */
  readonly #open: { readonly offset: number; readonly sinceMs: number; isDone: boolean; next: number }[] = [];
  #first = 0;

  constructor(position: number) {
    this.#position = position;
  }

  /** A record is taken on. Offsets must rise. */
  track(offset: number, nowMs: number): () => void {
    const entry = { offset, sinceMs: nowMs, isDone: false, next: offset + 1 };
    this.#open.push(entry);
    return () => {
      entry.isDone = true;
      this.#advance();
    };
  }

  /** The log was read up to here: past markers and compacted gaps after the last record tracked. */
  readUpTo(position: number): void {
    const last = this.#open.at(-1);
    if (last !== undefined && this.#open.length > this.#first) last.next = Math.max(last.next, position);
    else this.#position = Math.max(this.#position, position);
  }

  /** The position to commit. */
  get position(): number {
    return this.#position;
  }

  get unacked(): number {
    return this.#open.length - this.#first;
  }

  get oldestSinceMs(): number | undefined {
    return this.#open[this.#first]?.sinceMs;
  }

  #advance(): void {
    for (let entry = this.#open[this.#first]; entry?.isDone === true; entry = this.#open[this.#first]) {
      this.#position = Math.max(this.#position, entry.next);
      this.#first++;
    }
    // Drop the finished head now and then: O(1) amortised.
    if (this.#first > 1_024 && this.#first * 2 > this.#open.length) {
      this.#open.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
