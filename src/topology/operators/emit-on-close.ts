// Results of windows on their way out: at once, or once and for all when their window has closed. What waits is kept in the order in which windows close, with
// its value, so that a look costs what is due, and nothing is lost however far time jumps or how short the results' retention is.

import type { Headers } from '../../record/record.ts';
import type { Serde } from '../../record/serde.ts';
import { undecodable } from '../../serdes/misfit.ts';
import { readUint64, writeUint64 } from '../../serdes/ordered-bytes.ts';
import type { ProcessorContext } from '../processor.ts';
import { Stores, type OrderedKeyValueStore, type OrderedKeyValueStoreSpec } from '../store-spec.ts';
import type { Change } from '../table-origin.ts';
import type { Windowed } from '../windowed.ts';
import type { OperatorTime } from './operator-time.ts';

/** on-update: each record sends on what its windows have become. on-close: each window sends on one result, when no record can change it any more. */
export type Emit = 'on-update' | 'on-close';

export interface WindowResults<K, A> {
  /** A window's result has become another; `newValue` null: it is gone. */
  changed(key: Windowed<K>, change: Change<A>, timestamp: number, headers: Headers): void;
  /** Sends on what ends at `closedUpToMs` or before. `headers`: those of the record that let time pass. */
  look(closedUpToMs: number, headers: Headers): void;
}

/** Results in the order in which their windows close. */
export type ClosingOrderSpec<K, A> = OrderedKeyValueStoreSpec<Windowed<K>, A>;

export function closingOrderStore<K, A>(name: string, key: Serde<K>, value: Serde<A>): ClosingOrderSpec<K, A> {
  return Stores.keyValue({ name, key: closingOrderSerde(key), value, ordered: true });
}

export function resultsOnUpdate<K, A>(context: ProcessorContext<Windowed<K>, Change<A>>): WindowResults<K, A> {
  return {
    changed: (key, change, timestamp, headers) => context.forward({ key, value: change, timestamp, headers }),
    look: () => {},
  };
}

export function resultsOnClose<K, A>(context: ProcessorContext<Windowed<K>, Change<A>>, waitingSpec: ClosingOrderSpec<K, A>, time: OperatorTime): WindowResults<K, A> {
  const waiting: OrderedKeyValueStore<Windowed<K>, A> = context.store(waitingSpec);
  return {
    changed(key, { newValue }, timestamp) {
      if (newValue === null) waiting.delete(key);
      else waiting.put(key, newValue, timestamp);
    },
    look(closedUpToMs, headers) {
      if (!time.mayLook()) return;
      for (const { key, value, timestamp } of waiting.all()) {
        if (key.window.endMs > closedUpToMs) return;
        waiting.delete(key);
        context.forward({ key, value: { newValue: value, oldValue: null, isLatest: true }, timestamp, headers });
      }
    },
  };
}

/** End (8) · start (8) · key: in the order in which windows close. */
function closingOrderSerde<K>(key: Serde<K>): Serde<Windowed<K>> {
  const name = `closing-order(${key.name})`;
  return {
    name,
    open: async (topic, side) => key.open?.(topic, side),
    serialize(topic, data) {
      const inner = key.serialize(topic, data.key);
      const bytes = Buffer.allocUnsafe(16 + inner.length);
      writeUint64(bytes, data.window.endMs, 0);
      writeUint64(bytes, data.window.startMs, 8);
      inner.copy(bytes, 16);
      return bytes;
    },
    prepare: (topic, data) => key.prepare?.(topic, data.subarray(16)),
    deserialize(topic, data) {
      if (data.length < 16) throw undecodable(topic, name, `a window has 16 bytes, these are ${data.length}`);
      return { key: key.deserialize(topic, data.subarray(16)), window: { startMs: readUint64(data, 8), endMs: readUint64(data, 0) } };
    },
  };
}
