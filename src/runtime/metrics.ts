// Counters of an instance: plain numbers by name, read by whoever shows them.

export interface Counters {
  add(counter: string, by?: number): void;
}

export class Metrics {
  readonly #counts = new Map<string, number>();

  add(counter: string, by = 1): void {
    this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + by);
  }

  /** `records`, `commits`, `dead-letters`, and `<node>.<counter>` for what operators count. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
