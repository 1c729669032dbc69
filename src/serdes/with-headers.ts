// A value with the headers of its record, for records that wait in a store: what comes out later carries what came in.

import type { Headers } from '../record/record.ts';
import type { Serde } from '../record/serde.ts';
import { undecodable } from './misfit.ts';

export interface WithHeaders<V> {
  readonly value: V;
  readonly headers: Headers;
}

const NULL = 0xffff_ffff;

/** Number of headers (4) · for each: name length (4) · name · value length (4), all ones for null · value. Then the value's own bytes. */
export function withHeadersSerde<V>(value: Serde<V>): Serde<WithHeaders<V>> {
  const name = `withHeaders(${value.name})`;
  const valueAt = (topic: string, data: Buffer): { headers: Headers; bytes: Buffer } => {
    try {
      return split(data);
    } catch (error) {
      throw undecodable(topic, name, `its headers do not end (${(error as Error).message})`);
    }
  };
  return {
    name,
    open: async (topic, side) => value.open?.(topic, side),
    serialize: (topic, data) => Buffer.concat([...headerBytes(data.headers), value.serialize(topic, data.value)]),
    prepare: (topic, data) => (value.prepare === undefined ? undefined : value.prepare(topic, valueAt(topic, data).bytes)),
    deserialize(topic, data) {
      const { headers, bytes } = valueAt(topic, data);
      return { headers, value: value.deserialize(topic, bytes) };
    },
  };
}

function headerBytes(headers: Headers): Buffer[] {
  const parts = [uint32(headers.length)];
  for (const [name, content] of headers) {
    const text = Buffer.from(name);
    parts.push(uint32(text.length), text, uint32(content?.length ?? NULL), content ?? Buffer.alloc(0));
  }
  return parts;
}

/** @throws {RangeError} where the bytes end too early. */
function split(data: Buffer): { headers: Headers; bytes: Buffer } {
  let at = 0;
  const length = (): number => {
    at += 4;
    return data.readUInt32BE(at - 4);
  };
  const take = (bytes: number): Buffer => {
    if (at + bytes > data.length) throw new RangeError(`${bytes} bytes wanted at ${at} of ${data.length}`);
    at += bytes;
    return data.subarray(at - bytes, at);
  };
  const headers = Array.from({ length: length() }, (): [string, Buffer | null] => {
    const name = take(length()).toString();
    const size = length();
    return [name, size === NULL ? null : Buffer.from(take(size))];
  });
  return { headers, bytes: data.subarray(at) };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
