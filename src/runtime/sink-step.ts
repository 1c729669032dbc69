// The end of a way through the graph: a record becomes bytes for one partition of a topic.

import type { OutgoingRecord } from '../ports/broker.ts';
import type { StreamRecord } from '../record/record.ts';
import { fixedTopic, topicName, type SinkNode, type TopicChooser } from '../topology/graph/node.ts';
import { partitionFor } from '../topology/partitioner.ts';
import type { TaskId } from '../topology/processor.ts';
import type { OutputTopics, Wanted } from './output-topics.ts';

/** A record whose topic is not known yet: it gets its partition when the commit is prepared. */
export interface LateOutput extends Wanted {
  /** What it keeps in memory, as far as that is known. */
  readonly bytes: number;
  addressed(partitions: number): OutgoingRecord;
}

export interface SinkHost {
  readonly id: TaskId;
  readonly applicationId: string;
  readonly outputTopics: OutputTopics;
  emit(record: OutgoingRecord): void;
  emitLate(output: LateOutput): void;
}

type AnyRecord = StreamRecord<any, any>;

export function sinkStep(sink: SinkNode, host: SinkHost): (record: AnyRecord) => void {
  const fixed = fixedTopic(sink);
  return fixed === undefined ? choosing(sink, (sink.topic as TopicChooser).choose, host) : writing(sink, topicName(fixed, host.applicationId), host);
}

function writing(sink: SinkNode, topic: string, host: SinkHost): (record: AnyRecord) => void {
  const partitions = host.outputTopics.countOf(topic);
  const task = host.id.partition;
  return (record) => {
    const { timestamp, headers } = record;
    const key = keyBytes(sink, topic, record);
    const value = valueBytes(sink, topic, record);
    host.emit({ topic, partition: partitionOf(sink, topic, record, key, partitions, task), key, value, timestamp, headers });
  };
}

function choosing(sink: SinkNode, choose: TopicChooser['choose'], host: SinkHost): (record: AnyRecord) => void {
  const steps = new Map<string, (record: AnyRecord) => void>();
  return (record) => {
    const topic = choose(record.value, record.key, record);
    const known = steps.get(topic);
    if (known !== undefined) return known(record);
    checkName(topic, sink);
    if (host.outputTopics.countFor({ sink, topic }) === undefined) return host.emitLate(late(sink, topic, record, host.id.partition));
    const step = writing(sink, topic, host);
    steps.set(topic, step);
    step(record);
  };
}

function late(sink: SinkNode, topic: string, record: AnyRecord, task: number): LateOutput {
  // A serde that has to be opened for the topic cannot write yet; others write at once, so that what they cannot write is this record's error.
  const canWrite = sink.key.open === undefined && sink.value.open === undefined;
  const early = canWrite ? { key: keyBytes(sink, topic, record), value: valueBytes(sink, topic, record) } : undefined;
  return {
    sink,
    topic,
    bytes: (early?.key?.length ?? 0) + (early?.value?.length ?? 0),
    addressed(partitions) {
      const { timestamp, headers } = record;
      const { key, value } = early ?? { key: keyBytes(sink, topic, record), value: valueBytes(sink, topic, record) };
      return { topic, partition: partitionOf(sink, topic, record, key, partitions, task), key, value, timestamp, headers };
    },
  };
}

function keyBytes(sink: SinkNode, topic: string, { key }: AnyRecord): Buffer | null {
  return key === null || key === undefined ? null : sink.key.serialize(topic, key);
}

function valueBytes(sink: SinkNode, topic: string, { value }: AnyRecord): Buffer | null {
  return value === null || value === undefined ? null : sink.value.serialize(topic, value);
}

function partitionOf(sink: SinkNode, topic: string, record: AnyRecord, key: Buffer | null, partitions: number, task: number): number {
  // Without a key any partition will do; the task's own number spreads tasks and keeps a record's outputs together.
  if (sink.partition === undefined) return key === null ? task % partitions : partitionFor(sink.key.partitionBytes?.(key) ?? key, partitions);
  const chosen = sink.partition(record, partitions);
  if (Number.isSafeInteger(chosen) && chosen >= 0 && chosen < partitions) return chosen;
  throw new RangeError(`The partitioner of "${sink.name}" answered ${String(chosen)}, but topic "${topic}" has the partitions 0 to ${partitions - 1}: answer one of them.`);
}

function checkName(topic: unknown, sink: SinkNode): void {
  if (typeof topic === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return;
  throw new TypeError(`The function that names the topic at "${sink.name}" answered ${JSON.stringify(topic) ?? String(topic)}: answer 1 to 249 letters, digits, ".", "_" or "-".`);
}
