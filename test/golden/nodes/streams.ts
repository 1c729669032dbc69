// stream, the stateless operators, split, repartition, toTable and to.

import type { Serde } from 'millrace';
import { DONE, type NodeBuilder } from '../building.ts';
import { serdesOf } from '../case-serdes.ts';
import { text } from '../canonical.ts';
import { listOfPairs, listOfValues, mapper, predicate } from '../functions.ts';
import type { FunctionRef } from '../golden-case.ts';
import { extractorOf } from './timestamps.ts';
import { materializedOf } from './tables.ts';

export const streamNodes: Readonly<Record<string, NodeBuilder>> = {
  stream: (node, { builder }) => builder.stream(node['topics'], { ...serdesOf(node), ...extractorOf(node) }),
  filter: (node, building) => {
    const from = building.handle(node['from']);
    const test = predicate(node['predicate']);
    return from.filter((value: any, key: any) => test(key, value), materializedOf(node));
  },
  filterNot: (node, building) => {
    const from = building.handle(node['from']);
    const test = predicate(node['predicate']);
    return from.filterNot((value: any, key: any) => test(key, value), materializedOf(node));
  },
  mapValues: (node, building) => {
    const from = building.handle(node['from']);
    const map = mapper(node['value']);
    return from.mapValues((value: any, key: any) => map(key, value), materializedOf(node));
  },
  map: (node, building) => {
    const [key, value] = [mapper(node['key']), mapper(node['value'])];
    return building.stream(node['from']).map((v, k) => [key(k, v), value(k, v)]);
  },
  selectKey: (node, building) => {
    const key = mapper(node['key']);
    return building.stream(node['from']).selectKey((v, k) => key(k, v));
  },
  flatMap: (node, building) => {
    const pairs = listOfPairs(node['pairs']);
    return building.stream(node['from']).flatMap((v, k) => pairs(k, v));
  },
  flatMapValues: (node, building) => {
    const values = listOfValues(node['values']);
    return building.stream(node['from']).flatMapValues((v, k) => values(k, v));
  },
  split: (node, building) => {
    // A name of digits only would change places.
    const nameIn = (name: string): string => `branch ${name}`;
    const names = (node['branches'] as { name: string }[]).map(({ name }) => name);
    if (new Set(names).size < names.length) throw new Error('An object has no two members of one name.');
    const branches = Object.fromEntries(
      (node['branches'] as { name: string; predicate: FunctionRef }[]).map(({ name, predicate: ref }) => {
        const test = predicate(ref);
        return [nameIn(name), (value: any, key: any) => test(key, value)];
      }),
    );
    const streams = building.stream(node['from']).split(branches, node['default'] === undefined ? undefined : { default: nameIn(node['default']) });
    for (const [name, stream] of Object.entries(streams)) building.set(`${node.id}.${name.slice(nameIn('').length)}`, stream);
    return streams;
  },
  merge: (node, building) => building.stream(node['from']).merge(building.stream(node['with'])),
  repartition: (node, building) => building.stream(node['from']).repartition({ name: node['name'], ...serdesOf(node) }),
  toTable: (node, building) =>
    building.stream(node['from']).toTable({ name: building.nameOf(node), ...serdesOf(node), materialized: node['store'] !== undefined, ...(node['store']?.historyMs === undefined ? {} : { historyMs: node['store'].historyMs }) }),
  to: (node, building) => {
    const serdes = serdesOf(node) as { key: Serde<any>; value: Serde<any> };
    building.stream(node['from']).to(node['topic'] ?? topicFrom(node['topicFrom']), serdes);
    return DONE;
  },
};

function topicFrom({ prefix, mapper: ref }: { prefix: string; mapper: FunctionRef }): (value: any, key: any) => string {
  const map = mapper(ref);
  return (value, key) => prefix + text(map(key, value));
}
