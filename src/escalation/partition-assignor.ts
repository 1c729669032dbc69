// Which bridge reads which command partitions. Bridges keep no state, so evenness is all that counts.

import type { GroupAssignor } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';

export const roundRobinAssignor: GroupAssignor = {
  name: 'millrace-bridge-round-robin',
  assign(members, partitionCounts) {
    const assignment = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
    const ids = [...assignment.keys()].sort();
    const topics = [...new Set(members.flatMap(({ topics }) => topics))].sort();
    const partitions = topics.flatMap((topic) => Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })));
    for (const partition of partitions) {
      // Members with different topic lists appear while settings change; nobody gets what it did not ask for.
      const takers = ids.filter((id) => members.some((member) => member.memberId === id && member.topics.includes(partition.topic)));
      const least = takers.sort((a, b) => (assignment.get(a)?.length ?? 0) - (assignment.get(b)?.length ?? 0))[0];
      if (least === undefined) throw new Error(`No member reads ${partitionName(partition)}`);
      assignment.get(least)?.push(partition);
    }
    return assignment;
  },
};
