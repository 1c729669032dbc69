// Text as UTF-8; bytes that are none are refused, not replaced.

import { isUtf8 } from 'node:buffer';
import type { Serde } from '../record/serde.ts';
import { show, undecodable, unserializable } from './misfit.ts';

/** Bytes that are not UTF-8, and strings with half a surrogate pair, are errors: silently replaced characters would make two keys one. */
export function stringSerde(): Serde<string> {
  return SERDE;
}

const SERDE: Serde<string> = {
  name: 'string',
  serialize(topic, data) {
    if (typeof data !== 'string') throw unserializable(topic, 'string', `it is ${show(data)}`);
    if (!data.isWellFormed()) throw unserializable(topic, 'string', 'it contains half a surrogate pair, which UTF-8 cannot express');
    return Buffer.from(data, 'utf8');
  },
  deserialize(topic, data) {
    if (!isUtf8(data)) throw undecodable(topic, 'string', 'the bytes are not UTF-8');
    return data.toString('utf8');
  },
};
