// Versioned tables as the rules say them: every version ever put is kept, and what is too old is simply not shown.

export interface Version<V> {
  readonly value: V | null;
  readonly timestamp: number;
}

export class NaiveVersions<V> {
  readonly #historyMs: number;
  readonly #rows = new Map<string, Version<V>[]>();
  #seen = Number.NEGATIVE_INFINITY;

  constructor(historyMs: number) {
    this.#historyMs = historyMs;
  }

  /** What was the row's newest version before, and whether this one is now. Undefined: it is older than the history. */
  put(key: string, value: V | null, timestamp: number): { before: V | null; isLatest: boolean } | undefined {
    if (timestamp < this.#seen - this.#historyMs) return undefined;
    this.#seen = Math.max(this.#seen, timestamp);
    const before = this.get(key)?.value ?? null;
    const others = (this.#rows.get(key) ?? []).filter((version) => version.timestamp !== timestamp);
    this.#rows.set(key, [...others, { value, timestamp }].sort((a, b) => a.timestamp - b.timestamp));
    return { before, isLatest: others.every((version) => version.timestamp < timestamp) };
  }

  get(key: string, asOf = Number.POSITIVE_INFINITY): Version<V> | undefined {
    const versions = this.#rows.get(key) ?? [];
    const found = versions.findLast((version) => version.timestamp <= asOf);
    if (found === undefined || found.value === null) return undefined;
    return asOf < this.#seen - this.#historyMs && found !== versions.at(-1) ? undefined : found;
  }
}
