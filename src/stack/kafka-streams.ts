// The Java library Kafka Streams, for tests that hold ours beside it: what we write, it must be able to read and join.
import { join } from 'node:path';
import { isCached, type Log } from './cache.mjs';
import { fetchJars } from './maven.ts';
import { checkPrerequisites, java, maven } from './prerequisites.ts';

const VERSION = '4.3.1';
const ENTRY = `kafka-streams-${VERSION}`;
const ARTIFACTS = [`org.apache.kafka:kafka-streams:${VERSION}`, `org.apache.kafka:kafka-tools:${VERSION}`, 'org.slf4j:slf4j-nop:1.7.36'] as const;
const INSTEAD = ['or set MILLRACE_KAFKA_STREAMS to a folder that holds the jars of Kafka Streams and of kafka-tools'];

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
  await checkPrerequisites([java(why, INSTEAD, env), ...(isCached(ENTRY, env) ? [] : [maven(`${why} (download of about 100 MB, once)`, INSTEAD, env)])]);
  return join(await fetchJars(ENTRY, 'Kafka Streams', ARTIFACTS, { ...options, env }), 'lib');
}
