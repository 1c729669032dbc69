// Where a log begins and ends, and where groups stand in it.

import type { TopicPartition } from '../../record/record.ts';
import type { GroupMetadata, OffsetToCommit } from '../../ports/broker.ts';
import { groupByTopic, type KafkaRequest } from './request.ts';
import type { PartitionResult } from './topics.ts';

export type Isolation = 'uncommitted' | 'committed';

export function isolationLevel(isolation: Isolation): number {
  return isolation === 'committed' ? 1 : 0;
}

export const EARLIEST = -2;
export const LATEST = -1;

export function listOffsetsRequest(
  partitions: readonly TopicPartition[],
  timestamp: typeof EARLIEST | typeof LATEST,
  isolation: Isolation,
): KafkaRequest<(PartitionResult & { offset: number })[]> {
  return {
    apiKey: 2,
    apiName: 'ListOffsets',
    version: 5,
    flexible: false,
    write(w) {
      w.int32(-1).int8(isolationLevel(isolation));
      w.array(groupByTopic(partitions), (group) => {
        w.string(group.topic).array(group.partitions, ({ partition }) => w.int32(partition).int32(-1).int64(timestamp));
      });
    },
    read(r) {
      r.throttle();
      return r
        .array(() => {
          const topic = r.string();
          return r.array(() => {
            const partition = r.int32();
            const errorCode = r.int16();
            r.int64(); // timestamp
            const offset = r.int64();
            r.int32(); // leader epoch
            return { topic, partition, errorCode, offset };
          });
        })
        .flat();
    },
  };
}

export interface CommittedAnswer {
  readonly errorCode: number;
  readonly partitions: readonly (PartitionResult & { readonly offset: number; readonly metadata: string })[];
}

/** `require_stable`: while a transaction holds offsets back the broker answers 88 instead of the older ones (KIP-447). */
export function offsetFetchRequest(groupId: string, partitions: readonly TopicPartition[]): KafkaRequest<CommittedAnswer> {
  return {
    apiKey: 9,
    apiName: 'OffsetFetch',
    version: 7,
    flexible: true,
    write(w) {
      w.string(groupId);
      w.array(groupByTopic(partitions), (group) => {
        w.string(group.topic).array(group.partitions, ({ partition }) => w.int32(partition)).endStruct();
      });
      w.boolean(true).endStruct();
    },
    read(r) {
      r.throttle();
      const answers = r.array(() => {
        const topic = r.string();
        const group = r.array(() => {
          const partition = r.int32();
          const offset = r.int64();
          r.int32(); // leader epoch
          const metadata = r.string();
          const errorCode = r.int16();
          r.endStruct();
          return { topic, partition, offset, metadata, errorCode };
        });
        r.endStruct();
        return group;
      });
      const errorCode = r.int16();
      r.endStruct();
      return { errorCode, partitions: answers.flat() };
    },
  };
}

export function offsetCommitRequest(group: GroupMetadata, offsets: readonly OffsetToCommit[]): KafkaRequest<PartitionResult[]> {
  return {
    apiKey: 8,
    apiName: 'OffsetCommit',
    version: 7,
    flexible: false,
    write(w) {
      w.string(group.groupId).int32(group.generationId).string(group.memberId).nullableString(null);
      w.array(groupByTopic(offsets), ({ topic, partitions }) => {
        w.string(topic).array(partitions, ({ partition, offset, metadata }) => {
          w.int32(partition).int64(offset).int32(-1).nullableString(metadata);
        });
      });
    },
    read(r) {
      r.throttle();
      return r
        .array(() => {
          const topic = r.string();
          return r.array(() => ({ topic, partition: r.int32(), errorCode: r.int16() }));
        })
        .flat();
    },
  };
}
