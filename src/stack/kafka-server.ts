// Kafka as one local process: broker and KRaft controller in one JVM, set up for a single node.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCached } from './cache.mjs';
import { probeBroker } from './kafka-probe.ts';
import { fetchJars, type FetchOptions } from './maven.ts';
import type { StackPart } from './part.ts';
import { java, javaExecutable, maven, WITH_DOCKER } from './prerequisites.ts';
import { runCommand } from './run-command.mjs';

const VERSION = '4.3.1';
const ENTRY = `kafka-${VERSION}`;
// kafka-tools: the command-line tools (kafka-consumer-groups and the like). log4j: without it a dying broker would leave no last words.
const ARTIFACTS = [`org.apache.kafka:kafka_2.13:${VERSION}`, `org.apache.kafka:kafka-tools:${VERSION}`, 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.1'] as const;

const LOG_SETTINGS = fileURLToPath(new URL('./kafka-log4j2.properties', import.meta.url));

const INSTEAD = ['or set KAFKA_BROKERS to a Kafka you already have, such as KAFKA_BROKERS=localhost:9092', WITH_DOCKER];

export const kafkaPart: StackPart = {
  title: 'Kafka',
  prerequisites: async (env) => {
    const because = 'because KAFKA_BROKERS names none to use';
    return [
      java(`to run a Kafka on this computer, ${because}`, INSTEAD, env),
      ...(isCached(ENTRY, env) ? [] : [maven(`to download Kafka (54 MB, once), ${because}`, INSTEAD, env)]),
    ];
  },
  plan: async ({ dataDir, ports, ...options }) => {
    const { env } = options;
    const home = await kafkaHome(options);
    const folder = join(dataDir, 'kafka');
    const path = join(folder, 'server.properties');
    const run = (main: string, args: readonly string[]): string[] => [
      '-Xms64m', '-Xmx512m', `-Dlog4j2.configurationFile=${LOG_SETTINGS}`, '-cp', join(home, 'lib', '*'), main, ...args,
    ];
    const format = run('kafka.tools.StorageTool', ['format', `--cluster-id=${newClusterId()}`, '--config', path]);
    return {
      addresses: { kafkaBrokers: `127.0.0.1:${ports.kafka}` },
      spec: {
        title: 'Kafka',
        folder,
        executable: javaExecutable(env),
        args: run('kafka.Kafka', [path]),
        env,
        settings: { path, text: singleNode(join(folder, 'data'), ports.kafka, ports.kafkaController) },
        initialise: (signal) => runCommand(javaExecutable(env), format, { env, signal }),
        probe: () => probeBroker(ports.kafka),
      },
    };
  },
};

/** The folder of Kafka's jars. Its command-line tools run from there too: `java -cp "<folder>/lib/*" org.apache.kafka.tools.…`. */
export async function kafkaHome(options: FetchOptions): Promise<string> {
  return await fetchJars(ENTRY, 'Kafka', ARTIFACTS, options);
}

/** Kafka's own form of a UUID: 16 bytes in base64url. */
function newClusterId(): string {
  return randomBytes(16).toString('base64url');
}

function singleNode(data: string, port: number, controllerPort: number): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    // There is one broker: a topic that wants three copies of itself could never be created.
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // 50 each by default: on one node they only cost files and start time.
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 8,
    // A rebalance need not wait three seconds for members that might still be coming.
    'group.initial.rebalance.delay.ms': 0,
    // After a kill -9 the broker may come back only when its old session has ended (9 s by default).
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 1_000,
    // A misspelt topic must be an error here too, as it is in most real clusters.
    'auto.create.topics.enable': false,
    // The cleaner takes 128 MB of the heap by default.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  };
  return Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join('');
}
