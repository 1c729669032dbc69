// Eight bytes, most significant first, IEEE 754: what Kafka's DoubleSerializer writes.

import type { Serde } from '../record/serde.ts';
import { show, undecodable, unserializable } from './misfit.ts';

/** Every number, infinities, −0 and NaN too. */
export function doubleSerde(): Serde<number> {
  return SERDE;
}

const SERDE: Serde<number> = {
  name: 'double',
  serialize(topic, data) {
    if (typeof data !== 'number') throw unserializable(topic, 'double', `it is ${show(data)}, not a number`);
    const bytes = Buffer.allocUnsafe(8);
    // Which of its many NaNs a processor has computed is chance; Java writes this one for all, and as a key two would be two.
    if (Number.isNaN(data)) bytes.set(JAVAS_NAN);
    else bytes.writeDoubleBE(data);
    return bytes;
  },
  deserialize(topic, data) {
    if (data.length !== 8) throw undecodable(topic, 'double', `a double has 8 bytes, these are ${data.length}`);
    return data.readDoubleBE();
  },
};

const JAVAS_NAN = Buffer.from('7ff8000000000000', 'hex');
