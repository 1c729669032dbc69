// Windowed inner join of two streams: each record is kept in its side's window store and joined with what the other side holds.

import type { StreamRecord } from '../../record/record.ts';
import type { Serde } from '../../record/serde.ts';
import { InvalidWindowError } from '../errors.ts';
import type { Processor } from '../processor.ts';
import type { KStream } from '../stream.ts';
import { Stores, type WindowStore, type WindowStoreSpec } from '../store-spec.ts';

/** A right record with timestamp r joins a left one with timestamp l if l − beforeMs ≤ r ≤ l + afterMs; all in ms of event time. */
export interface JoinWindow {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How long a record stays joinable after its window, for partners that come late. No default: dropped records cannot be brought back (KIP-633). */
  readonly graceMs: number;
}

export interface StreamJoinOptions<K, V, V2> {
  /** Names both stores: `<name>-left`, `<name>-right`. */
  readonly name: string;
  readonly window: JoinWindow;
  readonly key: Serde<NonNullable<K>>;
  readonly value: Serde<NonNullable<V>>;
  readonly otherValue: Serde<NonNullable<V2>>;
}

export function joinStreams<K, V, V2, R>(
  left: KStream<K, V>,
  right: KStream<K, V2>,
  joiner: (left: V, right: V2, key: K) => R,
  options: StreamJoinOptions<K, V, V2>,
): KStream<K, R> {
  const { name, window } = options;
  checkWindow(name, window);
  const leftInput = left.parts.keyChanged ? left.repartition({ name: `${name}-left`, key: options.key, value: options.value }) : left;
  const rightInput = right.parts.keyChanged ? right.repartition({ name: `${name}-right`, key: options.key, value: options.otherValue }) : right;
  const { graph } = leftInput.parts;
  graph.copartition([...leftInput.parts.sources, ...rightInput.parts.sources]);

  const retentionMs = window.beforeMs + window.afterMs + window.graceMs;
  const side = <T>(suffix: string, value: Serde<NonNullable<T>>): WindowStoreSpec<NonNullable<K>, NonNullable<T>> =>
    Stores.window({ name: `${name}-${suffix}`, key: options.key, value, retentionMs: retentionMs + 1, retainDuplicates: true });
  const leftStore = side<V>('left', options.value);
  const rightStore = side<V2>('right', options.otherValue);
  const both = [leftStore, rightStore];

  const leftNode = graph.processor(
    `${name}-this-join`,
    leftInput.parts.parents,
    oneSide<K, V, V2, R>(leftStore, rightStore, (t) => [t - window.beforeMs, t + window.afterMs], (own, other, key) => joiner(own, other, key)),
    both,
  );
  const rightNode = graph.processor(
    `${name}-other-join`,
    rightInput.parts.parents,
    oneSide<K, V2, V, R>(rightStore, leftStore, (t) => [t - window.afterMs, t + window.beforeMs], (own, other, key) => joiner(other, own, key)),
    both,
  );
  return leftInput.derived<K, R>(leftNode, false).merge(rightInput.derived<K, R>(rightNode, false));
}

function oneSide<K, VOwn, VOther, R>(
  ownSpec: WindowStoreSpec<NonNullable<K>, NonNullable<VOwn>>,
  otherSpec: WindowStoreSpec<NonNullable<K>, NonNullable<VOther>>,
  bounds: (timestamp: number) => [from: number, to: number],
  result: (own: VOwn, other: VOther, key: K) => R,
) {
  return (): Processor<K, VOwn, K, R> => {
    let own: WindowStore<NonNullable<K>, NonNullable<VOwn>>;
    let other: WindowStore<NonNullable<K>, NonNullable<VOther>>;
    let forward: (record: StreamRecord<K, R>) => void;
    let count: (counter: string) => void;
    return {
      init(context) {
        own = context.store(ownSpec);
        other = context.store(otherSpec);
        forward = (record) => context.forward(record);
        count = (counter) => context.count(counter);
      },
      process(record) {
        const { key, value, timestamp } = record;
        if (key === null || key === undefined || value === null || value === undefined) {
          count('dropped');
          return;
        }
        own.put(key, value, timestamp);
        const [from, to] = bounds(timestamp);
        for (const partner of other.fetch(key, from, to)) {
          count('joined');
          forward({ ...record, value: result(value, partner.value, key), timestamp: Math.max(timestamp, partner.timestamp) });
        }
      },
    };
  };
}

function checkWindow(name: string, window: JoinWindow): void {
  const problems = (['beforeMs', 'afterMs', 'graceMs'] as const)
    .filter((field) => !Number.isSafeInteger(window[field]) || (field === 'graceMs' && window[field] < 0))
    .map((field) => `${field} is ${window[field]}`);
  if (problems.length === 0 && window.beforeMs + window.afterMs < 0) problems.push('beforeMs + afterMs is negative, so nothing could ever join');
  if (problems.length > 0) {
    throw new InvalidWindowError(`join "${name}": ${problems.join('; ')}. Give whole milliseconds of event time, graceMs at least 0.`);
  }
}
