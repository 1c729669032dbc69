// Eight bytes, most significant first, as Kafka's LongSerializer writes them; without BigInt, which would cost an object per record.

import type { Serde } from '../record/serde.ts';
import { show, undecodable, unserializable } from './misfit.ts';

/** Safe integers only: beyond 2^53 - 1 is an error in both directions, never a rounded number. */
export function longSerde(): Serde<number> {
  return SERDE;
}

const TWO_TO_32 = 0x1_0000_0000;

const SERDE: Serde<number> = {
  name: 'long',
  serialize(topic, data) {
    if (!Number.isSafeInteger(data)) throw unserializable(topic, 'long', `it is ${show(data)}, not an integer between -(2^53 - 1) and 2^53 - 1`);
    const bytes = Buffer.allocUnsafe(8);
    const high = Math.floor(data / TWO_TO_32);
    bytes.writeInt32BE(high, 0);
    bytes.writeUInt32BE(data - high * TWO_TO_32, 4);
    return bytes;
  },
  deserialize(topic, data) {
    if (data.length !== 8) throw undecodable(topic, 'long', `a long has 8 bytes, these are ${data.length}`);
    const value = data.readInt32BE(0) * TWO_TO_32 + data.readUInt32BE(4);
    if (!Number.isSafeInteger(value)) throw undecodable(topic, 'long', 'the number lies beyond 2^53 - 1, where numbers lose precision');
    return value;
  },
};
