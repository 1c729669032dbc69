// Joins of streams: with one another, with tables, with global tables.

import type { GlobalKTable } from 'millrace';
import type { Building, NodeBuilder } from '../building.ts';
import { serdeOf, serdesOf } from '../case-serdes.ts';
import { joiner, mapper } from '../functions.ts';
import type { CaseNode } from '../golden-case.ts';

export const joinNodes: Readonly<Record<string, NodeBuilder>> = {
  globalTable: (node, building) => {
    if (node['store']?.historyMs !== undefined) throw new Error('A global table keeps no history: its options take none, and Kafka Streams refuses one too.');
    const table = building.builder.globalTable(node['topic'], { name: building.nameOf(node), ...serdesOf(node) });
    building.stores.set(table.store.name, table.store);
    return table;
  },
  streamStreamJoin: (node, building) => {
    const options = { name: node.id!, window: node['windows'], ...serdesOf(node), otherValue: serdeOf(node['otherValueSerde']) };
    const left = building.joinable(node['from'], serdesOf(node));
    const right = node['from'] === node['with'] ? left : building.joinable(node['with'], { key: options.key, value: options.otherValue });
    const join = joinerOf(node);
    switch (node['kind']) {
      case 'inner':
        return left.join(right, join, options);
      case 'left':
        return left.leftJoin(right, join, options);
      default:
        return left.outerJoin(right, join, options);
    }
  },
  streamTableJoin: (node, building) => {
    const options = { name: node.id!, ...serdesOf(node), ...(node['graceMs'] === undefined ? {} : { graceMs: node['graceMs'] }) };
    const [stream, table] = [building.joinable(node['from'], serdesOf(node)), building.table(node['with'])];
    return node['kind'] === 'inner' ? stream.join(table, joinerOf(node), options) : stream.leftJoin(table, joinerOf(node), options);
  },
  streamGlobalTableJoin: (node, building) => {
    const key = mapper(node['key']);
    const [stream, table] = [building.stream(node['from']), globalTableOf(node, building)];
    const byKey = (v: any, k: any): any => key(k, v);
    return node['kind'] === 'inner' ? stream.join(table, byKey, joinerOf(node)) : stream.leftJoin(table, byKey, joinerOf(node));
  },
};

function joinerOf(node: CaseNode): (left: any, right: any, key: any) => any {
  const join = joiner(node['joiner']);
  return (left, right, key) => join(key, left, right);
}

function globalTableOf(node: CaseNode, building: Building): GlobalKTable<any, any> {
  return building.handle(node['with']);
}
