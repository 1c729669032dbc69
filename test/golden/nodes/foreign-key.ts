// Joins of two tables by a foreign key.

import { Serdes, type Serde } from 'millrace';
import type { NodeBuilder } from '../building.ts';
import { serdeOf, serdesOf } from '../case-serdes.ts';
import { joiner, mapper } from '../functions.ts';

/** A case does not say how the rows of both sides are written, which is only seen inside the join: any serde that takes all values will do. */
const ANY_VALUE: Serde<unknown> = serdeOf('json');

export const foreignKeyNodes: Readonly<Record<string, NodeBuilder>> = {
  foreignKeyJoin: (node, building) => {
    const [left, right] = [building.table(node['from']), building.table(node['with'])];
    const foreignKey = mapper(node['foreignKey']);
    const join = joiner(node['joiner']);
    const { key, value: result } = serdesOf(node);
    const options = {
      name: building.nameOf(node),
      key,
      value: ANY_VALUE,
      foreignKey: Serdes.string(),
      otherValue: ANY_VALUE,
      result,
      materialized: node['store'] !== undefined,
      ...(node['store']?.historyMs === undefined ? {} : { historyMs: node['store'].historyMs }),
    };
    const parts = [right, (v: any, k: any) => foreignKey(k, v), (l: any, r: any, k: any) => join(k, l, r), options] as const;
    return node['kind'] === 'left' ? left.leftForeignKeyJoin(...parts) : left.foreignKeyJoin(...parts);
  },
};
