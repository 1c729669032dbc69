// The vocabulary of data: what a record is, as bytes on a partition and as values in a topology.

/** Ordered header list, as on the wire: names may repeat, values may be null. */
export type Headers = readonly (readonly [name: string, value: Buffer | null])[];

/** A record as it stands in a partition. `offset` and `timestamp` (epoch ms) are safe integers. */
export interface RawRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** A record inside a topology: decoded key and value, event time in epoch ms. */
export interface StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp: number;
  readonly headers: Headers;
}

/** One partition of a topic; `partition` counts from 0. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where a record was read. `offset` is that of the record itself, not a position. */
export interface RecordSource extends TopicPartition {
  readonly offset: number;
}

/** `topic-3`: the form Kafka's own tools print. */
export function partitionName(tp: TopicPartition): string {
  return `${tp.topic}-${tp.partition}`;
}

/** For records without headers: what a punctuator forwards, what a test writes. */
export const NO_HEADERS: Headers = [];
