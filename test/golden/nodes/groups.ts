// Groups of streams and of tables, and what is aggregated from them without windows.

import { KGroupedStream } from 'millrace';
import type { NodeBuilder } from '../building.ts';
import { serdesOf } from '../case-serdes.ts';
import { aggregator, mapper, reducer } from '../functions.ts';

export const groupNodes: Readonly<Record<string, NodeBuilder>> = {
  groupByKey: (node, building) => building.stream(node['from']).groupByKey({ name: `${node.id}-grouped`, ...serdesOf(node) }),
  groupBy: (node, building) => {
    if (node['value'] !== undefined) return undefined;
    const key = mapper(node['key']);
    return building.stream(node['from']).groupBy((v, k) => key(k, v), { name: `${node.id}-grouped`, ...serdesOf(node) });
  },
  count: (node, building) => {
    const group = building.handle(node['from']);
    return group instanceof KGroupedStream ? group.count({ name: building.nameOf(node) }) : undefined;
  },
  reduce: (node, building) => {
    const group = building.handle(node['from']);
    if (!(group instanceof KGroupedStream)) return undefined;
    const reduce = reducer(node['reducer']);
    return group.reduce((a, b) => reduce(a, b), { name: building.nameOf(node) });
  },
  aggregate: (node, building) => {
    const group = building.handle(node['from']);
    if (!(group instanceof KGroupedStream)) return undefined;
    const add = aggregator(node['aggregator']);
    return group.aggregate({ name: building.nameOf(node), initial: () => node['initial'], add: (v, aggregate, k) => add(k, v, aggregate), value: serdesOf(node).value });
  },
};
