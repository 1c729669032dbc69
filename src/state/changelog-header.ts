// What a changelog record carries beside its key and value, which are the serdes' own bytes so that any Kafka tool can read them: one short header with the
// format and what the store must know besides. Not the record's timestamp: in changelogs of expiring stores that is the broker's (docs/decisions/0003).

import type { Headers } from '../record/record.ts';
import { readUint64, writeUint64 } from '../serdes/ordered-bytes.ts';
import type { AnyStoreSpec } from '../topology/store-spec.ts';
import { UnreadableChangelogError } from './errors.ts';

type Kind = AnyStoreSpec['kind'];

const NAME = 'mr';
const FIXED_BYTES = 9;
/** Numbers of the formats this release writes. A new format of a kind gets a new number: none is ever used for two. */
const FORMATS: Readonly<Record<Kind, number>> = { keyValue: 1, window: 2, session: 3, versioned: 4, timer: 5 };

/** format (1) · time (8) · whatever else the store keeps there. */
export function changelogHeader(kind: Kind, time: number, rest?: Buffer): Headers {
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + (rest?.length ?? 0));
  bytes[0] = FORMATS[kind];
  writeUint64(bytes, Math.max(time, 0), 1);
  rest?.copy(bytes, FIXED_BYTES);
  return [[NAME, bytes]];
}

/** @throws {UnreadableChangelogError} */
export function readChangelogHeader(kind: Kind, headers: Headers, topic: string): { time: number; rest: Buffer } {
  const bytes = headers.find(([name]) => name === NAME)?.[1];
  if (bytes === undefined || bytes === null || bytes.length < FIXED_BYTES) throw new UnreadableChangelogError(topic, `a record has no header "${NAME}", which says how it is to be read`);
  if (bytes[0] !== FORMATS[kind]) throw new UnreadableChangelogError(topic, `a record has format ${bytes[0]}, and a store of the kind ${kind} has format ${FORMATS[kind]} in this release`);
  return { time: readUint64(bytes, 1), rest: bytes.subarray(FIXED_BYTES) };
}
