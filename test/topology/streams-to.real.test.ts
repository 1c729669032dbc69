// Sinks that choose, on a real broker and a real registry: topics with partition counts of their own, schemas registered when a topic is first written to, and a
// topic that is not there.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, connectRegistry, KafkaStreams, kafkaSettingsFromEnv, NO_HEADERS, onKafka, partitionFor, Serdes, StreamsBuilder, type Broker, type Registry } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';

let broker: Broker;
let registry: Registry;
let stateDir: string;

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  registry = connectRegistry({ url: process.env['SCHEMA_REGISTRY_URL']! });
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-to-'));
});

afterAll(async () => {
  registry.close();
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface Note {
  readonly kind: string;
  readonly text: string;
}

test('each record goes to the topic that was named for it, in the partition of its key; one for a topic that is not there goes to the dead letters', async () => {
  const applicationId = freshName('choosing');
  const topic = (kind: string): string => `${applicationId}-${kind}`;
  const counts = { in: 2, few: 1, many: 5, dead: 1 };
  for (const [kind, partitions] of Object.entries(counts)) await broker.admin.ensureTopics([{ topic: topic(kind), partitions }]);
  const text = Serdes.string();
  const note = Serdes.avro<Note>({ registry, schema: { type: 'record', name: 'Note', fields: [{ name: 'kind', type: 'string' }, { name: 'text', type: 'string' }] } });
  await note.open!(topic('in'), 'value');

  const builder = new StreamsBuilder();
  builder.stream(topic('in'), { key: text, value: note }).to((value) => topic(value!.kind), { key: text, value: note });
  const settings = { applicationId, stateDir, deadLetterTopic: topic('dead'), errors: { processing: () => 'dlq' as const } };
  const streams = new KafkaStreams(builder.build(), settings, onKafka(broker));
  await streams.start();

  const keys = Array.from({ length: 20 }, (_, at) => `key-${at}`);
  const notes = keys.flatMap((key, at) => [{ key, kind: at % 3 === 0 ? 'few' : 'many', text: `${key} first` }, { key, kind: 'many', text: `${key} second` }]);
  const lost = { key: 'key-0', kind: 'nowhere', text: 'lost' };
  const producer = broker.producer();
  await producer.send(
    [...notes.slice(0, 10), lost, ...notes.slice(10), lost].map(({ key, kind, text: content }) => {
      const keyBytes = text.serialize(topic('in'), key);
      return { topic: topic('in'), partition: partitionFor(keyBytes, counts.in), key: keyBytes, value: note.serialize(topic('in'), { kind, text: content }), timestamp: 7, headers: NO_HEADERS };
    }),
  );
  await producer.close();
  const sizes = async (): Promise<number[]> => Promise.all(['few', 'many', 'dead'].map(async (kind) => (await readTopic(broker, topic(kind))).length));
  await eventually(async () => (await sizes()).reduce((a, b) => a + b) >= notes.length + 2, 'all records');
  await streams.close();

  for (const kind of ['few', 'many'] as const) {
    const wanted = Array.from({ length: counts[kind] }, (_, partition) =>
      keys.filter((key) => partitionFor(Buffer.from(key), counts[kind]) === partition).map((key) => [key, notes.filter((own) => own.key === key && own.kind === kind).map((own) => own.text)]),
    ).flat();
    const found = await readTopic(broker, topic(kind));
    const values = await Promise.all(
      found.map(async ({ key, value }) => {
        await note.prepare!(topic(kind), value!);
        return [String(key), note.deserialize(topic(kind), value!).text] as const;
      }),
    );
    const byKey = (key: string): string[] => values.filter(([own]) => own === key).map(([, own]) => own);
    expect(Object.fromEntries(keys.map((key) => [key, byKey(key)]))).toEqual(Object.fromEntries(wanted));
  }
  const dead = await readTopic(broker, topic('dead'));
  expect(dead.map(({ headers }) => headers.find(([name]) => name === '__streams.errors.exception')?.[1]?.toString())).toEqual(['UNKNOWN_TOPIC', 'UNKNOWN_TOPIC']);
  expect(await broker.admin.partitionCount(topic('nowhere'))).toBeUndefined();
});
