// When an order or payment happened, as the topology counts time.

import type { StreamRecord } from 'millrace';

/**
 * The event's own time, but no later than its record's: nothing is written down before it happened. One event dated in the far future would otherwise move
 * stream time there for its whole partition, and every window and retention would count as over. And what the topology writes under this time, the broker
 * takes, since it took the record: it holds timestamps to its own clock (`message.timestamp.after.max.ms`). See docs/decisions/0008.
 */
export function eventTime<V>(timeOf: (value: V) => number): (record: StreamRecord<unknown, V | null>) => number {
  return ({ value, timestamp }) => (value === null ? timestamp : Math.max(0, Math.min(timeOf(value), timestamp)));
}
