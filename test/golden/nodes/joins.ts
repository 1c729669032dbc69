// Joins of streams and tables.

import type { NodeBuilder } from '../building.ts';

export const joinNodes: Readonly<Record<string, NodeBuilder>> = {};
