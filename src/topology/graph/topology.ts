// The frozen result of building: nodes, the stores they use, and the subtopologies that fall out of how they hang together.

import { describeJson, type TopologyJson } from './describe-json.ts';
import { TopologyError } from '../errors.ts';
import { parentsOf, topicName, topicsOf, type GlobalTableNode, type InternalTopicRef, type SinkNode, type SourceNode, type TopologyNode } from './node.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { validate } from './validate.ts';

export interface Subtopology {
  readonly id: number;
  /** In the order they were built: children run in this order. */
  readonly nodes: readonly TopologyNode[];
  readonly sources: readonly SourceNode[];
  readonly sinks: readonly SinkNode[];
  readonly stores: readonly AnyStoreSpec[];
}

/** What `StreamsBuilder.build()` gives: frozen nodes, checked together. Run it with `KafkaStreams`, test it with `TopologyTestDriver`, look at it with `describe`. */
export class Topology {
  /** In the order in which they were built. */
  readonly nodes: readonly TopologyNode[];
  /** Nodes that hang together without a topic in between; each runs as one task for each partition. */
  readonly subtopologies: readonly Subtopology[];
  /** Sets of source nodes whose topics must have the same partition count, because a join reads them together. */
  readonly copartitioned: readonly (readonly string[])[];

  /** @throws {TopologyError} that lists every problem at once. */
  constructor(nodes: readonly TopologyNode[], copartitioned: readonly (readonly string[])[], isOneTask = false) {
    const problems = validate(nodes, copartitioned);
    if (problems.length > 0) throw new TopologyError(problems);
    this.nodes = Object.freeze([...nodes]);
    this.subtopologies = Object.freeze(isOneTask ? [subtopologyOf(nodes.filter((node) => node.kind !== 'global-table'), 0)] : split(nodes));
    this.copartitioned = Object.freeze([...copartitioned]);
    Object.freeze(this);
  }

  /** Topics that every instance holds whole. */
  get globalTables(): readonly GlobalTableNode[] {
    return this.nodes.filter((node) => node.kind === 'global-table');
  }

  /** @internal All of it as one subtopology, as Kafka Streams' own test driver runs it: one stream time, one order of records. */
  asOneTask(): Topology {
    return new Topology(this.nodes, this.copartitioned, true);
  }

  /** For `JSON.stringify`: see {@link describeJson}. */
  toJSON(): TopologyJson {
    return describeJson(this);
  }

  /** Children of a node, in the order they were built. */
  children(name: string): TopologyNode[] {
    return this.nodes.filter((node) => parentsOf(node).includes(name));
  }

  /** Topics of the application's own: repartition topics, commands, outcomes. */
  internalTopics(): InternalTopicRef[] {
    const bySuffix = new Map<string, InternalTopicRef>();
    for (const topic of this.nodes.flatMap(topicsOf)) if (typeof topic !== 'string') bySuffix.set(topic.suffix, topic);
    return [...bySuffix.values()];
  }

  /** Topics it reads, internal ones with their full names; global tables aside. */
  sourceTopics(applicationId: string): string[] {
    return this.nodes.flatMap((node) => (node.kind === 'source' ? node.topics.map((topic) => topicName(topic, applicationId)) : []));
  }
}

/** Nodes joined by an edge or a shared store are one subtopology; ids follow the first node's place. */
function split(all: readonly TopologyNode[]): Subtopology[] {
  const nodes = all.filter((node) => node.kind !== 'global-table');
  const root = new Map<string, string>(nodes.map((node) => [node.name, node.name]));
  const find = (name: string): string => {
    let current = name;
    while (root.get(current) !== current) current = root.get(current)!;
    return current;
  };
  const union = (a: string, b: string): void => void root.set(find(b), find(a));
  const storeOwner = new Map<string, string>();
  for (const node of nodes) {
    for (const parent of parentsOf(node)) union(parent, node.name);
    if (node.kind !== 'processor') continue;
    for (const store of node.stores) {
      const owner = storeOwner.get(store.name);
      if (owner === undefined) storeOwner.set(store.name, node.name);
      else union(owner, node.name);
    }
  }
  const groups = new Map<string, TopologyNode[]>();
  for (const node of nodes) {
    const group = groups.get(find(node.name));
    if (group === undefined) groups.set(find(node.name), [node]);
    else group.push(node);
  }
  return [...groups.values()].map(subtopologyOf);
}

function subtopologyOf(nodes: readonly TopologyNode[], id: number): Subtopology {
  return Object.freeze({
    id,
    nodes: Object.freeze([...nodes]),
    sources: nodes.filter((node) => node.kind === 'source'),
    sinks: nodes.filter((node) => node.kind === 'sink'),
    stores: [...new Set(nodes.flatMap((node) => (node.kind === 'processor' ? node.stores : [])))],
  });
}
