// Aggregating in tumbling and hopping windows: one row for each key and window, built up record by record.

import { closedUpTo, type TimeWindows } from '../windows.ts';
import { windowedOperator, type WindowedInput, type WindowedSupplier } from './windowed-operator.ts';
import type { WindowRows } from './windowed-table.ts';

export function windowedAggregate<K, V, A>(windows: TimeWindows, input: WindowedInput<K, V, A, WindowRows<K, A>>): WindowedSupplier<K, V, A> {
  const { sizeMs, advanceMs } = windows;
  return windowedOperator(input, ({ functions: { step }, rows, time: operatorTime, results, count }) => ({ key, value, timestamp: time, headers }) => {
    const closedUpToMs = closedUpTo(windows, operatorTime.observe(time));
    const earliest = Math.max(0, time - sizeMs + advanceMs);
    for (let startMs = earliest - (earliest % advanceMs); startMs <= time; startMs += advanceMs) {
      const endMs = startMs + sizeMs;
      if (endMs <= closedUpToMs) {
        count('late');
        continue;
      }
      const before = rows.get(key, startMs);
      const newValue = step(key, value, before?.value) ?? null;
      const timestamp = before === undefined ? time : Math.max(before.timestamp, time);
      rows.put(key, startMs, newValue, timestamp);
      // The first result replaces nothing: null, where Kafka Streams tells its initial value, which a group below would then subtract.
      results.changed({ key, window: { startMs, endMs } }, { newValue, oldValue: before?.value ?? null, isLatest: true }, timestamp, headers);
    }
    results.look(closedUpToMs, headers);
  });
}
