// When punctuators are due. Stream time: multiples of the interval from 0, the first at or before the first stream time fires at once; several missed
// due times fire once. Wall clock: start + n × interval, once per look.

import type { Punctuator, ScheduleOptions } from '../topology/processor.ts';

interface Entry {
  readonly options: ScheduleOptions;
  readonly punctuator: Punctuator;
  dueMs: number;
}

export class Punctuation {
  readonly #streamTime: Entry[] = [];
  readonly #wallClock: Entry[] = [];

  schedule(options: ScheduleOptions, punctuator: Punctuator, wallNowMs: number): void {
    if (!Number.isSafeInteger(options.intervalMs) || options.intervalMs < 1) {
      throw new RangeError(`A punctuator has intervalMs ${options.intervalMs}: give whole milliseconds, at least 1.`);
    }
    if (options.type === 'stream-time') this.#streamTime.push({ options, punctuator, dueMs: 0 });
    else this.#wallClock.push({ options, punctuator, dueMs: wallNowMs + options.intervalMs });
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
