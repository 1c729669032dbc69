// The topology as text, in the shape of Kafka Streams' `describe()`: tools that draw that text draw this one too, and tests snapshot it, since a store or
// topic that moves must be seen in review.

import { fixedTopic, parentsOf, topicName, type SinkNode, type TopologyNode } from './node.ts';
import type { Subtopology, Topology } from './topology.ts';

/**
 * As `TopologyDescription.toString()` of Kafka Streams prints it: nodes and children with the most below them first, then by name; parents as they were named
 * (there Java's hash tables have a say). Global tables come last.
 * `applicationId`: makes the names of repartition topics those that the broker knows.
 */
export function describe(topology: Topology, applicationId = '<app>'): string {
  const blocks = topology.subtopologies.map((subtopology) => `Sub-topology: ${subtopology.id}\n${nodesOf(topology, subtopology, applicationId)}\n`);
  topology.globalTables.forEach(({ name, source, topic, store }, index) => {
    blocks.push(
      [
        `Sub-topology: ${topology.subtopologies.length + index} for global store (will not generate tasks)\n`,
        `    Source: ${source} (topics: [${topic}])\n      --> ${name}\n`,
        `    Processor: ${name} (stores: [${store.name}])\n      --> none\n      <-- ${source}\n`,
      ].join(''),
    );
  });
  // The first block stands one further to the right than the others, in Kafka Streams too.
  return `Topologies:\n ${blocks.map((block) => `  ${block}`).join('')}`;
}

function nodesOf(topology: Topology, { nodes }: Subtopology, applicationId: string): string {
  const order = byWhatIsBelow(topology, nodes);
  return [...nodes]
    .sort(order)
    .map((node) => {
      const children = `      --> ${topology.children(node.name).sort(order).map(({ name }) => name).join(', ') || 'none'}\n`;
      const parents = `      <-- ${parentsOf(node).join(', ')}\n`;
      return `    ${title(node, applicationId)}\n${node.kind === 'sink' ? '' : children}${node.kind === 'source' ? '' : parents}`;
    })
    .join('');
}

function title(node: TopologyNode, applicationId: string): string {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${node.topics.map((topic) => topicName(topic, applicationId)).join(', ')}])`;
    case 'processor':
      return `Processor: ${node.name} (stores: [${node.stores.map((store) => store.name).join(', ')}])`;
    case 'sink':
      return `Sink: ${node.name} (${target(node, applicationId)})`;
    case 'global-table':
      throw new Error(`The global table ${node.name} belongs to no subtopology.`);
  }
}

function target(sink: SinkNode, applicationId: string): string {
  const topic = fixedTopic(sink);
  return topic === undefined ? 'extractor class: TopicChooser' : `topic: ${topicName(topic, applicationId)}`;
}

function byWhatIsBelow(topology: Topology, nodes: readonly TopologyNode[]): (a: TopologyNode, b: TopologyNode) => number {
  const sizes = new Map<string, number>();
  // From the end: children stand after their parents. What can be reached on two ways counts twice, as in Kafka Streams.
  for (const { name } of [...nodes].reverse()) sizes.set(name, topology.children(name).reduce((sum, child) => sum + sizes.get(child.name)!, 1));
  return (a, b) => sizes.get(b.name)! - sizes.get(a.name)! || (a.name < b.name ? -1 : 1);
}
