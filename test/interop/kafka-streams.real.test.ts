// Beside the real thing: Kafka Streams (Java) joins our repartitioned topics, and Kafka's own console consumer reads our changelogs.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, NO_HEADERS, onKafka, Serdes, StreamsBuilder, type Broker, type Topology } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const PARTITIONS = 5;
const KEYS = 100;
const KEPT = { 'retention.ms': '-1' };
const classpath = join(process.env['MILLRACE_KAFKA_STREAMS']!, '*');
const run = promisify(execFile);

let broker: Broker;
let stateDir: string;

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-interop-'));
});

afterAll(async () => {
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

async function feed(topic: string, values: readonly string[]): Promise<void> {
  const producer = broker.producer();
  await producer.send(values.map((value, at) => ({ topic, partition: at % PARTITIONS, key: null, value: Buffer.from(value), timestamp: 1_000, headers: NO_HEADERS })));
  await producer.close();
}

/** Runs it until `count` records of `topic` are committed. */
async function runUntil(topology: Topology, applicationId: string, topic: string, count: number): Promise<void> {
  const streams = new KafkaStreams(topology, { applicationId, stateDir }, onKafka(broker));
  await streams.start();
  await eventually(async () => (await readTopic(broker, topic)).length >= count, `${count} records in ${topic}`);
  await streams.close();
}

function java(...args: string[]): Promise<{ stdout: string }> {
  return run(process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java', ['-Xmx256m', '-cp', classpath, ...args]);
}

test('a Java application joins what we have repartitioned by string and by long', async () => {
  const app = freshName('interop');
  const [input, table, longTable, out, longOut] = ['in', 'names', 'numbered', 'joined', 'numbered-joined'].map((name) => `${app}-${name}`) as [string, string, string, string, string];
  await broker.admin.ensureTopics([input, table, longTable, out, longOut].map((topic) => ({ topic, partitions: PARTITIONS, config: KEPT })));
  const builder = new StreamsBuilder();
  const numbers = builder.stream(input, { key: Serdes.string(), value: Serdes.string() }).mapValues((value) => Number(value));
  const byText = numbers.selectKey((value) => `key-${value}`).repartition({ name: 'by-text', key: Serdes.string(), value: Serdes.long() });
  const byNumber = numbers.selectKey((value) => (value - 50) * 1_000_003).repartition({ name: 'by-number', key: Serdes.long(), value: Serdes.long() });
  byText.foreach(() => undefined);
  byNumber.foreach(() => undefined);
  await feed(input, Array.from({ length: KEYS }, (_, at) => String(at)));
  await runUntil(builder.build(), app, `${app}-by-number-repartition`, KEYS);

  const program = fileURLToPath(new URL('./JoinOurTopics.java', import.meta.url));
  const { stdout } = await java(
    program, process.env['KAFKA_BROKERS']!, `${app}-java`, `${app}-by-text-repartition,${table},${out}`, `${app}-by-number-repartition,${longTable},${longOut}`, String(2 * KEYS), String(KEYS), join(stateDir, 'java'),
  );
  expect(stdout).toContain('all joined');
  const joined = (await readTopic(broker, out)).map(({ value }) => value!.toString());
  expect(joined.toSorted()).toEqual(Array.from({ length: KEYS }, (_, at) => `name of key-${at}: ${at}`).toSorted());
  expect((await readTopic(broker, longOut)).length).toBe(KEYS);
});

test("Kafka's console consumer reads the changelog of a count", async () => {
  const app = freshName('interop');
  await broker.admin.ensureTopics([{ topic: `${app}-in`, partitions: PARTITIONS, config: KEPT }]);
  const builder = new StreamsBuilder();
  builder
    .stream(`${app}-in`, { key: Serdes.string(), value: Serdes.string() })
    .groupBy((value) => value, { name: 'by-word', key: Serdes.string(), value: Serdes.string() })
    .count({ name: 'counts' });
  await feed(`${app}-in`, ['a', 'b', 'a', 'a', 'c', 'b']);
  // Counted in one commit or in several: the last record of each key says it.
  const changelog = `${app}-counts-changelog`;
  const streams = new KafkaStreams(builder.build(), { applicationId: app, stateDir }, onKafka(broker));
  await streams.start();
  const counts = async (): Promise<Map<string, string>> => {
    const { stdout } = await java(
      'org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', process.env['KAFKA_BROKERS']!, '--topic', changelog, '--from-beginning', '--timeout-ms', '4000',
      '--isolation-level', 'read_committed', '--formatter-property', 'print.key=true', '--formatter-property', 'value.deserializer=org.apache.kafka.common.serialization.LongDeserializer',
    );
    return new Map(stdout.trim().split('\n').map((line) => line.split('\t') as [string, string]));
  };
  await eventually(async () => (await broker.admin.partitionCount(changelog)) !== undefined && (await readTopic(broker, changelog)).length >= 3, changelog);
  await eventually(async () => {
    const found = await counts();
    return found.get('a') === '3' && found.get('b') === '2' && found.get('c') === '1' && found.size === 3;
  }, 'the counts');
  await streams.close();
});
