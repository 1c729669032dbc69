// Keys made of two parts, for ordered stores: their byte order is the order of the first part, then of the second.

import type { Serde } from '../record/serde.ts';
import { show, undecodable, unserializable } from './misfit.ts';
import { readTerminated, readUint64, terminated, writeUint64 } from './ordered-bytes.ts';

/** A time (epoch ms, at least 0) and a key. */
export type TimeKey<K> = readonly [timeMs: number, key: K];

/** Of keys made of two parts; made by `Serdes.pair(…)`. */
export interface PairSerde<A, B> extends Serde<readonly [A, B]> {
  /** What all keys with this first part begin with, and no others: for `prefix` of an ordered store. */
  prefix(topic: string, first: A): Buffer;
}

/** Ordered by time, then by the key's bytes. */
export function timeKeySerde<K>(key: Serde<K>): Serde<TimeKey<K>> {
  const name = `(time, ${key.name})`;
  return {
    name,
    open: async (topic, side) => key.open?.(topic, side),
    serialize(topic, [timeMs, inner]) {
      if (!Number.isSafeInteger(timeMs) || timeMs < 0) throw unserializable(topic, name, `its time is ${show(timeMs)}, not milliseconds of at least 0`);
      const bytes = key.serialize(topic, inner);
      const out = Buffer.allocUnsafe(8 + bytes.length);
      writeUint64(out, timeMs, 0);
      bytes.copy(out, 8);
      return out;
    },
    ...(key.prepare === undefined ? {} : { prepare: (topic: string, data: Buffer) => key.prepare!(topic, data.subarray(8)) }),
    deserialize(topic, data) {
      if (data.length < 8) throw undecodable(topic, name, `a time has 8 bytes, these are ${data.length}`);
      return [readUint64(data, 0), key.deserialize(topic, data.subarray(8))];
    },
  };
}

/** Ordered by the first part's bytes, then by the second's. */
export function pairSerde<A, B>(first: Serde<A>, second: Serde<B>): PairSerde<A, B> {
  const name = `(${first.name}, ${second.name})`;
  const prepare = (topic: string, data: Buffer): Promise<void> | undefined => {
    const read = readTerminated(data);
    if (read === undefined) return undefined; // deserialize says what is wrong with it
    const waits = [first.prepare?.(topic, read.bytes), second.prepare?.(topic, data.subarray(read.end))].filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  };
  const prefix = (topic: string, part: A): Buffer => terminated(first.serialize(topic, part));
  return {
    name,
    async open(topic, side) {
      await first.open?.(topic, side);
      await second.open?.(topic, side);
    },
    prefix,
    serialize: (topic, [one, other]) => Buffer.concat([prefix(topic, one), second.serialize(topic, other)]),
    ...(first.prepare === undefined && second.prepare === undefined ? {} : { prepare }),
    deserialize(topic, data) {
      const read = readTerminated(data);
      if (read === undefined) throw undecodable(topic, name, 'its first part does not end');
      return [first.deserialize(topic, read.bytes), second.deserialize(topic, data.subarray(read.end))];
    },
  };
}
