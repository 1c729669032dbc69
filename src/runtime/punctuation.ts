// When punctuators are due. Stream time: multiples of the interval from 0, the first at or before the first stream time fires at once; several missed
// due times fire once; what is due up to the stream time of a restart was fired before it. Wall clock: start + n × interval, once per look.

import type { Punctuator, ScheduleOptions } from '../topology/processor.ts';

interface Entry {
  readonly options: ScheduleOptions;
  readonly punctuator: Punctuator;
  dueMs: number;
}

export class Punctuation {
  readonly #streamTime: Entry[] = [];
  readonly #wallClock: Entry[] = [];

  schedule(options: ScheduleOptions, punctuator: Punctuator, now: { readonly wallNowMs: number; readonly streamTimeMs: number }): void {
    if (!Number.isSafeInteger(options.intervalMs) || options.intervalMs < 1) {
      throw new RangeError(`A punctuator has intervalMs ${options.intervalMs}: give whole milliseconds, at least 1.`);
    }
    const { type, intervalMs } = options;
    if (type === 'stream-time') this.#streamTime.push({ options, punctuator, dueMs: now.streamTimeMs < 0 ? 0 : (Math.floor(now.streamTimeMs / intervalMs) + 1) * intervalMs });
    else this.#wallClock.push({ options, punctuator, dueMs: now.wallNowMs + intervalMs });
  }

  dueByStreamTime(nowMs: number): Punctuator[] {
    return takeDue(this.#streamTime, nowMs);
  }

  dueByWallClock(nowMs: number): Punctuator[] {
    return takeDue(this.#wallClock, nowMs);
  }

  /** Of the next wall-clock punctuator; undefined without one. */
  nextWallClockDueMs(): number | undefined {
    return this.#wallClock.length === 0 ? undefined : Math.min(...this.#wallClock.map((entry) => entry.dueMs));
  }
}

function takeDue(entries: readonly Entry[], nowMs: number): Punctuator[] {
  const due = entries.filter((entry) => entry.dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
  for (const entry of due) {
    const { intervalMs } = entry.options;
    const missed = Math.floor((nowMs - entry.dueMs) / intervalMs);
    entry.dueMs += (missed + 1) * intervalMs;
  }
  return due.map((entry) => entry.punctuator);
}
