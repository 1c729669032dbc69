// A topology is data: frozen nodes that the runtime reads with one exhaustive switch.

import type { StreamRecord } from '../record/record.ts';
import type { Serde } from '../record/serde.ts';
import type { ProcessorSupplier } from './processor.ts';
import type { AnyStoreSpec } from './store-spec.ts';

/** Event time of a record, epoch ms. Negative: the record is dropped and counted. `partitionTime`: highest so far in this partition, −1 before the first. */
export type TimestampExtractor<K, V> = (record: StreamRecord<K, V>, partitionTime: number) => number;

/** A topic of the outside world by its name, or one the application owns: `<applicationId>-<suffix>`. */
export type TopicRef = string | InternalTopicRef;

export interface InternalTopicRef {
  readonly suffix: string;
  /** repartition: purged after commit. pipe: kept for `retentionMs` (commands, outcomes). */
  readonly use: 'repartition' | 'pipe';
  readonly retentionMs?: number;
  /** Undefined: as many as the widest input of the subtopology that writes it, or, with `sameAs`, as that internal topic. */
  readonly partitions?: number;
  /** Suffix of the internal topic whose partition count this one has. */
  readonly sameAs?: string;
}

export interface SourceNode {
  readonly kind: 'source';
  readonly name: string;
  readonly topic: TopicRef;
  readonly key: Serde<any>;
  readonly value: Serde<any>;
  readonly timestamp: TimestampExtractor<any, any> | undefined;
}

export interface ProcessorNode {
  readonly kind: 'processor';
  readonly name: string;
  readonly parents: readonly string[];
  readonly stores: readonly AnyStoreSpec[];
  readonly supplier: ProcessorSupplier<any, any, any, any>;
}

export interface SinkNode {
  readonly kind: 'sink';
  readonly name: string;
  readonly parents: readonly string[];
  readonly topic: TopicRef;
  readonly key: Serde<any>;
  readonly value: Serde<any>;
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode;

export function topicName(ref: TopicRef, applicationId: string): string {
  return typeof ref === 'string' ? ref : `${applicationId}-${ref.suffix}`;
}

export function changelogTopic(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`;
}
