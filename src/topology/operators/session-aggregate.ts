// Aggregating in sessions: a record extends the sessions of its key that it reaches, and makes one of them.

import { NO_HEADERS } from '../../record/record.ts';
import { closedUpTo, type SessionWindows } from '../windows.ts';
import { windowedOperator, type WindowedInput, type WindowedSupplier } from './windowed-operator.ts';
import type { SessionRows } from './windowed-table.ts';

export function sessionAggregate<K, V, A>(windows: SessionWindows, input: WindowedInput<K, V, A, SessionRows<K, A>>): WindowedSupplier<K, V, A> {
  const { gapMs } = windows;
  return windowedOperator(input, ({ functions: { step, merge }, rows, time: operatorTime, results, count }) => {
    /** Results of sessions carry no headers: one may tell of several sessions at once. */
    const changed = (key: K, startMs: number, endMs: number, newValue: A | null, oldValue: A | null): void => {
      rows.put(key, startMs, endMs, newValue);
      results.changed({ key, window: { startMs, endMs } }, { newValue, oldValue, isLatest: true }, endMs, NO_HEADERS);
    };
    return ({ key, value, timestamp: time, headers }) => {
      const closedUpToMs = closedUpTo(windows, operatorTime.observe(time));
      const found = rows.find(key, time - gapMs, time + gapMs, closedUpToMs);
      const startMs = found.reduce((earliest, session) => Math.min(earliest, session.startMs), time);
      const endMs = found.reduce((latest, session) => Math.max(latest, session.endMs), time);
      if (endMs <= closedUpToMs) count('late');
      else {
        const merged = found.reduce<A | undefined>((one, two) => merge!(key, one, two.value) ?? undefined, undefined);
        // One that only gets another record at its single moment stays the same session; any other is taken back before the new one comes.
        const isSame = startMs === endMs;
        if (!isSame) for (const session of found) changed(key, session.startMs, session.endMs, null, session.value);
        changed(key, startMs, endMs, step(key, value, merged) ?? null, isSame ? (found[0]?.value ?? null) : null);
      }
      results.look(closedUpToMs, headers);
    };
  });
}
