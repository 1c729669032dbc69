// `npm run bridge`: carries commands from Kafka to Temporal. Several share the partitions of the command topic.

import { commandsTopic } from 'millrace';
import { startBridge } from 'millrace/bridge';
import { APPLICATION_ID, ORDER_SAGA, ORDER_TASK_QUEUE, ORDER_WORKFLOW } from '../orders/domain.ts';
import { readOptions } from './options.ts';
import { runRole } from './role.ts';
import { temporalFrom } from './temporal-env.ts';

export async function run(args: string[]): Promise<number> {
  const options = readOptions('bridge', args, {
    'max-in-flight': { kind: 'count', default: '32', help: 'calls to Temporal under way at once' },
    'session-timeout': { kind: 'duration', default: '10s', help: 'after it a silent bridge loses its partitions' },
  });
  return runRole({ name: 'bridge', temporal: true }, async ({ broker, env, log, fail }) => {
    const bridge = await startBridge({
      broker,
      temporal: temporalFrom(env),
      groupId: `${APPLICATION_ID}-bridge`,
      commandsTopics: [commandsTopic(APPLICATION_ID, ORDER_SAGA)],
      workflows: { [ORDER_WORKFLOW]: { taskQueue: ORDER_TASK_QUEUE } },
      maxInFlight: options['max-in-flight'],
      sessionTimeoutMs: options['session-timeout'],
      logger: log,
    });
    bridge.done.catch(fail);
    return {
      close: async () => {
        await bridge.close();
        log('info', `Counted: ${JSON.stringify(bridge.metrics())}`);
      },
    };
  });
}
