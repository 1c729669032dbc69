// When an order or payment happened, as the topology counts time.

import type { StreamRecord } from 'millrace';

/**
 * The event's own time, but no later than its record's, nor than our own clock: nothing happens after it is written down, and nothing is written down in the
 * future. One event dated ahead would otherwise move stream time there for its whole partition, and every window and retention of the others would count as
 * over until the time had come. And what the topology writes under this time, the broker takes, since it took the record, and holds timestamps to its own
 * clock (`message.timestamp.after.max.ms`). See docs/decisions/0008.
 */
export function eventTime<V>(timeOf: (value: V) => number, now: () => number): (record: StreamRecord<unknown, V | null>) => number {
  return ({ value, timestamp }) => {
    const written = Math.min(timestamp, now());
    return value === null ? written : Math.max(0, Math.min(timeOf(value), written));
  };
}
