// What outlives an instance, and so must not change by accident: stores, internal topics, and what partitions them. Independent of the names that nodes are
// given by number and of the order in which things are built.

import { createHash } from 'node:crypto';
import { changelogTopic, topicName, type InternalTopicRef } from './node.ts';
import { segmentMsOf, type AnyStoreSpec } from '../store-spec.ts';
import type { Subtopology, Topology } from './topology.ts';

/** In place of the application id, so that two versions of an application can be compared whatever each is called. */
export const ANY_APPLICATION = '<app>';

/** A store, as far as it must stay the same to find its content again. Times in ms. */
export interface StoreFingerprint {
  readonly name: string;
  readonly kind: AnyStoreSpec['kind'];
  /** Names of serdes, as `string` or `avro(OrderPlaced)`; null where the store chooses its own bytes. What is behind a name is not compared. */
  readonly key: string | null;
  readonly value: string | null;
  readonly changelog: string;
  /** Input topics of the subtopology it belongs to, sorted: which of its partitions a key is in follows from them. */
  readonly partitionedBy: readonly string[];
  /** Only where the kind has them; in ms. */
  readonly ttlMs?: number;
  readonly retentionMs?: number;
  readonly historyMs?: number;
  readonly segmentMs?: number;
  readonly retainDuplicates?: boolean;
}

/** A topic of the application's own, as far as it must stay the same. */
export interface TopicFingerprint {
  readonly topic: string;
  readonly use: InternalTopicRef['use'];
  readonly key: string;
  readonly value: string;
  /** As given; null: follows from the topics in `asMany`. */
  readonly partitions: number | null;
  /** Where the partition count comes from when none was given: the widest of these. */
  readonly asMany: readonly string[];
  /** Of a pipe, ms; null: kept until it has been read. */
  readonly retentionMs: number | null;
}

/** Tasks are named `<subtopology>_<partition>`. Part of the document, not of the digest: numbers may move without harm. */
export interface TaskFingerprint {
  readonly subtopology: number;
  readonly inputs: readonly string[];
  readonly stores: readonly string[];
}

/** Plain JSON. Internal topics are named `<app>-…`, whatever the application id is. */
export interface Fingerprint {
  readonly format: 'millrace-fingerprint/1';
  /** SHA-256 of `stores` and `topics`, hex: equal when nothing that persists has changed. */
  readonly digest: string;
  /** By name. Global tables are not here: they are read anew from their topics. */
  readonly stores: readonly StoreFingerprint[];
  /** Those the application owns, changelogs aside; by name. */
  readonly topics: readonly TopicFingerprint[];
  readonly tasks: readonly TaskFingerprint[];
}

/** What of a topology outlives an instance: to be kept with a release, and compared with the next by `diffTopologies`. */
export function fingerprint(topology: Topology): Fingerprint {
  const stores = topology.subtopologies.flatMap((subtopology) => subtopology.stores.map((store) => ofStore(store, inputsOf(subtopology)))).sort(by(({ name }) => name));
  const topics = topology.internalTopics().map((ref) => ofTopic(topology, ref)).sort(by(({ topic }) => topic));
  return {
    format: 'millrace-fingerprint/1',
    digest: createHash('sha256').update(JSON.stringify({ stores, topics })).digest('hex'),
    stores,
    topics,
    tasks: topology.subtopologies.map((subtopology) => ({
      subtopology: subtopology.id,
      inputs: inputsOf(subtopology),
      stores: subtopology.stores.map(({ name }) => name).sort(),
    })),
  };
}

function ofStore(store: AnyStoreSpec, partitionedBy: readonly string[]): StoreFingerprint {
  const [key, value] = store.kind === 'timer' ? [null, null] : [store.key.name, store.value.name];
  return { name: store.name, kind: store.kind, key, value, changelog: changelogTopic(ANY_APPLICATION, store.name), partitionedBy, ...settingsOf(store) };
}

/** What decides how long entries live and how they lie on disk. `ordered` is not among them: it only says what is held in memory. */
function settingsOf(store: AnyStoreSpec): Pick<StoreFingerprint, 'ttlMs' | 'retentionMs' | 'historyMs' | 'segmentMs' | 'retainDuplicates'> {
  switch (store.kind) {
    case 'keyValue':
      return store.ttlMs === undefined ? {} : { ttlMs: store.ttlMs };
    case 'window':
      return { retentionMs: store.retentionMs, segmentMs: segmentMsOf(store), retainDuplicates: store.retainDuplicates };
    case 'session':
      return { retentionMs: store.retentionMs };
    case 'versioned':
      return { historyMs: store.historyMs };
    case 'timer':
      return {};
  }
}

function ofTopic(topology: Topology, ref: InternalTopicRef): TopicFingerprint {
  const topic = nameOf(ref);
  const sources = topology.nodes.filter((node) => node.kind === 'source').filter((node) => node.topics.some((read) => nameOf(read) === topic));
  const writers = topology.subtopologies.filter(({ sinks }) => sinks.some((sink) => isFixedTo(sink.topic, topic)));
  const sinks = writers.flatMap((writer) => writer.sinks.filter((sink) => isFixedTo(sink.topic, topic)));
  const serdes = sinks[0] ?? sources[0]!;
  const followed = ref.sameAs === undefined ? writers.flatMap(inputsOf) : [nameOf({ suffix: ref.sameAs, use: 'pipe' })];
  return {
    topic,
    use: ref.use,
    key: serdes.key.name,
    value: serdes.value.name,
    partitions: ref.partitions ?? null,
    asMany: ref.partitions === undefined ? [...new Set(followed)].sort() : [],
    retentionMs: ref.retentionMs ?? null,
  };
}

function isFixedTo(topic: unknown, name: string): boolean {
  if (typeof topic === 'string') return topic === name;
  return typeof topic === 'object' && topic !== null && 'suffix' in topic && nameOf(topic as InternalTopicRef) === name;
}

function inputsOf({ sources }: Subtopology): string[] {
  return [...new Set(sources.flatMap(({ topics }) => topics.map(nameOf)))].sort();
}

function nameOf(topic: string | InternalTopicRef): string {
  return topicName(topic, ANY_APPLICATION);
}

function by<T>(text: (one: T) => string): (a: T, b: T) => number {
  return (a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
}
