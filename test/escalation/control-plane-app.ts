// Bridge or worker as a process of its own, to be killed: node control-plane-app.ts bridge|worker <name> <commands topic> <task queue> <inventory url>

import { fileURLToPath } from 'node:url';
import { connectKafka, kafkaSettingsFromEnv } from 'millrace';
import { startBridge } from 'millrace/bridge';
import { createEscalationWorker, outcomePublisher } from 'millrace/worker';
import { orderActivities } from '../../src/orders/activities.ts';
import { inventoryClient } from '../../src/orders/inventory/index.ts';

const [role, name, commands, taskQueue, inventory] = process.argv.slice(2) as [string, string, string, string, string];
const broker = connectKafka(kafkaSettingsFromEnv(process.env));
const address = process.env['TEMPORAL_ADDRESS'] ?? 'localhost:7233';
const namespace = process.env['TEMPORAL_NAMESPACE'] ?? 'default';
const say = (message: string) => console.error(`${name}: ${message}`);

if (role === 'bridge') {
  const bridge = await startBridge({
    broker,
    temporal: { address, namespace },
    groupId: `${commands}-bridge`,
    commandsTopics: [commands],
    workflows: { OrderWorkflow: { taskQueue, historyEventsMax: 40 } },
    sessionTimeoutMs: 6_000,
    logger: (level, message) => say(`${level} ${message}`),
  });
  process.once('SIGTERM', () => void bridge.close().then(() => broker.close()));
  console.log('ready');
  await bridge.done;
} else {
  const publisher = outcomePublisher({ broker, transactionalId: `${commands}-${name}`, transactionTimeoutMs: 5_000, onTrouble: say });
  const worker = await createEscalationWorker({
    address,
    namespace,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('../../src/orders/workflow.ts', import.meta.url)),
    activities: orderActivities({ inventory: inventoryClient(inventory), publisher }),
    shutdownGraceMs: 1_000,
    onTrouble: say,
  });
  process.once('SIGTERM', () => void worker.shutdown().then(() => publisher.close()).then(() => broker.close()));
  console.log('ready');
  await worker.done;
}
