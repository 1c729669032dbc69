// stateStore, process and processValues.

import { Stores, type AnyStoreSpec } from 'millrace';
import { DONE, type NodeBuilder } from '../building.ts';
import { serdesOf } from '../case-serdes.ts';
import type { CaseNode } from '../golden-case.ts';
import { processorOf } from '../processors.ts';

const add = (keepsKeys: boolean): NodeBuilder => (node, building) => {
  const names = (node['stores'] ?? []) as string[];
  const stores = names.flatMap((name) => building.stores.get(name) ?? []);
  const tables = names.flatMap((name) => (building.stores.has(name) ? [] : [building.owners.get(name)!]));
  const supplier = processorOf(node['processor'], building);
  const options = { name: building.nameOf(node), stores, tables };
  const stream = building.stream(node['from']);
  return keepsKeys ? stream.processValues(supplier, options) : stream.process(supplier, options);
};

export const processorNodes: Readonly<Record<string, NodeBuilder>> = {
  stateStore: (node, building) => {
    building.nameStore(node['name']);
    building.stores.set(node['name'], specOf(node));
    return DONE;
  },
  process: add(false),
  processValues: add(true),
};

function specOf(node: CaseNode): AnyStoreSpec {
  const { name, kind, retentionMs, retainDuplicates, historyMs } = node as CaseNode & { name: string; kind: string };
  switch (kind) {
    case 'keyValue':
      return Stores.keyValue({ name, ...serdesOf(node), ordered: true });
    case 'window':
      return Stores.window({ name, ...serdesOf(node), retentionMs, retainDuplicates: retainDuplicates === true });
    case 'versioned':
      return Stores.versioned({ name, ...serdesOf(node), historyMs });
    default:
      throw new Error(`No store is of the kind "${kind}".`);
  }
}
