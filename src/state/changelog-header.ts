// What a changelog record carries beside its key and value, which are the store's own bytes so that any Kafka tool can read them: one short header with the
// format version and what the store must know besides. Not the record's timestamp: in changelogs of expiring stores that is the broker's (docs/decisions/0003).

import type { Headers } from '../record/record.ts';
import { readUint64, writeUint64 } from '../serdes/ordered-bytes.ts';
import { UnreadableChangelogError } from './errors.ts';

const NAME = 'mr';
const FORMAT_VERSION = 1;
const FIXED_BYTES = 9;

/** version (1) · time (8) · whatever else the store keeps there. */
export function changelogHeader(time: number, rest?: Buffer): Headers {
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + (rest?.length ?? 0));
  bytes[0] = FORMAT_VERSION;
  writeUint64(bytes, Math.max(time, 0), 1);
  rest?.copy(bytes, FIXED_BYTES);
  return [[NAME, bytes]];
}

/** @throws {UnreadableChangelogError} */
export function readChangelogHeader(headers: Headers, topic: string): { time: number; rest: Buffer } {
  const bytes = headers.find(([name]) => name === NAME)?.[1];
  if (bytes === undefined || bytes === null || bytes.length < FIXED_BYTES) throw new UnreadableChangelogError(topic, `a record has no header "${NAME}" with a format version`);
  if (bytes[0] !== FORMAT_VERSION) throw new UnreadableChangelogError(topic, `a record has format version ${bytes[0]}, and this release reads version ${FORMAT_VERSION}`);
  return { time: readUint64(bytes, 1), rest: bytes.subarray(FIXED_BYTES) };
}
