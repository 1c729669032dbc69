// The topology as text, in the shape of Kafka Streams' `describe()`. Tests snapshot it: a store or topic that moves must be seen in review.

import { parentsOf, topicName, topicsOf, type TopologyNode } from './node.ts';
import type { Topology } from './topology.ts';

export function describe(topology: Topology, applicationId = '<app>'): string {
  const lines = ['Topologies:'];
  for (const subtopology of topology.subtopologies) {
    lines.push(`   Sub-topology: ${subtopology.id}`);
    for (const node of subtopology.nodes) {
      lines.push(`    ${line(node, applicationId)}`);
      if (node.kind !== 'sink') lines.push(`      --> ${names(topology.children(node.name).map((child) => child.name))}`);
      if (node.kind !== 'source') lines.push(`      <-- ${names(parentsOf(node))}`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

function line(node: TopologyNode, applicationId: string): string {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${node.topics.map((topic) => topicName(topic, applicationId)).join(', ')}])`;
    case 'processor':
      return `Processor: ${node.name} (stores: [${node.stores.map((store) => store.name).join(', ')}])`;
    case 'sink':
      return `Sink: ${node.name} (${topicsOf(node).length === 0 ? 'chooses its topic' : `topic: ${topicsOf(node).map((topic) => topicName(topic, applicationId)).join()}`})`;
    case 'global-table':
      return `Source: ${node.name} (topics: [${node.topic}])`;
  }
}

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.join(', ');
}
