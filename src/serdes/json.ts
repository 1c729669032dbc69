// Values as UTF-8 JSON: whatever JSON can hold, nothing it would quietly change.

import type { Serde } from '../record/serde.ts';
import { show, undecodable, unserializable } from './misfit.ts';

/** The type is the caller's promise: nothing checks it. */
export function jsonSerde<T>(): Serde<T> {
  return SERDE as Serde<T>;
}

const SERDE: Serde<unknown> = {
  name: 'json',
  serialize(topic, data) {
    if (data instanceof Promise) throw unserializable(topic, 'json', 'it is a promise, and nobody waits for that: functions of a topology answer at once');
    let text: string | undefined;
    try {
      text = JSON.stringify(data);
    } catch (error) {
      throw unserializable(topic, 'json', (error as Error).message);
    }
    if (text === undefined || (text === 'null' && data !== null)) throw unserializable(topic, 'json', `it is ${show(data)}, which JSON cannot express`);
    return Buffer.from(text, 'utf8');
  },
  deserialize(topic, data) {
    try {
      return JSON.parse(data.toString('utf8'));
    } catch (error) {
      throw undecodable(topic, 'json', (error as Error).message);
    }
  },
};
