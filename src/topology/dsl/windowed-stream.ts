// Groups cut into windows, waiting to be aggregated into a table with one row for each key and window.

import type { Serde, SerdeFor } from '../../record/serde.ts';
import { longSerde } from '../../serdes/long.ts';
import type { KGroupedStream } from './grouped.ts';
import type { Materialized } from './materialized.ts';
import type { Emit } from '../operators/emit-on-close.ts';
import { tableOfWindows } from './windowed-graph.ts';
import type { WindowedFunctions } from '../operators/windowed-operator.ts';
import type { KTable } from './table.ts';
import type { Windowed } from '../windowed.ts';
import type { AnyWindows, SessionWindows, SlidingWindows, TimeWindows } from '../windows.ts';

/** The store of windowed results, and when they come. */
export interface WindowedOptions extends Materialized {
  /**
   * How long results can be read: ms behind the newest one, at least as long as a record may still change them (size and grace, say), which is the default.
   * @throws {InvalidWindowError}
   */
  readonly retentionMs?: number;
  /**
   * on-update (default): each record sends on what its windows have become. on-close: each window sends on one result, once stream time has passed its end and
   * grace; how often that is looked for is the setting `emitIntervalMs`. Kafka Streams: `emitStrategy`.
   */
  readonly emit?: Emit;
}

/** An aggregate for each key and window. */
export interface WindowedAggregateOptions<K, V, A> extends WindowedOptions {
  /** What a window starts from. */
  readonly initial: () => A;
  /** Returns a new value rather than change what it is given. null removes the row; the next record of the window starts from `initial` again. */
  readonly add: (value: V, aggregate: A, key: K) => A | null;
  readonly value: SerdeFor<NonNullable<A>>;
}

/** An aggregate for each key and session. Sessions merge, so it says how. */
export interface SessionAggregateOptions<K, V, A> extends WindowedAggregateOptions<K, V, A> {
  /** What two sessions are together that a record has joined. Called for each session found, in the order of time, first with what `initial` gives. */
  readonly merge: (one: A, two: A, key: K) => A;
}

/** @throws {InvalidWindowError} from `count`, `reduce` and `aggregate`, when `retentionMs` is too short. */
export class TimeWindowedKStream<K, V> {
  readonly #group: KGroupedStream<K, any>;
  readonly #windows: TimeWindows | SlidingWindows;

  /** @internal */
  constructor(group: KGroupedStream<K, any>, windows: TimeWindows | SlidingWindows) {
    this.#group = group;
    this.#windows = windows;
  }

  /** How many records fell into each window; those without a value count in tumbling and hopping windows, and are dropped by sliding ones. */
  count(options: WindowedOptions): KTable<Windowed<K>, number> {
    return ofOneGroup(this.#group, this.#windows, options, longSerde(), { ...COUNT, dropsNulls: this.#windows.kind === 'sliding' });
  }

  /** Each window's values combined two by two: the first one as it is, each later one with what there is. null removes the row. Records without a value are dropped. */
  reduce(reducer: (current: NonNullable<V>, next: NonNullable<V>, key: K) => V | null, options: WindowedOptions): KTable<Windowed<K>, NonNullable<V>> {
    return ofOneGroup(this.#group, this.#windows, options, this.#group.parts.value, reducing(reducer as never));
  }

  /** One value per window, built up record by record. Its timestamp is the highest of the records in it. */
  aggregate<A>(options: WindowedAggregateOptions<K, V, A>): KTable<Windowed<K>, NonNullable<A>> {
    const { initial, add, value } = options;
    return ofOneGroup<K, NonNullable<A>>(this.#group, this.#windows, options, value, {
      step: (key, own, aggregate) => add(own, aggregate ?? initial(), key) ?? null,
      dropsNulls: this.#windows.kind === 'sliding',
    });
  }
}

/** @throws {InvalidWindowError} from `count`, `reduce` and `aggregate`, when `retentionMs` is too short. */
export class SessionWindowedKStream<K, V> {
  readonly #group: KGroupedStream<K, V>;
  readonly #windows: SessionWindows;

  /** @internal */
  constructor(group: KGroupedStream<K, V>, windows: SessionWindows) {
    this.#group = group;
    this.#windows = windows;
  }

  /** How many records each session has, those without a value too. */
  count(options: WindowedOptions): KTable<Windowed<K>, number> {
    return ofOneGroup(this.#group, this.#windows, options, longSerde(), COUNT);
  }

  /** Each session's values combined two by two, older ones first. null removes the row. Records without a value are dropped. */
  reduce(reducer: (current: NonNullable<V>, next: NonNullable<V>, key: K) => V | null, options: WindowedOptions): KTable<Windowed<K>, NonNullable<V>> {
    return ofOneGroup(this.#group, this.#windows, options, this.#group.parts.value, reducing(reducer as never));
  }

  /** One value per session, built up record by record; sessions that a record joins are merged first. Its timestamp is the session's end. */
  aggregate<A>(options: SessionAggregateOptions<K, V, A>): KTable<Windowed<K>, NonNullable<A>> {
    const { initial, add, merge, value } = options;
    return ofOneGroup<K, NonNullable<A>>(this.#group, this.#windows, options, value, {
      step: (key, own, aggregate) => add(own, aggregate ?? initial(), key) ?? null,
      dropsNulls: false,
      merge: (key, one, two) => merge(one ?? initial(), two, key) ?? null,
    });
  }
}

const COUNT: WindowedFunctions<any, any, number> = {
  step: (_key, _value, count = 0) => count + 1,
  dropsNulls: false,
  merge: (_key, one = 0, two) => one + two,
};

function reducing<K, V>(reducer: (current: V, next: V, key: K) => V): WindowedFunctions<K, V, V> {
  return {
    step: (key, value, current) => (current === undefined ? value : (reducer(current, value, key) ?? null)),
    dropsNulls: true,
    merge: (key, one, two) => (one === undefined ? two : (reducer(one, two, key) ?? null)),
  };
}

function ofOneGroup<K, A>(group: KGroupedStream<K, any>, windows: AnyWindows, options: WindowedOptions, value: Serde<A>, functions: WindowedFunctions<K, any, A>): KTable<Windowed<K>, A> {
  const { stream, key } = group.parts;
  const { graph, parents, sources } = stream.parts;
  return tableOfWindows({ graph, sources, key, value, windows, options, inputs: [{ parents, functions }] });
}
