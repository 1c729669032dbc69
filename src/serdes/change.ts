// What an update of a table was and became, on its way to the groups of its rows. The bytes are those of Kafka Streams (KIP-904): the last one says which
// values are there, and leaves room for formats to come.

import type { Serde } from '../record/serde.ts';
import { undecodable, unserializable } from './misfit.ts';

/** At least one of both is there. */
export interface OldAndNew<V> {
  readonly oldValue: V | null;
  readonly newValue: V | null;
}

const OLD = 0;
const NEW = 1;
/** Length of the new value (zigzag varint), new value, old value. */
const BOTH = 2;

export function changeSerde<V>(value: Serde<V>): Serde<OldAndNew<V>> {
  const name = `change(${value.name})`;
  const parts = (topic: string, data: Buffer): { oldBytes: Buffer | undefined; newBytes: Buffer | undefined } => {
    const format = data.at(-1);
    const bytes = data.subarray(0, -1);
    if (format === OLD) return { oldBytes: bytes, newBytes: undefined };
    if (format === NEW) return { oldBytes: undefined, newBytes: bytes };
    if (format !== BOTH) throw undecodable(topic, name, format === undefined ? 'it has no bytes' : `its last byte, which tells the format, is ${format}, not 0, 1 or 2`);
    const length = readLength(bytes);
    if (length === undefined || length.end + length.value > bytes.length) throw undecodable(topic, name, 'the length of its new value does not fit its bytes');
    const split = length.end + length.value;
    return { newBytes: bytes.subarray(length.end, split), oldBytes: bytes.subarray(split) };
  };
  return {
    name,
    open: async (topic, side) => value.open?.(topic, side),
    serialize(topic, { oldValue, newValue }) {
      const oldBytes = oldValue === null ? undefined : value.serialize(topic, oldValue);
      const newBytes = newValue === null ? undefined : value.serialize(topic, newValue);
      if (oldBytes === undefined && newBytes === undefined) throw unserializable(topic, name, 'it has neither an old nor a new value');
      if (newBytes === undefined) return Buffer.concat([oldBytes!, Buffer.of(OLD)]);
      if (oldBytes === undefined) return Buffer.concat([newBytes, Buffer.of(NEW)]);
      return Buffer.concat([lengthBytes(newBytes.length), newBytes, oldBytes, Buffer.of(BOTH)]);
    },
    prepare(topic, data) {
      let found: ReturnType<typeof parts>;
      try {
        found = parts(topic, data);
      } catch {
        return undefined; // deserialize says what is wrong with it
      }
      const waits = [found.newBytes, found.oldBytes].flatMap((bytes) => (bytes === undefined ? [] : (value.prepare?.(topic, bytes) ?? [])));
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
    },
    deserialize(topic, data) {
      const { oldBytes, newBytes } = parts(topic, data);
      return {
        newValue: newBytes === undefined ? null : value.deserialize(topic, newBytes),
        oldValue: oldBytes === undefined ? null : value.deserialize(topic, oldBytes),
      };
    },
  };
}

/** Seven bits a byte, lowest first, of twice the number: lengths are never negative. */
function lengthBytes(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.of(...bytes, rest);
}

function readLength(bytes: Buffer): { value: number; end: number } | undefined {
  let twice = 0;
  for (let at = 0; at < Math.min(bytes.length, 5); at++) {
    twice += (bytes[at]! & 0x7f) * 0x80 ** at;
    if (bytes[at]! < 0x80) return twice % 2 === 0 ? { value: twice / 2, end: at + 1 } : undefined;
  }
  return undefined;
}
