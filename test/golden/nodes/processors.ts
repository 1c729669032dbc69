// stateStore, process and processValues.

import type { NodeBuilder } from '../building.ts';

export const processorNodes: Readonly<Record<string, NodeBuilder>> = {};
