// How many partitions everything has: from the external topics' counts to internal topics, changelogs and tasks.

import { TopologyError } from '../topology/errors.ts';
import { changelogTopic, topicName, topicsOf, type InternalTopicRef, type SourceNode, type TopicRef } from '../topology/graph/node.ts';
import { taskName, type TaskId } from '../topology/processor.ts';
import type { AnyStoreSpec } from '../topology/store-spec.ts';
import type { Subtopology, Topology } from '../topology/graph/topology.ts';
import { OWN_BATCH_BYTES_MAX } from './record-limits.ts';
import type { TopicSpec } from '../ports/broker.ts';
import type { TopicPartition } from '../record/record.ts';

const DAY_MS = 86_400_000;
/** How long changelogs keep tombstones: Kafka's default, set explicitly because opening old local state depends on it. */
export const TOMBSTONES_KEPT_MS = DAY_MS;

const LARGE_RECORDS = { 'max.message.bytes': String(OWN_BATCH_BYTES_MAX) };

export interface TopicPlan {
  /** Of every topic read or written by the topology. */
  readonly partitions: ReadonlyMap<string, number>;
  /** Topics the application owns, changelogs included. */
  readonly owned: readonly TopicSpec[];
  readonly tasks: readonly TaskPlan[];
}

export interface TaskPlan {
  readonly id: TaskId;
  readonly name: string;
  readonly subtopology: Subtopology;
  readonly inputs: readonly (TopicPartition & { readonly source: SourceNode })[];
}

/** External topics whose partition counts the plan needs. */
export function externalTopics(topology: Topology): string[] {
  return [...new Set(topology.nodes.flatMap(topicsOf).filter((topic) => typeof topic === 'string'))];
}

/** @throws {TopologyError} when topics are missing, are the application's own, or have counts that do not fit together: all problems at once. */
export function planTopics(topology: Topology, applicationId: string, external: ReadonlyMap<string, number>, replicationFactor: number): TopicPlan {
  const nameOf = (ref: TopicRef): string => topicName(ref, applicationId);
  const missing = externalTopics(topology)
    .filter((topic) => !external.has(topic))
    .map((topic) => `topic "${topic}" does not exist: create it first (its partition count is the unit of parallelism, so that choice is yours)`);
  const problems = [...collisions(topology, applicationId), ...missing];

  const partitions = new Map(external);
  for (const ref of topology.internalTopics()) if (ref.partitions !== undefined) partitions.set(nameOf(ref), ref.partitions);
  const topicsBySource = new Map(topology.nodes.flatMap((node) => (node.kind === 'source' ? [[node.name, node.topics.map(nameOf)] as const] : [])));
  const together = joinedTopics(topology, topicsBySource);
  // What follows from a topic that is missing would only mislead.
  if (missing.length === 0) problems.push(...settleInternalCounts(topology, partitions, nameOf, together));
  problems.push(...misfits(together, partitions));
  if (problems.length > 0) throw new TopologyError(problems);

  const tasks = topology.subtopologies.flatMap((subtopology) => subtopologyTasks(subtopology, partitions, nameOf));
  return { partitions, owned: ownedTopics(topology, applicationId, partitions, tasks, replicationFactor), tasks };
}

/** Topics of the outside world by name that this application makes for itself under its id. */
function collisions(topology: Topology, applicationId: string): string[] {
  const own = new Map<string, string>(topology.subtopologies.flatMap(({ stores }) => stores.map(({ name }) => [changelogTopic(applicationId, name), `the changelog of the store "${name}"`] as const)));
  for (const ref of topology.internalTopics()) own.set(topicName(ref, applicationId), 'an internal topic');
  return externalTopics(topology)
    .filter((topic) => own.has(topic))
    .map((topic) => `topic "${topic}" is ${own.get(topic)} of this very application, which would take foreign records for its own: use another topic, or another applicationId`);
}

function misfits(together: ReadonlyMap<string, readonly string[]>, partitions: ReadonlyMap<string, number>): string[] {
  return [...new Set(together.values())].flatMap((topics) => {
    const counts = topics.filter((topic) => partitions.has(topic)).map((topic) => [topic, partitions.get(topic)!] as const);
    if (new Set(counts.map(([, count]) => count)).size <= 1) return [];
    const list = counts.map(([topic, count]) => `${topic} (${count})`).join(', ');
    return [`topics whose records meet by key must have the same number of partitions, or a key's records end up in different tasks, but have: ${list}. Repartition one side (\`repartition\`), or recreate a topic`];
  });
}

/** Fills in `partitions`. @returns problems */
function settleInternalCounts(topology: Topology, partitions: Map<string, number>, nameOf: (ref: TopicRef) => string, together: ReadonlyMap<string, readonly string[]>): string[] {
  /** Of the widest input of whatever writes the topic; undefined while that is not known. */
  const widest = (topic: string, isKnowingEnough: boolean): number | undefined => {
    const writers = topology.subtopologies.filter((subtopology) => subtopology.sinks.some((sink) => topicsOf(sink).some((written) => nameOf(written) === topic)));
    const inputs = writers.flatMap((subtopology) => subtopology.sources.flatMap((source) => source.topics.map((read) => partitions.get(nameOf(read)))));
    const known = inputs.filter((count) => count !== undefined);
    return known.length === 0 || (known.length < inputs.length && !isKnowingEnough) ? undefined : Math.max(...known);
  };
  const countOf = (ref: InternalTopicRef, isKnowingEnough: boolean): number | undefined => {
    if (ref.sameAs !== undefined) return partitions.get(nameOf({ suffix: ref.sameAs, use: 'pipe' }));
    const group = together.get(nameOf(ref)) ?? [nameOf(ref)];
    const settled = group.flatMap((topic) => partitions.get(topic) ?? []);
    if (settled.length > 0) return Math.max(...settled);
    const widths = group.map((topic) => widest(topic, isKnowingEnough));
    return widths.includes(undefined) ? undefined : Math.max(...(widths as number[]));
  };
  // Internal topics may feed one another, so counts spread step by step. Only when nothing else moves, a topic that feeds its own writer is settled by
  // the inputs known so far.
  for (;;) {
    const open = topology.internalTopics().filter((ref) => !partitions.has(nameOf(ref)));
    if (open.length === 0) return [];
    const settle = (isKnowingEnough: boolean): boolean =>
      open.some((ref) => {
        const count = countOf(ref, isKnowingEnough);
        if (count !== undefined) partitions.set(nameOf(ref), count);
        return count !== undefined;
      });
    if (!settle(false) && !settle(true)) {
      return open.map((ref) => `the partition count of "${nameOf(ref)}" follows from nothing: give it one with "partitions"`);
    }
  }
}

/** By topic: all that must have its count, directly or by way of others. */
function joinedTopics(topology: Topology, sources: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const together = new Map<string, readonly string[]>();
  for (const group of topology.copartitioned) {
    const topics = group.flatMap((source) => sources.get(source)!);
    const all = [...new Set(topics.flatMap((topic) => together.get(topic) ?? [topic]))];
    for (const topic of all) together.set(topic, all);
  }
  return together;
}

function subtopologyTasks(subtopology: Subtopology, partitions: ReadonlyMap<string, number>, nameOf: (ref: TopicRef) => string): TaskPlan[] {
  const sources = subtopology.sources.flatMap((source) => source.topics.map((ref) => ({ source, topic: nameOf(ref), count: partitions.get(nameOf(ref))! })));
  const count = Math.max(...sources.map((source) => source.count));
  return Array.from({ length: count }, (_, partition) => {
    const id: TaskId = { subtopology: subtopology.id, partition };
    const inputs = sources.filter((source) => partition < source.count).map(({ source, topic }) => ({ source, topic, partition }));
    return { id, name: taskName(id), subtopology, inputs };
  });
}

function ownedTopics(topology: Topology, applicationId: string, partitions: ReadonlyMap<string, number>, tasks: readonly TaskPlan[], replicationFactor: number): TopicSpec[] {
  const internal = topology.internalTopics().map((ref): TopicSpec => {
    const topic = topicName(ref, applicationId);
    const retention = ref.use === 'repartition' ? '-1' : String(ref.retentionMs ?? -1);
    // Pipes by append time: a command about an old event must not be gone before it was read. Repartitioned records keep their event time, and stay for ever.
    const byAppendTime = ref.use === 'pipe' ? { 'message.timestamp.type': 'LogAppendTime' } : {};
    return { topic, partitions: partitions.get(topic)!, replicationFactor, config: { 'cleanup.policy': 'delete', 'retention.ms': retention, ...byAppendTime, ...LARGE_RECORDS } };
  });
  const changelogs = topology.subtopologies.flatMap((subtopology) =>
    subtopology.stores.map((store): TopicSpec => ({
      topic: changelogTopic(applicationId, store.name),
      partitions: tasks.filter((task) => task.subtopology === subtopology).length,
      replicationFactor,
      config: changelogConfig(store),
    })),
  );
  return [...internal, ...changelogs];
}

/** Entries that die of age are also removed from the changelog, a day later than from the store: stream time and wall-clock time are not the same. */
function changelogConfig(store: AnyStoreSpec): Record<string, string> {
  const lifeMs = store.kind === 'window' || store.kind === 'session' ? store.retentionMs : store.kind === 'keyValue' ? store.ttlMs : undefined;
  // The record of a deleted row also carries what the row was before: it stays for as long as that can be read.
  const tombstones = { 'delete.retention.ms': String(TOMBSTONES_KEPT_MS + (store.kind === 'versioned' ? store.historyMs : 0)) };
  if (lifeMs === undefined) return { 'cleanup.policy': 'compact', ...tombstones, ...LARGE_RECORDS };
  // By append time: reprocessing old events must not make the broker delete state that is fresh in stream time (docs/decisions/0003).
  return { 'cleanup.policy': 'compact,delete', 'retention.ms': String(lifeMs + DAY_MS), 'message.timestamp.type': 'LogAppendTime', ...tombstones, ...LARGE_RECORDS };
}
