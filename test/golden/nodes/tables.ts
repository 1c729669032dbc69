// table and what is made of tables alone. filter and mapValues are with the streams' operators: they are spelled alike.

import type { MaterializedAs } from 'millrace';
import type { NodeBuilder } from '../building.ts';
import { serdesOf } from '../case-serdes.ts';
import { joiner, mapper } from '../functions.ts';
import type { CaseNode } from '../golden-case.ts';
import { extractorOf } from './timestamps.ts';

/** The store that a node names, if it names one. */
export function materializedOf(node: CaseNode): MaterializedAs<any, any> | undefined {
  const store = node['store'];
  return store === undefined ? undefined : { name: store.name, ...serdesOf(node), ...(store.historyMs === undefined ? {} : { historyMs: store.historyMs }) };
}

export const tableNodes: Readonly<Record<string, NodeBuilder>> = {
  table: (node, building) =>
    building.builder.table(node['topic'], {
      name: building.nameOf(node),
      ...serdesOf(node),
      ...extractorOf(node),
      materialized: node['store'] !== undefined,
      ...(node['store']?.historyMs === undefined ? {} : { historyMs: node['store'].historyMs }),
    }),
  toStream: (node, building) => {
    const table = building.table(node['from']);
    if (node['key'] === undefined) return table.toStream();
    const key = mapper(node['key']);
    return table.toStream((v, k) => key(k, v));
  },
  tableTableJoin: (node, building) => {
    const [left, right] = [building.table(node['from']), building.table(node['with'])];
    const join = joiner(node['joiner']);
    const result = (l: any, r: any) => join(null, l, r);
    const store = materializedOf(node);
    if (node['kind'] === 'inner') return left.join(right, result, store);
    return node['kind'] === 'left' ? left.leftJoin(right, result, store) : left.outerJoin(right, result, store);
  },
};
