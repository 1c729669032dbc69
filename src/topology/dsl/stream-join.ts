// Windowed joins of two streams: each record is kept in its side's window store and joined with what the other side holds; in left and outer joins it waits for a
// partner, and comes out alone when none can come any more.

import type { Serde, SerdeFor } from '../../record/serde.ts';
import { InvalidWindowError } from '../errors.ts';
import type { KStream } from './stream.ts';
import { Stores } from '../store-spec.ts';
import { timeStore } from '../operators/operator-time.ts';
import { joinSide, type JoinSide } from '../operators/stream-join-side.ts';
import { waitingRecordsSpec } from '../operators/waiting-records.ts';

/** A right record with timestamp r joins a left one with timestamp l if l − beforeMs ≤ r ≤ l + afterMs; all in ms of event time. */
export interface JoinWindow {
  /** May be negative, as `afterMs` may, if their sum is not. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How long a record stays joinable after its window, for partners that come late. No default: dropped records cannot be brought back (KIP-633). */
  readonly graceMs: number;
}

/** The window of a join of two streams, and how both sides are written: they are kept in stores. */
export interface StreamJoinOptions<K, V, V2> {
  /** Names the stores: `<name>-left`, `<name>-right`; those of records that wait: `<name>-left-waiting`, `<name>-right-waiting`; and `<name>-time`. */
  readonly name: string;
  readonly window: JoinWindow;
  readonly key: SerdeFor<NonNullable<K>>;
  readonly value: SerdeFor<NonNullable<V>>;
  readonly otherValue: SerdeFor<NonNullable<V2>>;
}

export type StreamJoinKind = 'inner' | 'left' | 'outer';

/** Called with both sides, or with one of them and null for the other: never with null for both. */
export type OuterJoiner<K, V, V2, R> = (left: V | null, right: V2 | null, key: K) => R;

export function joinStreams<K, V, V2, R>(kind: StreamJoinKind, left: KStream<K, V>, right: KStream<K, V2>, joiner: OuterJoiner<any, any, any, R>, options: StreamJoinOptions<K, V, V2>): KStream<K, R> {
  const { name, window, key, value, otherValue } = options;
  checkWindow(name, window);
  left.parts.graph.meet(right.parts.graph);
  // A record without a key finds no partner: where it may stand alone, and where it moves the time of those that wait, it still has to come through.
  const keepsNullKeys = kind !== 'inner';
  const leftInput = left.repartitioned({ name: `${name}-left`, key, value }, { keepsNullKeys });
  // Joined with itself it goes through one topic: each record is to meet both sides before the next comes.
  const rightInput = (left as unknown) === right ? (leftInput as unknown as typeof right) : right.repartitioned({ name: `${name}-right`, key, value: otherValue }, { keepsNullKeys });
  const { graph } = leftInput.parts;
  graph.copartition([...leftInput.parts.sources, ...rightInput.parts.sources]);

  const { beforeMs, afterMs, graceMs } = window;
  // A millisecond longer than the window reaches: a partner at its very edge is to be found even when its side has moved on by just that much.
  const retentionMs = beforeMs + afterMs + graceMs + 1;
  const side = <T>(suffix: string, serde: Serde<T>, reach: Pick<JoinSide<NonNullable<K>, T, R>, 'reachBackMs' | 'reachAheadMs'>, aloneAs: ((one: T, key: any) => R) | undefined): JoinSide<NonNullable<K>, T, R> => ({
    ...reach,
    store: Stores.window({ name: `${name}-${suffix}`, key, value: serde, retentionMs, retainDuplicates: true }),
    alone: aloneAs === undefined ? undefined : { waiting: waitingRecordsSpec({ name: `${name}-${suffix}-waiting`, key, value: serde }), result: aloneAs },
  });
  const leftSide = side('left', value, { reachBackMs: beforeMs, reachAheadMs: afterMs }, kind === 'inner' ? undefined : (one, at) => joiner(one, null, at));
  const rightSide = side('right', otherValue, { reachBackMs: afterMs, reachAheadMs: beforeMs }, kind === 'outer' ? (one, at) => joiner(null, one, at) : undefined);
  const alone = [rightSide, leftSide].filter((each) => each.alone !== undefined);
  const time = alone.length === 0 ? undefined : timeStore(name);
  const stores = [leftSide.store, rightSide.store, ...alone.map((each) => each.alone!.waiting as WaitingStore), ...(time === undefined ? [] : [time])];

  const shared = { alone, graceMs, time };
  const leftNode = graph.processor(`${name}-this-join`, leftInput.parts.parents, joinSide({ ...shared, own: leftSide, other: rightSide, result: joiner }), stores);
  const rightNode = graph.processor(`${name}-other-join`, rightInput.parts.parents, joinSide({ ...shared, own: rightSide, other: leftSide, result: (own, other, at) => joiner(other, own, at) }), stores);
  if (kind !== 'inner') for (const node of [leftNode, rightNode]) graph.takeNullKeys(node);
  return leftInput.derived<K, R>(leftNode, false).merge(rightInput.derived<K, R>(rightNode, false));
}

type WaitingStore = ReturnType<typeof waitingRecordsSpec<any, any>>;

function checkWindow(name: string, window: JoinWindow): void {
  const problems = (['beforeMs', 'afterMs', 'graceMs'] as const)
    .filter((field) => !Number.isSafeInteger(window[field]) || (field === 'graceMs' && window[field] < 0))
    .map((field) => `${field} is ${window[field]}`);
  if (problems.length === 0 && window.beforeMs + window.afterMs < 0) problems.push('beforeMs + afterMs is negative, so nothing could ever join');
  if (problems.length > 0) {
    throw new InvalidWindowError(`join "${name}": ${problems.join('; ')}. Give whole milliseconds of event time, graceMs at least 0.`);
  }
}
