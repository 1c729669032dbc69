// What a windowed join of streams must give, worked out from its rules on plain lists: for comparison with the operator.

export interface JoinCase {
  readonly kind: 'inner' | 'left' | 'outer';
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
  readonly emitIntervalMs: number;
}

export type Side = 'left' | 'right';

export interface Piped {
  readonly side: Side;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

export interface Result {
  readonly key: string | null;
  readonly value: string;
  readonly timestamp: number;
  /** Value of the record whose headers it carries. */
  readonly headersOf: string;
}

interface Kept {
  readonly side: Side;
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

export class NaiveStreamJoin {
  readonly #case: JoinCase;
  readonly #kept: Kept[] = [];
  #waiting: Kept[] = [];
  #streamTime = -1;
  #nextLookMs = 0;

  constructor(joinCase: JoinCase) {
    this.#case = joinCase;
  }

  pipe({ side, key, value, timestamp }: Piped, id: string, clockMs: number): Result[] {
    const { kind, beforeMs, afterMs, graceMs, emitIntervalMs } = this.#case;
    const results: Result[] = [];
    const mayStandAlone = (which: Side): boolean => kind === 'outer' || (kind === 'left' && which === 'left');
    const alone = (which: Side, one: string): string => (which === 'left' ? `${one}|null` : `null|${one}`);
    // 1. Stream time, and the store of the record's side.
    this.#streamTime = Math.max(this.#streamTime, timestamp);
    const S = this.#streamTime;
    // 2. Nulls.
    if (value === null) return results;
    if (key === null) return mayStandAlone(side) ? [{ key, value: alone(side, value), timestamp, headersOf: id }] : results;
    const own: Kept = { side, key, value, timestamp };
    this.#kept.push(own);
    // 3. Those whose time is over.
    if (kind !== 'inner' && timestamp === S && clockMs >= this.#nextLookMs) {
      if (emitIntervalMs > 0) this.#nextLookMs = clockMs + emitIntervalMs;
      const isOver = (one: Kept): boolean => one.timestamp + (one.side === 'left' ? afterMs : beforeMs) + graceMs < S;
      const over = this.#waiting.filter(isOver).sort(
        (a, b) => a.timestamp - b.timestamp || (a.side === b.side ? 0 : a.side === 'right' ? -1 : 1) || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
      );
      this.#waiting = this.#waiting.filter((one) => !isOver(one));
      results.push(...over.map((one) => ({ key: one.key, value: alone(one.side, one.value), timestamp: one.timestamp, headersOf: id })));
    }
    // 4. Partners: those that are still to be seen on the other side.
    const other: Side = side === 'left' ? 'right' : 'left';
    const [back, ahead] = side === 'left' ? [beforeMs, afterMs] : [afterMs, beforeMs];
    const [from, to] = [Math.max(0, timestamp - back), Math.max(0, timestamp + ahead)];
    const others = this.#kept.filter((one) => one.side === other);
    const highest = Math.max(-1, ...others.map((one) => one.timestamp));
    const partners = others
      .filter((one) => one.key === key && one.timestamp >= from && one.timestamp <= to && one.timestamp >= highest - (beforeMs + afterMs + graceMs))
      .sort((a, b) => a.timestamp - b.timestamp);
    for (const partner of partners) {
      const pair = side === 'left' ? `${value}|${partner.value}` : `${partner.value}|${value}`;
      results.push({ key, value: pair, timestamp: Math.max(timestamp, partner.timestamp), headersOf: id });
      this.#waiting = this.#waiting.filter((one) => !(one.side === other && one.key === key && one.timestamp === partner.timestamp));
    }
    // 5. Nobody there.
    if (partners.length === 0 && mayStandAlone(side)) {
      if (to < S) results.push({ key, value: alone(side, value), timestamp, headersOf: id });
      else this.#waiting.push(own);
    }
    return results;
  }
}
