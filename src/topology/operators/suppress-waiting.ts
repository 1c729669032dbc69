// An update that waits to be sent on, as it is kept in a store: what it says, what it replaces for those below, and the headers it came with.

import type { Headers } from '../../record/record.ts';
import type { Serde } from '../../record/serde.ts';
import { undecodable } from '../../serdes/misfit.ts';

export interface WaitingUpdate<V> {
  readonly newValue: V | null;
  /** What was there before the first update that waited. */
  readonly priorValue: V | null;
  readonly headers: Headers;
}

/** New value · prior value · name and value of each header: each with its length (4 bytes) before it, −1 for null. */
export function waitingUpdateSerde<V>(value: Serde<V>): Serde<WaitingUpdate<V>> {
  const name = `waiting(${value.name})`;
  const bytesOf = (topic: string, own: V | null): Buffer | null => (own === null ? null : value.serialize(topic, own));
  const valueOf = (topic: string, bytes: Buffer | null | undefined): V | null => (bytes === null || bytes === undefined ? null : value.deserialize(topic, bytes));
  return {
    name,
    open: async (topic, side) => value.open?.(topic, side),
    serialize(topic, { newValue, priorValue, headers }) {
      const parts = [bytesOf(topic, newValue), bytesOf(topic, priorValue)];
      for (const [header, own] of headers) parts.push(Buffer.from(header), own);
      return join(parts);
    },
    prepare(topic, data) {
      const waits = (split(data) ?? []).slice(0, 2).map((bytes) => (bytes === null ? undefined : value.prepare?.(topic, bytes))).filter((wait) => wait !== undefined);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
    },
    deserialize(topic, data) {
      const parts = split(data);
      if (parts === undefined || parts.length < 2 || parts.length % 2 === 1) throw undecodable(topic, name, `${data.length} bytes do not hold an update`);
      const headers: [string, Buffer | null][] = [];
      for (let at = 2; at < parts.length; at += 2) headers.push([parts[at]!.toString(), parts[at + 1]!]);
      return { newValue: valueOf(topic, parts[0]), priorValue: valueOf(topic, parts[1]), headers };
    },
  };
}

function join(parts: readonly (Buffer | null)[]): Buffer {
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0));
  let at = 0;
  for (const part of parts) {
    at = bytes.writeInt32BE(part?.length ?? -1, at);
    at += part?.copy(bytes, at) ?? 0;
  }
  return bytes;
}

/** Undefined when the lengths do not fit. */
function split(bytes: Buffer): (Buffer | null)[] | undefined {
  const parts: (Buffer | null)[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < -1 || at + length > bytes.length) return undefined;
    parts.push(length === -1 ? null : bytes.subarray(at, at + length));
    at += Math.max(length, 0);
  }
  return parts;
}
