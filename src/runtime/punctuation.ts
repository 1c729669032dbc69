// When punctuators are due: at startAtMs + n × interval. Several missed due times fire once, and what is due up to the stream time of a restart was fired
// before it.

import type { Punctuator, Schedule, ScheduleOptions } from '../topology/processor.ts';

interface Entry {
  readonly intervalMs: number;
  readonly punctuator: Punctuator;
  /** Nothing fires at the very moment it is scheduled. */
  readonly notAtMs: number;
  dueMs: number;
}

const NONE: readonly Punctuator[] = [];

export class Punctuation {
  readonly #streamTime = new Timetable();
  readonly #wallClock = new Timetable();

  /** @throws {RangeError} */
  schedule(options: ScheduleOptions, punctuator: Punctuator, now: { readonly wallNowMs: number; readonly streamTimeMs: number }): Schedule {
    const { type, intervalMs, startAtMs } = options;
    if (!Number.isSafeInteger(intervalMs) || intervalMs < 1) {
      throw new RangeError(`A punctuator has intervalMs ${intervalMs}: give whole milliseconds, at least 1.`);
    }
    if (startAtMs !== undefined && (!Number.isSafeInteger(startAtMs) || startAtMs < 0)) {
      throw new RangeError(`A punctuator has startAtMs ${startAtMs}: give whole milliseconds since the epoch, at least 0.`);
    }
    if (type === 'stream-time') return this.#streamTime.add(intervalMs, firstAfter(startAtMs ?? 0, intervalMs, now.streamTimeMs), now.streamTimeMs, punctuator);
    // Unanchored, or in the past: never at once.
    const first = startAtMs === now.wallNowMs ? startAtMs : firstAfter(startAtMs ?? now.wallNowMs, intervalMs, now.wallNowMs);
    return this.#wallClock.add(intervalMs, first, now.wallNowMs, punctuator);
  }

  /** What is due, one by one: each may schedule and cancel others. By due time; equal ones in the order of scheduling. */
  dueByStreamTime(nowMs: number): Iterable<Punctuator> {
    return this.#streamTime.due(nowMs);
  }

  dueByWallClock(nowMs: number): Iterable<Punctuator> {
    return this.#wallClock.due(nowMs);
  }
}

class Timetable {
  #entries: Entry[] = [];
  /** No entry is due before this. */
  #quietUntilMs = Number.POSITIVE_INFINITY;

  add(intervalMs: number, dueMs: number, notAtMs: number, punctuator: Punctuator): Schedule {
    const entry: Entry = { intervalMs, punctuator, notAtMs, dueMs };
    this.#entries.push(entry);
    this.#quietUntilMs = Math.min(this.#quietUntilMs, dueMs);
    return {
      cancel: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  /** Asked after every record, so it must cost nothing as long as nothing is due. */
  due(nowMs: number): Iterable<Punctuator> {
    return nowMs < this.#quietUntilMs ? NONE : this.#take(nowMs);
  }

  *#take(nowMs: number): Generator<Punctuator> {
    for (;;) {
      let next: Entry | undefined;
      for (const entry of this.#entries) if (entry.dueMs <= nowMs && entry.notAtMs < nowMs && (next === undefined || entry.dueMs < next.dueMs)) next = entry;
      if (next === undefined) break;
      next.dueMs = firstAfter(next.dueMs, next.intervalMs, nowMs);
      yield next.punctuator;
    }
    this.#quietUntilMs = this.#entries.reduce((least, { dueMs }) => Math.min(least, dueMs), Number.POSITIVE_INFINITY);
  }
}

/** The first of start, start + interval, … that lies after a time. */
function firstAfter(startMs: number, intervalMs: number, timeMs: number): number {
  return timeMs < startMs ? startMs : startMs + (Math.floor((timeMs - startMs) / intervalMs) + 1) * intervalMs;
}
