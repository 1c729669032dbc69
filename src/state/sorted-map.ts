// A sorted map with snapshots. The library is CommonJS with a `default` member, which loaders unwrap differently: `require` reads it the same everywhere.

import { createRequire } from 'node:module';

const { default: BTree } = createRequire(import.meta.url)('sorted-btree') as typeof import('sorted-btree', { with: { 'resolution-mode': 'require' } });

export const SortedMap = BTree;
