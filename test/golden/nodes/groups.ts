// Groups of streams and of tables, and what is aggregated from them without windows.

import { CogroupedKStream, KGroupedStream, KGroupedTable, KTable } from 'millrace';
import type { Building, NodeBuilder } from '../building.ts';
import { serdesOf } from '../case-serdes.ts';
import { aggregator, mapper, reducer } from '../functions.ts';
import type { CaseNode } from '../golden-case.ts';

const add = (ref: CaseNode[string]) => {
  const aggregate = aggregator(ref);
  return (v: any, current: any, k: any) => aggregate(k, v, current);
};

/** The store that an aggregate always has. */
function rowsOf(node: CaseNode, building: Building): { name: string; historyMs?: number } {
  const historyMs = node['store']?.historyMs as number | undefined;
  return { name: building.nameOf(node), ...(historyMs === undefined ? {} : { historyMs }) };
}

export const groupNodes: Readonly<Record<string, NodeBuilder>> = {
  groupByKey: (node, building) => building.stream(node['from']).groupByKey({ name: `${node.id}-grouped`, ...serdesOf(node) }),
  groupBy: (node, building) => {
    const from = building.handle(node['from']);
    const options = { name: `${node.id}-grouped`, ...serdesOf(node) };
    const key = mapper(node['key']);
    if (!(from instanceof KTable)) return from.groupBy((v: any, k: any) => key(k, v), options);
    const value = mapper(node['value']);
    return from.groupBy((v, k) => [key(k, v), value(k, v)], options);
  },
  cogroup: (node, building) => {
    const [first, ...rest] = node['inputs'] as { from: string; aggregator: CaseNode[string] }[];
    const start = (building.handle(first!.from) as KGroupedStream<any, any>).cogroup<any>(add(first!.aggregator));
    return rest.reduce((cogrouped, input) => cogrouped.cogroup(building.handle(input.from) as KGroupedStream<any, any>, add(input.aggregator)), start);
  },
  count: (node, building) => {
    const group = building.handle(node['from']);
    return group instanceof KGroupedStream || group instanceof KGroupedTable ? group.count(rowsOf(node, building)) : undefined;
  },
  reduce: (node, building) => {
    const group = building.handle(node['from']);
    const adder = reducer(node['reducer']);
    if (group instanceof KGroupedStream) return group.reduce((a, b) => adder(a, b), rowsOf(node, building));
    if (!(group instanceof KGroupedTable)) return undefined;
    const subtractor = reducer(node['subtractor']);
    return group.reduce((a, b) => adder(a, b), (a, b) => subtractor(a, b), rowsOf(node, building));
  },
  aggregate: (node, building) => {
    const group = building.handle(node['from']);
    const options = () => ({ ...rowsOf(node, building), initial: () => node['initial'], value: serdesOf(node).value });
    if (group instanceof KGroupedStream) return group.aggregate({ ...options(), add: add(node['aggregator']) });
    if (group instanceof CogroupedKStream) return group.aggregate(options());
    if (!(group instanceof KGroupedTable)) return undefined;
    return group.aggregate({ ...options(), add: add(node['aggregator']), subtract: add(node['subtractor']) });
  },
};
