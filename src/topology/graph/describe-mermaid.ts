// The topology as a Mermaid flowchart, which GitHub draws in any Markdown file.

import { fixedTopic, parentsOf, topicName, topicsOf, type TopologyNode } from './node.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import type { Topology } from './topology.ts';

/**
 * Topics as stadiums, subtopologies as boxes of processors, stores as cylinders beside those who use them. Put it into a fenced block of the language `mermaid`.
 * `applicationId`: makes the names of internal topics those that the broker knows.
 */
export function describeMermaid(topology: Topology, applicationId = '<app>'): string {
  const topics = new Map<string, string>();
  const topicId = (name: string): string => topics.get(name) ?? topics.set(name, `topic${topics.size}`).get(name)!;
  const ids = new Map(topology.nodes.map(({ name }, index) => [name, `node${index}`]));
  const stores = new Map<string, string>();
  const boxes: string[] = [];
  const arrows: string[] = [];

  for (const subtopology of topology.subtopologies) {
    boxes.push(`  subgraph sub${subtopology.id}["Sub-topology ${subtopology.id}"]`);
    for (const node of subtopology.nodes) boxes.push(`    ${ids.get(node.name)}${shape(node)}`);
    for (const store of subtopology.stores) {
      stores.set(store.name, `store${stores.size}`);
      boxes.push(`    ${stores.get(store.name)}${cylinder(store)}`);
    }
    boxes.push('  end');
  }
  for (const { name, store } of topology.globalTables) {
    stores.set(store.name, `store${stores.size}`);
    boxes.push(`  subgraph global${ids.get(name)}["Global table, on every instance"]`, `    ${ids.get(name)}[${label(name)}]`, `    ${stores.get(store.name)}${cylinder(store)}`, '  end');
  }
  for (const node of topology.nodes) {
    const own = ids.get(node.name)!;
    for (const ref of topicsOf(node)) {
      const topic = topicId(topicName(ref, applicationId));
      arrows.push(node.kind === 'sink' ? `  ${own} --> ${topic}` : `  ${topic} --> ${own}`);
    }
    for (const parent of parentsOf(node)) arrows.push(`  ${ids.get(parent)} --> ${own}`);
    for (const store of storesOf(node)) arrows.push(`  ${own} <-.-> ${stores.get(store.name)}`);
  }
  return ['flowchart TB', ...[...topics].map(([name, id]) => `  ${id}([${label(name)}])`), ...boxes, ...arrows, ''].join('\n');
}

function shape(node: TopologyNode): string {
  switch (node.kind) {
    case 'source':
      return `[/${label(node.name)}/]`;
    case 'sink':
      return fixedTopic(node) === undefined ? `[\\${label(node.name, 'chooses its topic')}\\]` : `[\\${label(node.name)}\\]`;
    default:
      return `[${label(node.name)}]`;
  }
}

function cylinder({ name, kind }: AnyStoreSpec): string {
  return `[(${label(name, kind)})]`;
}

function storesOf(node: TopologyNode): readonly AnyStoreSpec[] {
  return node.kind === 'processor' ? node.stores : node.kind === 'global-table' ? [node.store] : [];
}

/** Quoted, so that words like `end` mean nothing; whatever is not plain becomes an entity, which Mermaid writes with `#` and without `&`. */
function label(...lines: readonly string[]): string {
  return `"${lines.map((line) => line.replaceAll(/[^\p{L}\p{N} .,_:()-]/gu, (sign) => `#${sign.codePointAt(0)};`)).join('<br/>')}"`;
}
