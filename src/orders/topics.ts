// The external topics of the reference system. Who writes and reads them can be any program; this one creates them where they are missing.

import type { BrokerAdmin } from 'millrace';
import { TOPICS } from './domain.ts';

/** Partitions of `orders` and `payments`: the unit of parallelism. */
export const PARTITIONS = 4;

/** A dead letter is its record and more: what the inputs take must fit. */
const DEAD_LETTER_BYTES_MAX = 16 * 1024 * 1024;

/** Creates what is missing; existing topics stay as they are. */
export async function ensureOrderTopics(admin: BrokerAdmin): Promise<void> {
  for (const topic of Object.values(TOPICS)) {
    if ((await admin.partitionCount(topic)) !== undefined) continue;
    // Facts are kept: the audit counts from the beginning.
    await admin.ensureTopics([{ topic, partitions: PARTITIONS, config: { 'retention.ms': '-1', ...(topic === TOPICS.deadLetters ? { 'max.message.bytes': String(DEAD_LETTER_BYTES_MAX) } : {}) } }]);
  }
}
