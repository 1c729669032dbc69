// `npm run stream`: one instance of the order topology. Start as many as there are partitions; they share the work.

import { join } from 'node:path';
import { KafkaStreams, onKafka } from 'millrace';
import { APPLICATION_ID, TOPICS } from '../orders/domain.ts';
import { orderSerdes } from '../orders/serdes.ts';
import { ensureOrderTopics } from '../orders/topics.ts';
import { orderTopology } from '../orders/topology/topology.ts';
import { readOptions } from './options.ts';
import { dataDir, runRole } from './role.ts';

export async function run(args: string[]): Promise<number> {
  const options = readOptions('stream', args, {
    'payment-timeout': { kind: 'duration', default: '2h', help: 'how long an order waits for its payment' },
    'state-dir': { kind: 'text', help: 'folder of local state; instances of one computer may share it' },
    'commit-interval': { kind: 'duration', default: '100ms', help: 'upper bound between commits' },
    'session-timeout': { kind: 'duration', default: '10s', help: 'after it a silent instance loses its tasks' },
  });
  return runRole({ name: 'stream', registry: true }, async ({ broker, registry, log, fail }) => {
    await ensureOrderTopics(broker.admin);
    const topology = orderTopology({ serdes: orderSerdes(registry), paymentTimeoutMs: options['payment-timeout'] });
    const settings = {
      applicationId: APPLICATION_ID,
      stateDir: options['state-dir'] ?? join(dataDir(), 'state'),
      commitIntervalMs: options['commit-interval'],
      sessionTimeoutMs: options['session-timeout'],
      deadLetterTopic: TOPICS.deadLetters,
    };
    const streams = new KafkaStreams(topology, settings, onKafka(broker, { log }));
    await streams.start();
    streams.closed().catch(fail);
    return {
      close: async () => {
        await streams.close();
        log('info', `Counted: ${JSON.stringify(streams.metrics())}`);
      },
    };
  });
}
