// When an order or payment happened, as the topology counts time.

import type { StreamRecord } from 'millrace';

/** A clock this far ahead of the record's own timestamp is wrong; the broker holds that one to its own clock (`message.timestamp.after.max.ms`, 1 h). */
const AHEAD_MAX_MS = 3_600_000;

/**
 * The event's own time, kept where it cannot do harm: one event dated in the far future would otherwise move stream time there for its whole partition,
 * and every window and retention would count as over.
 */
export function eventTime<V>(timeOf: (value: V) => number): (record: StreamRecord<unknown, V | null>) => number {
  return ({ value, timestamp }) => (value === null ? timestamp : Math.max(0, Math.min(timeOf(value), timestamp + AHEAD_MAX_MS)));
}
