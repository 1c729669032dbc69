// The two requests that carry record batches.

import type { TopicPartition } from '../../record/record.ts';
import { isolationLevel, type Isolation } from './offsets.ts';
import { groupByTopic, type KafkaRequest } from './request.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface PartitionData extends TopicPartition {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches, the last one possibly cut off; a slice of the answer. */
  readonly batches: Buffer;
}

export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly isolation: Isolation;
}

const EMPTY = Buffer.alloc(0);

export function fetchRequest(
  partitions: readonly (TopicPartition & { readonly position: number })[],
  limits: FetchLimits,
): KafkaRequest<{ errorCode: number; partitions: PartitionData[] }> {
  return {
    apiKey: 1,
    apiName: 'Fetch',
    version: 11,
    flexible: false,
    write(w) {
      w.int32(-1).int32(limits.maxWaitMs).int32(1).int32(limits.maxBytes).int8(isolationLevel(limits.isolation));
      w.int32(0).int32(-1); // no fetch session
      w.array(groupByTopic(partitions), (group) => {
        w.string(group.topic);
        w.array(group.partitions, ({ partition, position }) => {
          w.int32(partition).int32(-1).int64(position).int64(-1).int32(limits.maxBytesPerPartition);
        });
      });
      w.array([], () => {}); // forgotten topics of a session
      w.string(''); // rack
    },
    read(r) {
      r.throttle();
      const errorCode = r.int16();
      r.int32(); // session id
      const topics = r.array(() => {
        const topic = r.string();
        return r.array(() => {
          const partition = r.int32();
          const partitionError = r.int16();
          const highWatermark = r.int64();
          const lastStableOffset = r.int64();
          r.int64(); // log start
          const aborted = r.array(() => ({ producerId: r.int64(), firstOffset: r.int64() }));
          r.int32(); // preferred read replica
          const batches = r.nullableBytes() ?? EMPTY;
          return { topic, partition, errorCode: partitionError, highWatermark, lastStableOffset, aborted, batches };
        });
      });
      return { errorCode, partitions: topics.flat() };
    },
  };
}

export interface ProduceResult extends TopicPartition {
  readonly errorCode: number;
  readonly message: string | null;
  readonly baseOffset: number;
}

/** Versions 9 to 12 have one layout; 12 tells the leader to add the partition to the transaction by itself (TV2). */
export function produceRequest(
  version: number,
  transactionalId: string | null,
  timeoutMs: number,
  batches: readonly (TopicPartition & { readonly batch: Buffer })[],
): KafkaRequest<ProduceResult[]> {
  return {
    apiKey: 0,
    apiName: 'Produce',
    version,
    flexible: true,
    sizeHint: batches.reduce((sum, { batch, topic }) => sum + batch.length + topic.length + 32, 128),
    write(w) {
      w.nullableString(transactionalId).int16(-1).int32(timeoutMs);
      w.array(groupByTopic(batches), (group) => {
        w.string(group.topic);
        w.array(group.partitions, ({ partition, batch }) => w.int32(partition).nullableBytes(batch).endStruct());
        w.endStruct();
      });
      w.endStruct();
    },
    read(r) {
      const results = r.array(() => {
        const topic = r.string();
        const group = r.array(() => {
          const partition = r.int32();
          const errorCode = r.int16();
          const baseOffset = r.int64();
          r.int64(); // log append time
          r.int64(); // log start
          const recordErrors = r.array(() => {
            r.int32();
            const message = r.nullableString();
            r.endStruct();
            return message;
          });
          const message = r.nullableString() ?? recordErrors[0] ?? null;
          r.endStruct();
          return { topic, partition, errorCode, message, baseOffset };
        });
        r.endStruct();
        return group;
      });
      r.throttle();
      return results.flat();
    },
  };
}
