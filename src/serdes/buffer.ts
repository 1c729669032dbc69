// Bytes as they are; not copied.

import type { Serde } from '../record/serde.ts';
import { show, unserializable } from './misfit.ts';

export function bufferSerde(): Serde<Buffer> {
  return SERDE;
}

const SERDE: Serde<Buffer> = {
  name: 'buffer',
  serialize(topic, data) {
    if (!Buffer.isBuffer(data)) throw unserializable(topic, 'buffer', `it is ${show(data)}`);
    return data;
  },
  deserialize: (_topic, data) => data,
};
