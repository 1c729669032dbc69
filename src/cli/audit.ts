// `npm run audit`: counts from the topics and the inventory whether the order system kept its promise. Exit code 0 only if it did.

import { audit, brokenInvariants } from '../orders/audit/index.ts';
import { INVENTORY_PORT } from '../orders/domain.ts';
import { readOptions } from './options.ts';
import { runRole } from './role.ts';

export async function run(args: string[]): Promise<number> {
  const options = readOptions('audit', args, {
    inventory: { kind: 'text', default: process.env['INVENTORY_URL'] ?? `http://127.0.0.1:${INVENTORY_PORT}`, help: 'where the inventory service is (or INVENTORY_URL)' },
  });
  let broken = 0;
  const code = await runRole({ name: 'audit', registry: true }, async ({ broker, registry, log, signal }) => {
    const report = await audit({ broker, registry, inventoryUrl: options.inventory, onTrouble: (reason) => log('warn', reason), signal });
    console.log(JSON.stringify(report, undefined, 2));
    broken = brokenInvariants(report).length;
    return { close: async () => {}, untilDone: Promise.resolve() };
  });
  return code === 0 && broken > 0 ? 1 : code;
}
