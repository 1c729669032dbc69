// Aggregating in sliding windows: a record changes the windows that hold its time, and opens those that begin or end with it and did not exist yet. A window
// exists for each distinct set of a key's records, so what a new one holds can be taken from a neighbour.

import type { Headers, StreamRecord } from '../../record/record.ts';
import type { TimestampedValue } from '../store-spec.ts';
import type { Change } from '../table-origin.ts';
import { closedUpTo, type SlidingWindows } from '../windows.ts';
import { windowedOperator, type WindowedInput, type WindowedSupplier, type WindowedWork } from './windowed-operator.ts';
import type { WindowRows } from './windowed-table.ts';

/** A record, and what is closed once it has come. */
interface Taken<K, V> {
  readonly key: K;
  readonly value: V;
  readonly time: number;
  readonly headers: Headers;
  readonly closedUpToMs: number;
}

export function slidingAggregate<K, V, A>(windows: SlidingWindows, input: WindowedInput<K, V, A, WindowRows<K, A>>): WindowedSupplier<K, V, A> {
  return windowedOperator(input, (work) => {
    const aggregate = new SlidingAggregate(windows, work);
    return (record) => aggregate.take(record);
  });
}

class SlidingAggregate<K, V, A> {
  readonly #windows: SlidingWindows;
  readonly #work: WindowedWork<K, V, A, WindowRows<K, A>>;
  readonly #differenceMs: number;

  constructor(windows: SlidingWindows, work: WindowedWork<K, V, A, WindowRows<K, A>>) {
    this.#windows = windows;
    this.#work = work;
    this.#differenceMs = windows.differenceMs;
  }

  take({ key, value, timestamp: time, headers }: StreamRecord<K, V>): void {
    const closedUpToMs = closedUpTo(this.#windows, this.#work.time.observe(time));
    if (time + this.#differenceMs <= closedUpToMs) return this.#work.count('late');
    const record = { key, value, time, headers, closedUpToMs };
    // As in Kafka Streams, an early record lets time pass but does not look for what has closed: the next one does.
    if (time < this.#differenceMs) return this.#takeEarly(record);
    this.#takeLater(record);
    this.#work.results.look(closedUpToMs, headers);
  }

  #takeLater(record: Taken<K, V>): void {
    const { key, time, closedUpToMs } = record;
    const starts = new Set<number>();
    /** The latest window that holds this time and records after it, as it was. */
    let later: TimestampedValue<A> | undefined;
    /** The window of records that ends before this time, and holds those closest to it. */
    let earlier: TimestampedValue<A> | undefined;
    let previousTime: number | undefined;
    let endsHere = false;
    for (const row of this.#work.rows.between(key, time - 2 * this.#differenceMs, time + 1, closedUpToMs).reverse()) {
      starts.add(row.startMs);
      const endMs = row.startMs + this.#differenceMs;
      if (row.startMs > time) continue;
      if (endMs > time) {
        later ??= row;
        this.#add(record, row.startMs, row);
      } else if (endMs === time) {
        endsHere = true;
        this.#add(record, row.startMs, row);
        // A record of just this time has opened all windows that this one could.
        if (row.timestamp >= time) return;
        previousTime = row.timestamp;
      } else {
        earlier = row;
        previousTime = row.timestamp;
        break;
      }
    }
    if (previousTime !== undefined && !starts.has(previousTime + 1) && previousTime + 1 + this.#differenceMs >= time) this.#add(record, previousTime + 1, undefined);
    if (!endsHere) {
      const startMs = time - this.#differenceMs;
      const joins = previousTime !== undefined && previousTime >= startMs ? earlier : undefined;
      this.#add(record, startMs, joins && { value: joins.value, timestamp: time }, { isNew: true });
    }
    this.#openAfter(record, starts, later);
  }

  /** Before the first difference has passed: one window from 0 stands for all that would begin below it. */
  #takeEarly(record: Taken<K, V>): void {
    const { key, time, closedUpToMs } = record;
    const starts = new Set<number>();
    let combined: TimestampedValue<A> | undefined;
    let later: TimestampedValue<A> | undefined;
    for (const row of this.#work.rows.between(key, 0, time + 1, closedUpToMs)) {
      starts.add(row.startMs);
      if (row.startMs === 0) combined = row;
      else if (row.startMs <= time) {
        later = row;
        this.#add(record, row.startMs, row);
      }
    }
    if (later === undefined && combined !== undefined && combined.timestamp > time) later = combined;
    this.#openAfter(record, starts, later);
    const previousTime = combined?.timestamp;
    if (previousTime !== undefined && previousTime < time && !starts.has(previousTime + 1)) this.#add(record, previousTime + 1, undefined);
    this.#add(record, 0, combined);
  }

  /** The window that begins just after the record holds what came later, and not the record itself. */
  #openAfter({ key, time, headers }: Taken<K, V>, starts: ReadonlySet<number>, later: TimestampedValue<A> | undefined): void {
    if (later === undefined || later.timestamp <= time || starts.has(time + 1)) return;
    this.#work.rows.put(key, time + 1, later.value, later.timestamp);
    this.#changed(key, time + 1, { newValue: later.value, oldValue: null, isLatest: true }, later.timestamp, headers);
  }

  /** Adds the record to a window. `isNew`: `before` was taken from a neighbour, and is not what the result replaces. */
  #add({ key, value, time, headers, closedUpToMs }: Taken<K, V>, startMs: number, before: TimestampedValue<A> | undefined, { isNew = false } = {}): void {
    if (startMs + this.#differenceMs <= closedUpToMs) return this.#work.count('late');
    const newValue = this.#work.functions.step(key, value, before?.value) ?? null;
    const timestamp = before === undefined ? time : Math.max(before.timestamp, time);
    this.#work.rows.put(key, startMs, newValue, timestamp);
    this.#changed(key, startMs, { newValue, oldValue: isNew ? null : (before?.value ?? null), isLatest: true }, timestamp, headers);
  }

  #changed(key: K, startMs: number, change: Change<A>, timestamp: number, headers: Headers): void {
    this.#work.results.changed({ key, window: { startMs, endMs: startMs + this.#differenceMs } }, change, timestamp, headers);
  }
}
