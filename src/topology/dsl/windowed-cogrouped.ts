// Several groups cut into windows, waiting to be aggregated into one table with one row for each key and window.

import type { SerdeFor } from '../../record/serde.ts';
import type { CogroupedKStream, CogroupInput } from './cogrouped.ts';
import { tableOfWindows } from './windowed-graph.ts';
import type { KTable } from './table.ts';
import type { Windowed } from '../windowed.ts';
import type { WindowedOptions } from './windowed-stream.ts';
import type { AnyWindows, SessionWindows, SlidingWindows, TimeWindows } from '../windows.ts';

/** Results come on update: which group's time should close a window is not defined, in Kafka Streams neither. */
export interface WindowedCogroupOptions<A> extends Omit<WindowedOptions, 'emit' | 'retentionMs'> {
  /**
   * How long results can be read, and how long a group that lags behind finds what the others have put into a window: ms behind the newest one; after that it begins
   * the window anew. By default results can be read as those of one group can, and a window is kept until it is closed for every group: its key in memory, for ever
   * if there is a group that no record comes from. Give a retention where that may be.
   * @throws {InvalidWindowError} when it is shorter than records may change a result.
   */
  readonly retentionMs?: number;
  /** What a window starts from, whichever group comes first. */
  readonly initial: () => A;
  readonly value: SerdeFor<NonNullable<A>>;
}

/** As `WindowedCogroupOptions`, and how two sessions become one. */
export interface SessionCogroupOptions<K, A> extends WindowedCogroupOptions<A> {
  /** What two sessions are together that a record has joined. Called for each session found, in the order of time, first with what `initial` gives. */
  readonly merge: (one: A, two: A, key: K) => A;
}

/** Several groups cut into the same time windows, waiting to be aggregated. */
export class TimeWindowedCogroupedKStream<K, A> {
  readonly #cogrouped: CogroupedKStream<K, A>;
  readonly #windows: TimeWindows | SlidingWindows;

  /** @internal */
  constructor(cogrouped: CogroupedKStream<K, A>, windows: TimeWindows | SlidingWindows) {
    this.#cogrouped = cogrouped;
    this.#windows = windows;
  }

  /** One value per window, built up by records of all groups. Its timestamp is the highest of the records in it. @throws {InvalidWindowError} */
  aggregate(options: WindowedCogroupOptions<A>): KTable<Windowed<K>, NonNullable<A>> {
    return ofSeveralGroups(this.#cogrouped, this.#windows, options, undefined);
  }
}

/** Several groups cut into the same sessions, waiting to be aggregated. */
export class SessionWindowedCogroupedKStream<K, A> {
  readonly #cogrouped: CogroupedKStream<K, A>;
  readonly #windows: SessionWindows;

  /** @internal */
  constructor(cogrouped: CogroupedKStream<K, A>, windows: SessionWindows) {
    this.#cogrouped = cogrouped;
    this.#windows = windows;
  }

  /** One value per session, built up by records of all groups; sessions that a record joins are merged first. @throws {InvalidWindowError} */
  aggregate(options: SessionCogroupOptions<K, A>): KTable<Windowed<K>, NonNullable<A>> {
    return ofSeveralGroups(this.#cogrouped, this.#windows, options, options.merge);
  }
}

function ofSeveralGroups<K, A>(
  { inputs, sources }: CogroupedKStream<K, A>,
  windows: AnyWindows,
  options: WindowedCogroupOptions<A>,
  merge: SessionCogroupOptions<K, A>['merge'] | undefined,
): KTable<Windowed<K>, NonNullable<A>> {
  const { initial, value } = options;
  const { stream, key } = inputs[0]!.group.parts;
  const { graph } = stream.parts;
  graph.copartition(sources);
  const functionsOf = ({ add }: CogroupInput<K, A>) => ({
    step: (own: K, record: unknown, aggregate: NonNullable<A> | undefined) => add(record, aggregate ?? initial(), own) ?? null,
    dropsNulls: windows.kind === 'sliding',
    ...(merge === undefined ? {} : { merge: (own: K, one: NonNullable<A> | undefined, two: NonNullable<A>) => merge(one ?? initial(), two, own) ?? null }),
  });
  return tableOfWindows({
    graph,
    sources,
    key,
    value,
    windows,
    options,
    inputs: inputs.map((input) => ({ parents: input.group.parts.stream.parts.parents, functions: functionsOf(input) })),
  });
}
