// Event time: the event's own, unless that could do harm.

import { expect, test } from 'vitest';
import { NO_HEADERS } from 'millrace';
import { eventTime } from '../../src/orders/topology/event-time.ts';

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

const timeOf = eventTime<{ at: number }>(({ at }) => at);
const record = (value: { at: number } | null, timestamp: number) => ({ key: 'k', value, timestamp, headers: NO_HEADERS });

test.each([
  ['counts as it is when it lies before the record', NOW - HOUR_MS, NOW, NOW - HOUR_MS],
  ['counts as it is years ago: late, and for windows to judge', NOW - 5 * YEAR_MS, NOW, NOW - 5 * YEAR_MS],
  ['is never below zero', -1, NOW, 0],
  ['is at most that of the record: nothing is written before it happened', NOW + 10 * YEAR_MS, NOW, NOW],
  // The broker took the record, so it takes whatever is written under this time later; an hour more, and it would refuse the outputs and stop the task.
  ['is at most that of the record, also when the record itself is from a clock that is ahead', NOW + 10 * YEAR_MS, NOW + 50 * 60_000, NOW + 50 * 60_000],
])('the time of an event %s', (_rule, at, timestamp, expected) => {
  expect(timeOf(record({ at }, timestamp))).toBe(expected);
});

test('a record without a value has its own timestamp', () => {
  expect(timeOf(record(null, NOW))).toBe(NOW);
});
