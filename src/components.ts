// What an instance runs on in production: the system's clock, LevelDB below `stateDir`, and the broker that is handed in.

import type { Broker } from './ports/broker.ts';
import type { Logger } from './runtime/logger.ts';
import type { StreamsComponents } from './runtime/kafka-streams.ts';
import { openStateDirectory } from './state/level/level-state-directory.ts';

/** @example new KafkaStreams(topology, { applicationId: 'word-count' }, onKafka(connectKafka({ brokers: ['localhost:9092'] }))) */
export function onKafka(broker: Broker, options: { readonly log?: Logger } & Pick<StreamsComponents, 'onCommitStage'> = {}): StreamsComponents {
  return { broker, clock: { now: () => Date.now() }, openStateDirectory, ...options };
}
