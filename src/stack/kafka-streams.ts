// The Java library Kafka Streams, for tests that hold ours beside it: what we write, it must be able to read and join.
import { join } from 'node:path';
import { isCached, type Log } from './cache.mjs';
import { fetchJars } from './maven.ts';
import { checkPrerequisites, jdk, maven } from './prerequisites.ts';

const VERSION = '4.3.1';
// The number goes up when the list changes: an entry of the cache never does.
const ENTRY = `kafka-streams-${VERSION}-2`;
const ARTIFACTS = [
  `org.apache.kafka:kafka-streams:${VERSION}`,
  `org.apache.kafka:kafka-tools:${VERSION}`,
  // For the oracle of the golden cases, test/golden/oracle.
  `org.apache.kafka:kafka-streams-test-utils:${VERSION}`,
  'com.fasterxml.jackson.core:jackson-databind:2.21.2',
  'org.javassist:javassist:3.30.2-GA',
  'org.slf4j:slf4j-nop:1.7.36',
] as const;
const INSTEAD = ['or set MILLRACE_KAFKA_STREAMS to a folder that holds the jars of Kafka Streams, of its test utils and of kafka-tools'];

export interface KafkaStreamsOptions {
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** The folder of its jars. */
export async function ensureKafkaStreams(options: KafkaStreamsOptions): Promise<string> {
  const env = options.env ?? process.env;
  const given = env['MILLRACE_KAFKA_STREAMS'];
  if (given) return given;
  const why = 'to test against the Java library Kafka Streams';
  await checkPrerequisites([jdk(why, INSTEAD, env), ...(isCached(ENTRY, env) ? [] : [maven(`${why} (download of about 100 MB, once)`, INSTEAD, env)])]);
  return join(await fetchJars(ENTRY, 'Kafka Streams', ARTIFACTS, { ...options, env }), 'lib');
}
