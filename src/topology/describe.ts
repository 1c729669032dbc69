// The topology as text, in the shape of Kafka Streams' `describe()`. Tests snapshot it: a store or topic that moves must be seen in review.

import { topicName, type TopologyNode } from './node.ts';
import type { Topology } from './topology.ts';

export function describe(topology: Topology, applicationId = '<app>'): string {
  const lines = ['Topologies:'];
  for (const subtopology of topology.subtopologies) {
    lines.push(`   Sub-topology: ${subtopology.id}`);
    for (const node of subtopology.nodes) {
      lines.push(`    ${line(node, applicationId)}`);
      if (node.kind !== 'sink') lines.push(`      --> ${names(topology.children(node.name).map((child) => child.name))}`);
      if (node.kind !== 'source') lines.push(`      <-- ${names(node.parents)}`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

function line(node: TopologyNode, applicationId: string): string {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${topicName(node.topic, applicationId)}])`;
    case 'processor':
      return `Processor: ${node.name} (stores: [${node.stores.map((store) => store.name).join(', ')}])`;
    case 'sink':
      return `Sink: ${node.name} (topic: ${topicName(node.topic, applicationId)})`;
  }
}

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.join(', ');
}
