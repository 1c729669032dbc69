// A naive account of suppress: a list of what waits, looked through from the start each time.

export interface Update<K> {
  readonly key: K;
  readonly value: string | null;
  readonly timestamp: number;
  readonly cause?: string;
}

export interface SuppressRules<K> {
  readonly waitsMs: number;
  /** The end of the key's window; undefined: a time limit, which counts from the first update that waits. */
  readonly endOf: ((key: K) => number) | undefined;
  /** How keys are told apart, and in which order they come out. */
  readonly order: (a: K, b: K) => number;
  readonly maxRecords: number | undefined;
  readonly whenFull: 'emit-early' | 'fail';
}

export class NaiveSuppress<K> {
  readonly #rules: SuppressRules<K>;
  #waiting: { placeMs: number; update: Update<K> }[] = [];
  #time = -1;

  constructor(rules: SuppressRules<K>) {
    this.#rules = rules;
  }

  /** What comes out; undefined: the record fails. */
  take(update: Update<K>): Update<K>[] | undefined {
    const { waitsMs, endOf, order, maxRecords, whenFull } = this.#rules;
    this.#time = Math.max(this.#time, update.timestamp);
    const present = this.#waiting.find((one) => order(one.update.key, update.key) === 0);
    if (present === undefined) this.#waiting.push({ placeMs: endOf === undefined ? update.timestamp : endOf(update.key), update });
    else present.update = update;
    this.#waiting.sort((a, b) => a.placeMs - b.placeMs || order(a.update.key, b.update.key));
    const out = this.#waiting.filter(({ placeMs }) => placeMs + waitsMs <= this.#time);
    this.#waiting = this.#waiting.filter((one) => !out.includes(one));
    if (maxRecords !== undefined && this.#waiting.length > maxRecords) {
      if (whenFull === 'fail') return undefined;
      out.push(...this.#waiting.splice(0, this.#waiting.length - maxRecords));
    }
    return out.map((one) => one.update).filter(({ value }) => value !== null || endOf === undefined);
  }
}
