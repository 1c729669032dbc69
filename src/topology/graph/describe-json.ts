// The topology as JSON for tools: everything the text shows, and what a program would otherwise have to work out of it.

import { fingerprint, type Fingerprint } from './fingerprint.ts';
import { changelogTopic, parentsOf, topicName, topicsOf, type TopologyNode } from './node.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import type { Subtopology, Topology } from './topology.ts';

/** Plain JSON; what follows is added to, never changed, within one format number. */
export interface TopologyJson {
  readonly format: 'millrace-topology/1';
  /** The start of the names of internal topics and changelogs; `<app>` when none was given. */
  readonly applicationId: string;
  readonly subtopologies: readonly SubtopologyJson[];
  readonly globalTables: readonly GlobalTableJson[];
  /** In the order of subtopologies. */
  readonly stores: readonly StoreJson[];
  /** Every topic that is read or written, in the order of the nodes; changelogs stand with their stores. */
  readonly topics: readonly TopicJson[];
  /** Topics that must have the same number of partitions, because their records meet by key. */
  readonly copartitioned: readonly (readonly string[])[];
  readonly fingerprint: Fingerprint;
}

/** Nodes that hang together without a topic in between. */
export interface SubtopologyJson {
  readonly id: number;
  /** Topics whose partitions make its tasks. */
  readonly inputs: readonly string[];
  readonly stores: readonly string[];
  /** In the order in which a record reaches them. */
  readonly nodes: readonly NodeJson[];
}

/** A node, and how it hangs in the graph. */
export interface NodeJson {
  readonly name: string;
  readonly kind: 'source' | 'processor' | 'sink';
  readonly parents: readonly string[];
  readonly children: readonly string[];
  /** That it reads or writes; empty for processors, and for a sink that chooses record by record. */
  readonly topics: readonly string[];
  readonly stores: readonly string[];
}

/** A topic that every instance holds whole. */
export interface GlobalTableJson {
  readonly name: string;
  readonly topic: string;
  readonly store: string;
}

/** A store, and where its changelog is. */
export interface StoreJson {
  readonly name: string;
  readonly kind: AnyStoreSpec['kind'];
  /** Names of serdes; null where the store chooses its own bytes. */
  readonly key: string | null;
  readonly value: string | null;
  /** Null for a global table: its topic is its changelog. */
  readonly changelog: string | null;
  /** Null for a global table, which every instance holds whole. */
  readonly subtopology: number | null;
  /** As given, by name: `ttlMs`, `retentionMs`, `historyMs`, `segmentMs`, `retainDuplicates`, `ordered`. */
  readonly options: Readonly<Record<string, number | boolean>>;
}

/** A topic, and who reads and writes it. */
export interface TopicJson {
  readonly name: string;
  /** external: made by others, or by hand; the application owns the others. */
  readonly kind: 'external' | 'repartition' | 'pipe';
  /** As given; null: Kafka's own count of an external topic, or one that follows from the inputs. */
  readonly partitions: number | null;
  /** Of a pipe, ms. */
  readonly retentionMs: number | null;
  /** Names of nodes. */
  readonly readBy: readonly string[];
  readonly writtenBy: readonly string[];
}

/** `applicationId`: makes the names of internal topics those that the broker knows. */
export function describeJson(topology: Topology, applicationId = '<app>'): TopologyJson {
  const subtopologies = topology.subtopologies.map((subtopology) => subtopologyJson(topology, subtopology, applicationId));
  return {
    format: 'millrace-topology/1',
    applicationId,
    subtopologies,
    globalTables: topology.globalTables.map(({ name, topic, store }) => ({ name, topic, store: store.name })),
    stores: [
      ...topology.subtopologies.flatMap(({ id, stores }) => stores.map((store) => storeJson(store, changelogTopic(applicationId, store.name), id))),
      ...topology.globalTables.map(({ store }) => storeJson(store, null, null)),
    ],
    topics: topicsJson(topology, applicationId),
    copartitioned: copartitionedTopics(topology, applicationId),
    fingerprint: fingerprint(topology),
  };
}

function subtopologyJson(topology: Topology, { id, nodes, sources, stores }: Subtopology, applicationId: string): SubtopologyJson {
  return {
    id,
    inputs: [...new Set(sources.flatMap((source) => namesOfTopics(source, applicationId)))],
    stores: stores.map(({ name }) => name),
    nodes: nodes.map((node) => ({
      name: node.name,
      kind: node.kind as NodeJson['kind'],
      parents: [...parentsOf(node)],
      children: topology.children(node.name).map(({ name }) => name),
      topics: namesOfTopics(node, applicationId),
      stores: node.kind === 'processor' ? node.stores.map(({ name }) => name) : [],
    })),
  };
}

function storeJson(store: AnyStoreSpec, changelog: string | null, subtopology: number | null): StoreJson {
  const serdes = store.kind === 'timer' ? { key: null, value: null } : { key: store.key.name, value: store.value.name };
  const options = Object.entries(store).filter((option): option is [string, number | boolean] => ['number', 'boolean'].includes(typeof option[1]));
  return { name: store.name, kind: store.kind, ...serdes, changelog, subtopology, options: Object.fromEntries(options) };
}

function topicsJson(topology: Topology, applicationId: string): TopicJson[] {
  const topics = new Map<string, TopicJson & { readBy: string[]; writtenBy: string[] }>();
  for (const node of topology.nodes) {
    for (const ref of topicsOf(node)) {
      const name = topicName(ref, applicationId);
      const about = typeof ref === 'string' ? { kind: 'external' as const } : { kind: ref.use, partitions: ref.partitions, retentionMs: ref.retentionMs };
      const topic = topics.get(name) ?? { name, kind: about.kind, partitions: about.partitions ?? null, retentionMs: about.retentionMs ?? null, readBy: [], writtenBy: [] };
      (node.kind === 'sink' ? topic.writtenBy : topic.readBy).push(node.name);
      topics.set(name, topic);
    }
  }
  return [...topics.values()];
}

function copartitionedTopics(topology: Topology, applicationId: string): string[][] {
  const byName = new Map(topology.nodes.map((node) => [node.name, node]));
  const groups = topology.copartitioned.map((group) => [...new Set(group.flatMap((source) => namesOfTopics(byName.get(source)!, applicationId)))].sort());
  // Each once, however many operators ask for it; a topic alone is as many as itself.
  return [...new Map(groups.filter(({ length }) => length > 1).map((group) => [group.join(), group])).values()];
}

function namesOfTopics(node: TopologyNode, applicationId: string): string[] {
  return topicsOf(node).map((topic) => topicName(topic, applicationId));
}
