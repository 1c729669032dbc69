// Layout of stored values. Every value begins with a format version, so that a later release can read what an earlier one wrote.

import { CorruptStateError } from './errors.ts';
import type { TimestampedValue } from '../topology/store-spec.ts';

export const FORMAT_VERSION = 1;
const TWO_32 = 0x1_0000_0000;

/** A non-negative safe integer as 8 bytes, big-endian: byte order is number order. */
export function writeUint64(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / TWO_32), at);
  target.writeUInt32BE(value % TWO_32, at + 4);
}

export function readUint64(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * TWO_32 + source.readUInt32BE(at + 4);
}

/** version (1) · timestamp (8) · payload */
export function encodeTimestamped(payload: Buffer, timestamp: number): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  bytes[0] = FORMAT_VERSION;
  writeUint64(bytes, timestamp, 1);
  payload.copy(bytes, 9);
  return bytes;
}

export function decodeTimestamped(bytes: Buffer, place: string): TimestampedValue<Buffer> {
  check(bytes, place, bytes.length >= 9);
  return { timestamp: readUint64(bytes, 1), value: bytes.subarray(9) };
}

/** version (1) · entries of timestamp (8) · length (4) · payload, by timestamp, then arrival */
export function encodeEntries(entries: readonly TimestampedValue<Buffer>[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.reduce((size, entry) => size + 12 + entry.value.length, 1));
  bytes[0] = FORMAT_VERSION;
  let at = 1;
  for (const { timestamp, value } of entries) {
    writeUint64(bytes, timestamp, at);
    bytes.writeUInt32BE(value.length, at + 8);
    value.copy(bytes, at + 12);
    at += 12 + value.length;
  }
  return bytes;
}

export function decodeEntries(bytes: Buffer, place: string): TimestampedValue<Buffer>[] {
  check(bytes, place, true);
  const entries: TimestampedValue<Buffer>[] = [];
  for (let at = 1; at < bytes.length; ) {
    check(bytes, place, at + 12 <= bytes.length);
    const length = bytes.readUInt32BE(at + 8);
    check(bytes, place, at + 12 + length <= bytes.length);
    entries.push({ timestamp: readUint64(bytes, at), value: bytes.subarray(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  return entries;
}

function check(bytes: Buffer, place: string, isWhole: boolean): void {
  if (bytes[0] !== FORMAT_VERSION) {
    throw new CorruptStateError(place, `a value has format version ${bytes[0]}, and this release reads version ${FORMAT_VERSION}`);
  }
  if (!isWhole) throw new CorruptStateError(place, `a value of ${bytes.length} bytes is not whole`);
}
