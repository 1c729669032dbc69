// For tests on a real broker: topics of their own, and everything that a read_committed consumer finds in one.

import { partitionName, type Broker, type RawRecord } from 'millrace';

let made = 0;

/** A name that no other test and no earlier run has used. */
export function freshName(what: string): string {
  return `${what}-${process.pid}-${Date.now().toString(36)}-${made++}`;
}

/** All committed records, by partition, then offset. */
export async function readTopic(broker: Broker, topic: string): Promise<RawRecord[]> {
  const count = (await broker.admin.partitionCount(topic)) ?? 0;
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  const ends = await broker.admin.listOffsets(partitions, 'stable');
  const fetcher = broker.fetcher();
  const open = new Set<string>();
  for (const tp of partitions) {
    if (ends.get(partitionName(tp)) === 0) continue;
    open.add(partitionName(tp));
    fetcher.assign(tp, 0);
  }
  const found = new Map<number, RawRecord[]>();
  while (open.size > 0) {
    for (const { records, partition, nextPosition } of await fetcher.poll(200)) {
      found.set(partition, [...(found.get(partition) ?? []), ...records]);
      if (nextPosition >= ends.get(partitionName({ topic, partition }))!) open.delete(partitionName({ topic, partition }));
    }
  }
  await fetcher.close();
  return [...found].sort(([a], [b]) => a - b).flatMap(([, records]) => records);
}

/** Looks again and again until `isTrue`; tests wait for what must come, not for time to pass. @throws after `limitMs` */
export async function eventually(isTrue: () => Promise<boolean> | boolean, what: string, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited ${limitMs / 1_000} s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
