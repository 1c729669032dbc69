// The frozen result of building: nodes, the stores they use, and the subtopologies that fall out of how they hang together.

import { TopologyError } from './errors.ts';
import { topicName, type InternalTopicRef, type SinkNode, type SourceNode, type TopologyNode } from './node.ts';
import type { AnyStoreSpec } from './store-spec.ts';

export interface Subtopology {
  readonly id: number;
  /** In the order they were built: children run in this order. */
  readonly nodes: readonly TopologyNode[];
  readonly sources: readonly SourceNode[];
  readonly sinks: readonly SinkNode[];
  readonly stores: readonly AnyStoreSpec[];
}

export class Topology {
  readonly nodes: readonly TopologyNode[];
  readonly subtopologies: readonly Subtopology[];
  /** Sets of source nodes whose topics must have the same partition count, because a join reads them together. */
  readonly copartitioned: readonly (readonly string[])[];

  /** @throws {TopologyError} that lists every problem at once. */
  constructor(nodes: readonly TopologyNode[], copartitioned: readonly (readonly string[])[]) {
    const problems = validate(nodes);
    if (problems.length > 0) throw new TopologyError(problems);
    this.nodes = Object.freeze([...nodes]);
    this.subtopologies = Object.freeze(split(nodes));
    this.copartitioned = Object.freeze([...copartitioned]);
    Object.freeze(this);
  }

  /** Children of a node, in the order they were built. */
  children(name: string): TopologyNode[] {
    return this.nodes.filter((node) => node.kind !== 'source' && node.parents.includes(name));
  }

  /** Topics of the application's own: repartition topics, commands, outcomes. */
  internalTopics(): InternalTopicRef[] {
    const bySuffix = new Map<string, InternalTopicRef>();
    for (const node of this.nodes) {
      if (node.kind !== 'processor' && typeof node.topic !== 'string') bySuffix.set(node.topic.suffix, node.topic);
    }
    return [...bySuffix.values()];
  }

  sourceTopics(applicationId: string): string[] {
    return this.nodes.filter((node) => node.kind === 'source').map((node) => topicName(node.topic, applicationId));
  }
}

/** Every problem of a list of nodes, in words; empty when it can be run. */
export function validate(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = [];
  const names = new Set<string>();
  const topics = new Map<string, string>();
  const stores = new Map<string, AnyStoreSpec>();
  if (!nodes.some((node) => node.kind === 'source')) problems.push('there is no source: begin with builder.stream(topic, …)');
  for (const node of nodes) {
    if (names.has(node.name)) problems.push(`two nodes are named "${node.name}": give one of them another name`);
    if (node.kind !== 'source') {
      for (const parent of node.parents) if (!names.has(parent)) problems.push(`node "${node.name}" hangs on "${parent}", which does not exist before it`);
    }
    names.add(node.name);
    if (node.kind === 'source') {
      const topic = topicName(node.topic, '<app>');
      const other = topics.get(topic);
      if (other !== undefined) problems.push(`topic "${topic}" is read by two sources, "${other}" and "${node.name}": read it once and use the stream twice`);
      topics.set(topic, node.name);
    }
    if (node.kind === 'processor') {
      for (const store of node.stores) {
        const other = stores.get(store.name);
        if (other !== undefined && other !== store) problems.push(`two stores are named "${store.name}": their changelogs would mix; rename one`);
        stores.set(store.name, store);
      }
    }
    if (node.kind !== 'processor' && !isTopicName(topicName(node.topic, 'app'))) {
      problems.push(`"${topicName(node.topic, '<app>')}" is not a valid topic name: use letters, digits, ".", "_" and "-", at most 249 characters`);
    }
  }
  for (const name of stores.keys()) {
    if (!isTopicName(name)) problems.push(`store name "${name}" cannot be part of a topic name: use letters, digits, ".", "_" and "-"`);
  }
  return problems;
}

function isTopicName(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}

/** Nodes joined by an edge or a shared store are one subtopology; ids follow the first node's place. */
function split(nodes: readonly TopologyNode[]): Subtopology[] {
  const root = new Map<string, string>(nodes.map((node) => [node.name, node.name]));
  const find = (name: string): string => {
    let current = name;
    while (root.get(current) !== current) current = root.get(current)!;
    return current;
  };
  const union = (a: string, b: string): void => void root.set(find(b), find(a));
  const storeOwner = new Map<string, string>();
  for (const node of nodes) {
    if (node.kind !== 'source') for (const parent of node.parents) union(parent, node.name);
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
  return [...groups.values()].map((group, id) =>
    Object.freeze({
      id,
      nodes: Object.freeze(group),
      sources: group.filter((node) => node.kind === 'source'),
      sinks: group.filter((node) => node.kind === 'sink'),
      stores: [...new Set(group.flatMap((node) => (node.kind === 'processor' ? node.stores : [])))],
    }),
  );
}
