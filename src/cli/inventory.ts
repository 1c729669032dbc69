// `npm run inventory`: the outside system that the order sagas reserve from.

import { join } from 'node:path';
import { INVENTORY_PORT } from '../orders/domain.ts';
import { INITIAL_STOCK } from '../orders/generator/index.ts';
import { startInventory } from '../orders/inventory/index.ts';
import { interruption } from './interruption.mjs';
import { readOptions } from './options.ts';
import { dataDir, logTo } from './role.ts';

export async function run(args: string[]): Promise<number> {
  const options = readOptions('inventory', args, {
    port: { kind: 'count', default: String(INVENTORY_PORT), help: 'on loopback; 0 = any free one' },
    'data-dir': { kind: 'text', help: 'folder of its own durable store' },
  });
  const { signal } = interruption();
  const log = logTo('inventory');
  const inventory = await startInventory({ port: options.port, dataDir: options['data-dir'] ?? join(dataDir(), 'inventory'), initialStock: INITIAL_STOCK });
  log('info', `Answering at ${inventory.url}`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await inventory.close();
  return 0;
}
