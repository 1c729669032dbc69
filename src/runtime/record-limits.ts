// How large a record may be, known before it is produced: a record that a topic would refuse is an error of the record that caused it, found while that
// record is processed, and not of the whole commit, which would fail again after every restart.

import type { BrokerAdmin, OutgoingRecord } from '../ports/broker.ts';
import { StreamsError } from '../record/errors.ts';

/** Around a record: the batch's header (61), the record's own lengths and deltas, and each header's. Rather too much than too little. */
const BATCH_OVERHEAD = 128;
const HEADER_OVERHEAD = 12;

/** Limit of the topics the application makes for itself: what fitted into an input, wrapped in JSON or kept with others of its key, must still fit. */
export const OWN_BATCH_BYTES_MAX = 16 * 1024 * 1024;

/** A record is larger than the topic it is to be written to takes. */
export class RecordTooLargeError extends StreamsError {
  readonly code = 'RECORD_TOO_LARGE';
  readonly remedy = 'fix-data';
  constructor(topic: string, bytes: number, most: number) {
    super(`A record of ${bytes} bytes cannot be written to ${topic}, which takes ${most} bytes at most. Raise max.message.bytes of that topic, or write less.`);
  }
}

export class RecordLimits {
  readonly #batchBytesMax: Map<string, number>;

  constructor(batchBytesMax: ReadonlyMap<string, number>) {
    this.#batchBytesMax = new Map(batchBytesMax);
  }

  static async of(admin: BrokerAdmin, topics: readonly string[]): Promise<RecordLimits> {
    return new RecordLimits(await admin.batchBytesMax(topics));
  }

  /** One more topic, which must exist. */
  async learn(admin: BrokerAdmin, topic: string): Promise<void> {
    for (const [name, bytes] of await admin.batchBytesMax([topic])) this.#batchBytesMax.set(name, bytes);
  }

  /** @throws {RecordTooLargeError} */
  check(record: OutgoingRecord): void {
    const most = this.#batchBytesMax.get(record.topic);
    const bytes = sizeOf(record);
    if (most !== undefined && bytes > most) throw new RecordTooLargeError(record.topic, bytes, most);
  }

  fits(record: OutgoingRecord): boolean {
    return sizeOf(record) <= (this.#batchBytesMax.get(record.topic) ?? Number.POSITIVE_INFINITY);
  }
}

function sizeOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = BATCH_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of headers) bytes += HEADER_OVERHEAD + name.length * 3 + (content?.length ?? 0);
  return bytes;
}
