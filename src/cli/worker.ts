// `npm run worker`: runs the order workflows and their activities, and publishes their outcomes.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStateDirectory } from 'millrace';
import { createEscalationWorker, outcomePublisher } from 'millrace/worker';
import { orderActivities } from '../orders/activities.ts';
import { APPLICATION_ID, INVENTORY_PORT, ORDER_TASK_QUEUE } from '../orders/domain.ts';
import { inventoryClient } from '../orders/inventory/index.ts';
import { readOptions } from './options.ts';
import { dataDir, runRole } from './role.ts';
import { temporalFrom } from './temporal-env.ts';

export async function run(args: string[]): Promise<number> {
  const options = readOptions('worker', args, {
    inventory: { kind: 'text', default: process.env['INVENTORY_URL'] ?? `http://127.0.0.1:${INVENTORY_PORT}`, help: 'where the inventory service is (or INVENTORY_URL)' },
    'state-dir': { kind: 'text', help: "folder of the worker's identity; workers of one computer may share it" },
  });
  return runRole({ name: 'worker', temporal: true }, async ({ broker, env, log, fail }) => {
    // A place of its own gives this worker a transactional id that a restart takes over: an abandoned transaction ends at once, not after its timeout.
    const place = await openStateDirectory(options['state-dir'] ?? join(dataDir(), 'state'), `${APPLICATION_ID}-worker`);
    const publisher = outcomePublisher({ broker, transactionalId: `${APPLICATION_ID}-worker-${place.processId}`, onTrouble: (reason) => log('warn', reason) });
    const worker = await createEscalationWorker({
      ...temporalFrom(env),
      taskQueue: ORDER_TASK_QUEUE,
      workflowsPath: fileURLToPath(new URL('../orders/workflow.ts', import.meta.url)),
      activities: orderActivities({ inventory: inventoryClient(options.inventory), publisher }),
      onTrouble: (reason) => log('warn', reason),
    });
    worker.done.catch(fail);
    log('info', `Working on task queue "${ORDER_TASK_QUEUE}".`);
    return {
      close: async () => {
        await worker.shutdown();
        await publisher.close();
        await place.close();
      },
    };
  });
}
