// Holding back a table's updates: what comes out is fewer of them, or only the last.

import type { Serde, SerdeFor } from '../../record/serde.ts';
import { InvalidWindowError, TopologyError } from '../errors.ts';
import { SuppressedTable } from '../operators/suppress.ts';
import { KTable, type TableParts } from './table.ts';
import { windowedKeySerde, type Windowed } from '../windowed.ts';
import { closesAfterMs } from '../windows.ts';

type Unbounded = { readonly maxRecords?: never; readonly whenFull?: never };
/** `maxRecords`: how many keys may wait, an integer of at least 0. */
type Bounded<F> = { readonly maxRecords: number; readonly whenFull: F };

/** Made by `untilWindowCloses(…)`. */
export interface UntilWindowCloses {
  readonly kind: 'window-closes';
  readonly maxRecords: number | undefined;
}

/** Made by `untilTimeLimit(…)`. */
export interface UntilTimeLimit {
  readonly kind: 'time-limit';
  readonly limitMs: number;
  readonly maxRecords: number | undefined;
  readonly whenFull: 'emit-early' | 'fail' | undefined;
}

/** What a suppress is called, and how what it holds back is written. */
export interface SuppressOptions<K, V> {
  /** Names the node and its stores: `<name>`, `<name>-time`, and with a time limit `<name>-places`. */
  readonly name: string;
  readonly key: SerdeFor<NonNullable<K>>;
  readonly value: SerdeFor<NonNullable<V>>;
}

/** A table of windowed results knows how its keys are written. */
export interface WindowedSuppressOptions<V> extends Omit<SuppressOptions<unknown, V>, 'key'> {
  readonly key?: never;
}

/**
 * Each window's last result only, once the updates' stream time has reached the window's end and grace (of sessions: and gap). A result that is gone by then does
 * not come. For sliding windows and sessions that is one millisecond before they take their last records, as in Kafka Streams: a record at that very moment makes
 * a second result. `emit: 'on-close'` has no such gap.
 * With `maxRecords` a record that would make more keys wait fails: an early result would not be the last.
 * @throws {InvalidWindowError}
 */
export function untilWindowCloses({ maxRecords }: Unbounded | Bounded<'fail'> = {}): UntilWindowCloses {
  checkMost(maxRecords);
  return Object.freeze({ kind: 'window-closes', maxRecords });
}

/**
 * At most one update of a key in `limitMs` (an integer of at least 0) of stream time: the first one begins a wait, later ones take its place, and the last comes
 * out when the wait is over. With `maxRecords`, when more keys would wait: `emit-early` sends on what has waited longest, `fail` lets the record fail.
 * @throws {InvalidWindowError}
 */
export function untilTimeLimit({ limitMs, maxRecords, whenFull }: { readonly limitMs: number } & (Unbounded | Bounded<'emit-early' | 'fail'>)): UntilTimeLimit {
  if (!Number.isSafeInteger(limitMs) || limitMs < 0) throw new InvalidWindowError(`suppress: limitMs is ${limitMs}. Give whole milliseconds of event time, at least 0.`);
  checkMost(maxRecords);
  return Object.freeze({ kind: 'time-limit', limitMs, maxRecords, whenFull });
}

function checkMost(maxRecords: number | undefined): void {
  if (maxRecords === undefined || (Number.isSafeInteger(maxRecords) && maxRecords >= 0)) return;
  throw new InvalidWindowError(`suppress: maxRecords is ${maxRecords}. Give a number of keys that may wait, an integer of at least 0, or leave it out.`);
}

/** @throws {TopologyError} */
export function suppressed<K, V>(parts: TableParts<K, V>, until: UntilWindowCloses | UntilTimeLimit, options: { readonly name: string; readonly key?: Serde<any>; readonly value: Serde<any> }): KTable<K, V> {
  const { graph, node, sources, origin: parent, windows } = parts;
  const { name, value, key = windows === undefined ? undefined : windowedKeySerde(windows) } = options;
  if (parent.isVersioned) throw new TopologyError([`suppress "${name}" hangs on a versioned table, whose late updates it would put last: suppress a table without history`]);
  if (key === undefined) throw new TopologyError([`suppress "${name}" does not know how keys are written: give it a serde as "key"`]);
  if (until.kind === 'window-closes' && windows === undefined) {
    throw new TopologyError([`suppress "${name}" waits for windows to close, but the table at "${node}" has none: suppress what a windowedBy(…) has made, or use untilTimeLimit`]);
  }
  const origin = new SuppressedTable<K, V>(parent, {
    name,
    key,
    value,
    waitsMs: until.kind === 'time-limit' ? until.limitMs : closesAfterMs(windows!.windows),
    endOf: until.kind === 'time-limit' ? undefined : (own) => (own as Windowed<unknown>).window.endMs,
    maxRecords: until.maxRecords,
    emitsEarly: until.kind === 'time-limit' && until.whenFull === 'emit-early',
  });
  return new KTable({ graph, sources, origin, node: graph.processor(name, [node], origin.supplier, origin.ownStores), windows });
}
