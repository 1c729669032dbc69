// A topology is data: frozen nodes that the runtime reads with one exhaustive switch.

import type { StreamRecord } from '../../record/record.ts';
import type { Serde } from '../../record/serde.ts';
import type { ProcessorSupplier } from '../processor.ts';
import type { AnyStoreSpec, KeyValueStoreSpec } from '../store-spec.ts';

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

/** A sink that decides record by record. */
export interface TopicChooser {
  readonly choose: (value: any, key: any, record: StreamRecord<any, any>) => string;
}

export interface SourceNode {
  readonly kind: 'source';
  readonly name: string;
  readonly topics: readonly TopicRef[];
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
  readonly topic: TopicRef | TopicChooser;
  readonly key: Serde<any>;
  readonly value: Serde<any>;
  /** Where each record goes; undefined: by its key, as Java's producer does. */
  readonly partition: ((record: StreamRecord<any, any>, partitions: number) => number) | undefined;
}

/** A topic that every instance holds whole, in a store that all tasks read. It belongs to no subtopology and has no tasks. */
export interface GlobalTableNode {
  readonly kind: 'global-table';
  readonly name: string;
  /** What descriptions call the reading half: to Kafka Streams it is a node of its own. */
  readonly source: string;
  readonly topic: string;
  readonly store: KeyValueStoreSpec<any, any>;
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode | GlobalTableNode;

export function parentsOf(node: TopologyNode): readonly string[] {
  return node.kind === 'processor' || node.kind === 'sink' ? node.parents : [];
}

/** Topics that a node reads or writes, as far as they are known before it runs. */
export function topicsOf(node: TopologyNode): readonly TopicRef[] {
  switch (node.kind) {
    case 'source':
      return node.topics;
    case 'processor':
      return [];
    case 'global-table':
      return [node.topic];
    case 'sink': {
      const topic = fixedTopic(node);
      return topic === undefined ? [] : [topic];
    }
  }
}

/** Undefined for a sink that chooses its topic record by record. */
export function fixedTopic(sink: SinkNode): TopicRef | undefined {
  return typeof sink.topic === 'object' && 'choose' in sink.topic ? undefined : sink.topic;
}

export function topicName(ref: TopicRef, applicationId: string): string {
  return typeof ref === 'string' ? ref : `${applicationId}-${ref.suffix}`;
}

export function changelogTopic(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`;
}
