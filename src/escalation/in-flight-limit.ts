// How many calls to Temporal may be under way at once. Halved when the server says it is too much, raised again slowly: the limits of a namespace are
// shared with its workers and nobody tells us what is left.

export class InFlightLimit {
  readonly #max: number;
  #limit: number;
  #inFlight = 0;
  #successes = 0;
  #lastCutMs = Number.NEGATIVE_INFINITY;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
    this.#limit = max;
  }

  get limit(): number {
    return this.#limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    while (this.#inFlight >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inFlight++;
    try {
      return await call();
    } finally {
      this.#inFlight--;
      this.#wake();
    }
  }

  succeeded(): void {
    if (this.#limit >= this.#max || ++this.#successes < this.#limit) return;
    this.#successes = 0;
    this.#limit++;
    this.#wake();
  }

  /** At most once a second: a burst of refusals is one piece of news. */
  throttled(nowMs: number): void {
    if (nowMs - this.#lastCutMs < 1_000) return;
    this.#lastCutMs = nowMs;
    this.#successes = 0;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }

  #wake(): void {
    for (let free = this.#limit - this.#inFlight; free > 0; free--) this.#waiting.shift()?.();
  }
}
