// The table of windowed results: its rows lie in a window store or a session store, and its keys name the window.

import type { Serde } from '../../record/serde.ts';
import { timestampedSerde } from '../../serdes/timestamped.ts';
import type { ProcessorContext } from '../processor.ts';
import { Stores, type Session, type SessionStoreSpec, type TimestampedValue, type WindowStoreSpec } from '../store-spec.ts';
import type { TableOrigin, TableReader, TableView } from '../table-origin.ts';
import type { Windowed } from '../windowed.ts';
import type { SlidingWindows, TimeWindows } from '../windows.ts';

/** By window start. The value's own timestamp is that of its newest record. */
type WindowStoreOf<K, A> = WindowStoreSpec<K, TimestampedValue<A>>;

interface RowsOptions<K, A> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<A>;
  readonly retentionMs: number;
}

export function windowStore<K, A>({ name, key, value, retentionMs, windows }: RowsOptions<K, A> & { readonly windows: TimeWindows | SlidingWindows }): WindowStoreOf<K, A> {
  // Tumbling and hopping windows are read one by one: each a segment of its own. Sliding ones are read all around a record.
  const segmentMs = windows.kind === 'time' ? windows.advanceMs : windows.differenceMs;
  return Stores.window({ name, key, value: timestampedSerde(value), retentionMs, segmentMs });
}

export function sessionStore<K, A>(options: RowsOptions<K, A>): SessionStoreSpec<K, A> {
  return Stores.session(options);
}

/** Rows of tumbling, hopping and sliding windows as their operators use them. */
export interface WindowRows<K, A> {
  get(key: K, startMs: number): TimestampedValue<A> | undefined;
  /** Windows of a key that start from `fromMs` to `toMs`, in order; as far as they are still shown, or end after `closedUpToMs`. */
  between(key: K, fromMs: number, toMs: number, closedUpToMs: number): WindowRow<A>[];
  /** `value` null: there is no row any more. */
  put(key: K, startMs: number, value: A | null, timestamp: number): void;
}

export interface WindowRow<A> extends TimestampedValue<A> {
  readonly startMs: number;
}

export function windowRows<K, A>(spec: WindowStoreOf<K, A>): (context: ProcessorContext<any, any>) => WindowRows<K, A> {
  return (context) => {
    const store = context.store(spec);
    return {
      get: (key, startMs) => store.get(key, startMs),
      between: (key, fromMs, toMs) => store.fetch(key, Math.max(fromMs, 0), toMs).map(({ timestamp: startMs, value: row }) => ({ startMs, value: row.value, timestamp: row.timestamp })),
      put(key, startMs, value, timestamp) {
        if (value === null) store.delete(key, startMs);
        else store.put(key, { value, timestamp }, startMs);
      },
    };
  };
}

/** Sessions as their operator uses them. */
export interface SessionRows<K, A> {
  /** Those of a key that end at `earliestEndMs` or after and start at `latestStartMs` or before, in order; as far as they are still shown, or end after `closedUpToMs`. */
  find(key: K, earliestEndMs: number, latestStartMs: number, closedUpToMs: number): Session<A>[];
  /** `value` null: there is no such session any more. */
  put(key: K, startMs: number, endMs: number, value: A | null): void;
}

export function sessionRows<K, A>(spec: SessionStoreSpec<K, A>): (context: ProcessorContext<any, any>) => SessionRows<K, A> {
  return (context) => {
    const store = context.store(spec);
    return {
      // Kafka Streams does not find a session that ends just gap and grace ago, though it is not closed yet, and begins another over it.
      find: (key, earliestEndMs, latestStartMs, closedUpToMs) => store.findSessions(key, Math.max(earliestEndMs, 0), latestStartMs, closedUpToMs + 1),
      put(key, startMs, endMs, value) {
        if (value === null) store.remove(key, startMs, endMs);
        else store.put(key, startMs, endMs, value);
      },
    };
  };
}

export class WindowedTable<K, A> implements TableOrigin<Windowed<K>, A> {
  readonly spec: WindowStoreOf<K, A> | SessionStoreSpec<K, A>;
  readonly isVersioned = false;

  constructor(spec: WindowStoreOf<K, A> | SessionStoreSpec<K, A>) {
    this.spec = spec;
  }

  /** They come anyhow. */
  requireOldValues(): void {}

  acceptOldValues(): boolean {
    return true;
  }

  view(): TableView<Windowed<K>, A> {
    const { spec } = this;
    return { stores: () => [spec], reader: (context) => readerOf(spec, context) };
  }
}

function readerOf<K, A>(spec: WindowStoreOf<K, A> | SessionStoreSpec<K, A>, context: ProcessorContext<any, any>): TableReader<Windowed<K>, A> {
  const get = spec.kind === 'window' ? windowReader(spec, context) : sessionReader(spec, context);
  return { get, getAsOf: get };
}

function windowReader<K, A>(spec: WindowStoreOf<K, A>, context: ProcessorContext<any, any>): TableReader<Windowed<K>, A>['get'] {
  const store = context.store(spec);
  return ({ key, window }) => store.get(key, window.startMs);
}

function sessionReader<K, A>(spec: SessionStoreSpec<K, A>, context: ProcessorContext<any, any>): TableReader<Windowed<K>, A>['get'] {
  const store = context.store(spec);
  return ({ key, window }) => {
    const value = store.get(key, window.startMs, window.endMs);
    return value === undefined ? undefined : { value, timestamp: window.endMs };
  };
}
