// A value with a timestamp of its own: 8 bytes before the value's. For windows, whose result is newer than the time they are kept under.

import type { Serde } from '../record/serde.ts';
import { show, undecodable, unserializable } from './misfit.ts';
import { readUint64, writeUint64 } from './ordered-bytes.ts';

/** `timestamp`: epoch ms, at least 0. */
export function timestampedSerde<V>(value: Serde<V>): Serde<{ readonly timestamp: number; readonly value: V }> {
  const name = `timestamped(${value.name})`;
  return {
    name,
    asideBytes: 8,
    open: async (topic, side) => value.open?.(topic, side),
    serialize(topic, data) {
      if (!Number.isSafeInteger(data.timestamp) || data.timestamp < 0) {
        throw unserializable(topic, name, `its timestamp is ${show(data.timestamp)}, not milliseconds of at least 0`);
      }
      const bytes = value.serialize(topic, data.value);
      const out = Buffer.allocUnsafe(8 + bytes.length);
      writeUint64(out, data.timestamp, 0);
      bytes.copy(out, 8);
      return out;
    },
    ...(value.prepare === undefined ? {} : { prepare: (topic: string, data: Buffer) => value.prepare!(topic, data.subarray(8)) }),
    deserialize(topic, data) {
      if (data.length < 8) throw undecodable(topic, name, `a timestamp has 8 bytes, these are ${data.length}`);
      return { timestamp: readUint64(data, 0), value: value.deserialize(topic, data.subarray(8)) };
    },
  };
}
