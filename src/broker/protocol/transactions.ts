// The transaction coordinator's requests. TV1 names partitions and offsets to the coordinator first (AddPartitions, AddOffsets); under TV2 (KIP-890) the
// partition leaders and the group coordinator do that themselves, and EndTxn hands out the next epoch.

import type { GroupMetadata, OffsetToCommit } from '../../ports/broker.ts';
import type { TopicPartition } from '../../record/record.ts';
import { groupByTopic, type KafkaRequest } from './request.ts';
import type { PartitionResult } from './topics.ts';

export interface ProducerEpoch {
  readonly producerId: number;
  readonly epoch: number;
}

export const NO_PRODUCER: ProducerEpoch = { producerId: -1, epoch: -1 };

/** `current` other than NO_PRODUCER asks for the next epoch of that producer (KIP-360) and is refused if another one took over. */
export function initProducerIdRequest(
  transactionalId: string | null,
  transactionTimeoutMs: number,
  current: ProducerEpoch,
): KafkaRequest<ProducerEpoch & { errorCode: number }> {
  return {
    apiKey: 22,
    apiName: 'InitProducerId',
    version: 4,
    flexible: true,
    write(w) {
      w.nullableString(transactionalId).int32(transactionTimeoutMs).int64(current.producerId).int16(current.epoch).endStruct();
    },
    read(r) {
      r.throttle();
      return { errorCode: r.int16(), producerId: r.int64(), epoch: r.int16() };
    },
  };
}

export interface TransactionRef extends ProducerEpoch {
  readonly transactionalId: string;
}

export function addPartitionsToTxnRequest(txn: TransactionRef, partitions: readonly TopicPartition[]): KafkaRequest<PartitionResult[]> {
  return {
    apiKey: 24,
    apiName: 'AddPartitionsToTxn',
    version: 3,
    flexible: true,
    write(w) {
      w.string(txn.transactionalId).int64(txn.producerId).int16(txn.epoch);
      w.array(groupByTopic(partitions), (group) => {
        w.string(group.topic).array(group.partitions, ({ partition }) => w.int32(partition)).endStruct();
      });
      w.endStruct();
    },
    read(r) {
      r.throttle();
      return r
        .array(() => {
          const topic = r.string();
          const results = r.array(() => {
            const result = { topic, partition: r.int32(), errorCode: r.int16() };
            r.endStruct();
            return result;
          });
          r.endStruct();
          return results;
        })
        .flat();
    },
  };
}

export function addOffsetsToTxnRequest(txn: TransactionRef, groupId: string): KafkaRequest<{ errorCode: number }> {
  return {
    apiKey: 25,
    apiName: 'AddOffsetsToTxn',
    version: 3,
    flexible: true,
    write(w) {
      w.string(txn.transactionalId).int64(txn.producerId).int16(txn.epoch).string(groupId).endStruct();
    },
    read(r) {
      r.throttle();
      return { errorCode: r.int16() };
    },
  };
}

export function txnOffsetCommitRequest(
  version: 4 | 5,
  txn: TransactionRef,
  group: GroupMetadata,
  offsets: readonly OffsetToCommit[],
): KafkaRequest<PartitionResult[]> {
  return {
    apiKey: 28,
    apiName: 'TxnOffsetCommit',
    version,
    flexible: true,
    write(w) {
      w.string(txn.transactionalId).string(group.groupId).int64(txn.producerId).int16(txn.epoch);
      w.int32(group.generationId).string(group.memberId).nullableString(null);
      w.array(groupByTopic(offsets), ({ topic, partitions }) => {
        w.string(topic);
        w.array(partitions, ({ partition, offset, metadata }) => {
          w.int32(partition).int64(offset).int32(-1).nullableString(metadata).endStruct();
        });
        w.endStruct();
      });
      w.endStruct();
    },
    read(r) {
      r.throttle();
      return r
        .array(() => {
          const topic = r.string();
          const results = r.array(() => {
            const result = { topic, partition: r.int32(), errorCode: r.int16() };
            r.endStruct();
            return result;
          });
          r.endStruct();
          return results;
        })
        .flat();
    },
  };
}

/** Version 5 (TV2) answers the producer id and epoch of the next transaction. */
export function endTxnRequest(
  version: 4 | 5,
  txn: TransactionRef,
  outcome: 'commit' | 'abort',
): KafkaRequest<{ errorCode: number; next: ProducerEpoch | undefined }> {
  return {
    apiKey: 26,
    apiName: 'EndTxn',
    version,
    flexible: true,
    write(w) {
      w.string(txn.transactionalId).int64(txn.producerId).int16(txn.epoch).boolean(outcome === 'commit').endStruct();
    },
    read(r) {
      r.throttle();
      const errorCode = r.int16();
      if (version < 5) return { errorCode, next: undefined };
      const next = { producerId: r.int64(), epoch: r.int16() };
      return { errorCode, next: next.producerId < 0 ? undefined : next };
    },
  };
}
