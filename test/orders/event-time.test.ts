// Event time: the event's own, unless that could do harm.

import { expect, test } from 'vitest';
import { NO_HEADERS } from 'millrace';
import { eventTime } from '../../src/orders/topology/event-time.ts';

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

const timeOf = eventTime<{ at: number }>(({ at }) => at, () => NOW);
const record = (value: { at: number } | null, timestamp: number) => ({ key: 'k', value, timestamp, headers: NO_HEADERS });

test.each([
  ['counts as it is when it lies before the record', NOW - HOUR_MS, NOW, NOW - HOUR_MS],
  ['counts as it is years ago: late, and for windows to judge', NOW - 5 * YEAR_MS, NOW, NOW - 5 * YEAR_MS],
  ['is never below zero', -1, NOW, 0],
  ['is at most that of the record: nothing is written before it happened', NOW + 10 * YEAR_MS, NOW, NOW],
  ['is at most that of the record, also when the record is older than now', NOW - HOUR_MS + 1, NOW - HOUR_MS, NOW - HOUR_MS],
  // The broker takes records of a clock that is ahead, up to an hour; stream time there would leave everybody else behind.
  ['is at most that of our own clock, when the record itself is from a clock that is ahead', NOW + 10 * YEAR_MS, NOW + 50 * 60_000, NOW],
])('the time of an event %s', (_rule, at, timestamp, expected) => {
  expect(timeOf(record({ at }, timestamp))).toBe(expected);
});

test('a record without a value has its own timestamp', () => {
  expect(timeOf(record(null, NOW - 1))).toBe(NOW - 1);
  expect(timeOf(record(null, NOW + 1))).toBe(NOW);
});
