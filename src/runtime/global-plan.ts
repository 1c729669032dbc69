// Whether what an instance has kept of its global tables can be gone on from, or must be wiped and read anew.

import { partitionName, type TopicPartition } from '../record/record.ts';
import type { GlobalRecord } from '../state/global-state.ts';
import type { GlobalTableNode } from '../topology/graph/node.ts';

export const TOO_OLD = 'they were last up to date longer ago than topics keep deletions';

export interface GlobalFacts {
  readonly tables: readonly GlobalTableNode[];
  readonly partitions: readonly TopicPartition[];
  /** First and next offset, by `partitionName`. */
  readonly starts: ReadonlyMap<string, number>;
  readonly ends: ReadonlyMap<string, number>;
  /** How long the topics show deletions, the shortest of them. */
  readonly deletionsKeptMs: number;
  readonly nowMs: number;
}

/** In words; undefined when reading can go on where it stopped. */
export function whyUnusable(record: GlobalRecord | undefined, { tables, partitions, starts, ends, deletionsKeptMs, nowMs }: GlobalFacts): string | undefined {
  if (record === undefined) return undefined;
  const isSame = Object.keys(record.tables).length === tables.length && tables.every(({ store, topic }) => record.tables[store.name] === topic);
  if (!isSame) return 'there are other tables than before, or they read other topics';
  for (const tp of partitions) {
    const name = partitionName(tp);
    const position = record.positions[name];
    if (position === undefined) continue;
    if (position < starts.get(name)!) return `${name} now starts at ${starts.get(name)}, after position ${position}: records were removed that were never read`;
    if (position > ends.get(name)!) return `${name} ends at ${ends.get(name)}, before position ${position}: the topic was recreated or lost records`;
  }
  // A compacted topic forgets deletions after a while: rows that were deleted since would stay for ever (KIP-1259).
  if (nowMs - record.currentAtMs > deletionsKeptMs) return TOO_OLD;
  return undefined;
}
