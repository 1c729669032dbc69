// Layout of values in the database. Every value begins with a format version, so that a later release can read what an earlier one wrote.

import { readUint64, writeUint64 } from '../serdes/ordered-bytes.ts';
import type { TimestampedValue } from '../topology/store-spec.ts';
import { CorruptStateError } from './errors.ts';

export const FORMAT_VERSION = 1;

/** version (1) · timestamp (8) · payload */
export function encodeTimestamped(payload: Buffer, timestamp: number): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  bytes[0] = FORMAT_VERSION;
  writeUint64(bytes, timestamp, 1);
  payload.copy(bytes, 9);
  return bytes;
}

export function decodeTimestamped(bytes: Buffer, store: string): TimestampedValue<Buffer> {
  check(bytes, store, bytes.length >= 9);
  return { timestamp: readUint64(bytes, 1), value: bytes.subarray(9) };
}

/** Where a value stands among those under one key: a window's time and arrival, a session's start and end, a version's time and whether it deletes. */
export interface Place {
  readonly first: number;
  readonly second: number;
}

export interface Placed extends Place {
  readonly value: Buffer;
}

/** Of an entry in a list, beside its payload. */
export const PLACE_BYTES = 20;

/** version (1) · for each value: first (8) · second (8) · length (4) · payload. In the order of the places. */
export function encodeList(list: readonly Placed[]): Buffer {
  let size = 1;
  for (const { value } of list) size += PLACE_BYTES + value.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = FORMAT_VERSION;
  let at = 1;
  for (const { first, second, value } of list) {
    writeUint64(bytes, first, at);
    writeUint64(bytes, second, at + 8);
    bytes.writeUInt32BE(value.length, at + 16);
    value.copy(bytes, at + PLACE_BYTES);
    at += PLACE_BYTES + value.length;
  }
  return bytes;
}

export function decodeList(bytes: Buffer, store: string): Placed[] {
  check(bytes, store, true);
  const list: Placed[] = [];
  for (let at = 1; at < bytes.length; ) {
    check(bytes, store, at + PLACE_BYTES <= bytes.length);
    const end = at + PLACE_BYTES + bytes.readUInt32BE(at + 16);
    check(bytes, store, end <= bytes.length);
    list.push({ first: readUint64(bytes, at), second: readUint64(bytes, at + 8), value: bytes.subarray(at + PLACE_BYTES, end) });
    at = end;
  }
  return list;
}

function check(bytes: Buffer, store: string, isWhole: boolean): void {
  if (bytes[0] !== FORMAT_VERSION) {
    throw new CorruptStateError(store, `a value has format version ${bytes[0]}, and this release reads version ${FORMAT_VERSION}`);
  }
  if (!isWhole) throw new CorruptStateError(store, `a value of ${bytes.length} bytes is not whole`);
}
