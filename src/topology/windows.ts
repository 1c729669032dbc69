// How a stream is cut into windows. Grace has no default: what is dropped cannot be brought back (KIP-633). All times are whole milliseconds of event time.

import { InvalidWindowError } from './errors.ts';

/** Tumbling and hopping windows: `[start, start + sizeMs)`, at multiples of `advanceMs` from 0. */
export interface TimeWindows {
  readonly kind: 'time';
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
}

/** One window for each set of a key's records that lie at most `differenceMs` apart: `[start, start + differenceMs]`, both ends inclusive. */
export interface SlidingWindows {
  readonly kind: 'sliding';
  readonly differenceMs: number;
  readonly graceMs: number;
}

/** From a key's first record to its last, both inclusive, as long as no more than `gapMs` lies between two of them. */
export interface SessionWindows {
  readonly kind: 'session';
  readonly gapMs: number;
  readonly graceMs: number;
}

/** What `tumbling`, `hopping`, `sliding` and `session` make. */
export type AnyWindows = TimeWindows | SlidingWindows | SessionWindows;

/**
 * Windows side by side: each record falls into one. Kafka Streams: `TimeWindows.ofSizeAndGrace`.
 * `sizeMs`: at least 1. `graceMs`: how long after a window's end a record still counts, at least 0.
 * @throws {InvalidWindowError}
 * @example stream.groupByKey(…).windowedBy(tumbling({ sizeMs: 60_000, graceMs: 5_000 })).count({ name: 'per-minute' })
 */
export function tumbling({ sizeMs, graceMs }: { readonly sizeMs: number; readonly graceMs: number }): TimeWindows {
  check('tumbling windows', [
    ['sizeMs', sizeMs, 1],
    ['graceMs', graceMs, 0],
  ]);
  return Object.freeze({ kind: 'time', sizeMs, advanceMs: sizeMs, graceMs });
}

/**
 * Windows that overlap: one begins every `advanceMs`, and each record falls into all that hold its time. Kafka Streams: `TimeWindows.….advanceBy`.
 * `sizeMs`: at least 1. `advanceMs`: from 1 to `sizeMs`. `graceMs`: how long after a window's end a record still counts, at least 0.
 * @throws {InvalidWindowError}
 */
export function hopping({ sizeMs, advanceMs, graceMs }: { readonly sizeMs: number; readonly advanceMs: number; readonly graceMs: number }): TimeWindows {
  check('hopping windows', [
    ['sizeMs', sizeMs, 1],
    ['advanceMs', advanceMs, 1],
    ['graceMs', graceMs, 0],
  ]);
  if (advanceMs > sizeMs) {
    throw new InvalidWindowError(`hopping windows: advanceMs ${advanceMs} is more than sizeMs ${sizeMs}, so records between two windows would be in none. Give an advance of at most the size.`);
  }
  return Object.freeze({ kind: 'time', sizeMs, advanceMs, graceMs });
}

/**
 * Windows that begin and end at records: each distinct set of a key's records at most `differenceMs` apart. Kafka Streams: `SlidingWindows.ofTimeDifferenceAndGrace`.
 * `differenceMs`: at least 1. `graceMs`: how long after a window's end a record still counts, at least 0. Records without a value are dropped.
 * @throws {InvalidWindowError}
 */
export function sliding({ differenceMs, graceMs }: { readonly differenceMs: number; readonly graceMs: number }): SlidingWindows {
  // Kafka Streams takes a difference of 0 and fails at the first record.
  check('sliding windows', [
    ['differenceMs', differenceMs, 1],
    ['graceMs', graceMs, 0],
  ]);
  return Object.freeze({ kind: 'sliding', differenceMs, graceMs });
}

/**
 * Windows of activity: a record that comes at most `gapMs` before or after a session of its key extends it, and one between two sessions merges them.
 * Kafka Streams: `SessionWindows.ofInactivityGapAndGrace`.
 * `gapMs`: at least 0. `graceMs`: how long after the gap a record still counts, at least 0.
 * @throws {InvalidWindowError}
 */
export function session({ gapMs, graceMs }: { readonly gapMs: number; readonly graceMs: number }): SessionWindows {
  check('session windows', [
    ['gapMs', gapMs, 0],
    ['graceMs', graceMs, 0],
  ]);
  return Object.freeze({ kind: 'session', gapMs, graceMs });
}

/** Windows that end at this time or before take no records any more. `streamTimeMs`: the operator's. */
export function closedUpTo(windows: AnyWindows, streamTimeMs: number): number {
  switch (windows.kind) {
    case 'time':
      return streamTimeMs - windows.graceMs;
    case 'sliding':
      return streamTimeMs - windows.graceMs - 1;
    case 'session':
      return streamTimeMs - windows.gapMs - windows.graceMs - 1;
  }
}

/** How long after a window's end its results may still change: ms of stream time. */
export function closesAfterMs(windows: AnyWindows): number {
  return windows.kind === 'session' ? windows.gapMs + windows.graceMs : windows.graceMs;
}

/** How long results must be kept so that every record that is not late finds them: ms behind the newest window. */
export function shortestRetentionMs(windows: AnyWindows): number {
  switch (windows.kind) {
    case 'time':
      return windows.sizeMs + windows.graceMs;
    case 'sliding':
      // A record's windows begin up to one difference before it, and the record before it may lie another one back.
      return 2 * windows.differenceMs + windows.graceMs;
    case 'session':
      return windows.gapMs + windows.graceMs;
  }
}

function check(what: string, durations: readonly (readonly [name: string, ms: number, least: number])[]): void {
  const problems = durations.filter(([, ms, least]) => !Number.isSafeInteger(ms) || ms < least).map(([name, ms, least]) => `${name} is ${ms}, and must be at least ${least}`);
  if (problems.length > 0) throw new InvalidWindowError(`${what}: ${problems.join('; ')}. Give whole milliseconds of event time.`);
}
