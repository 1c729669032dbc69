// windowedBy, windowed aggregates and suppress.

import type { NodeBuilder } from '../building.ts';

export const windowNodes: Readonly<Record<string, NodeBuilder>> = {};
