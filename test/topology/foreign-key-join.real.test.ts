// A foreign-key join on a real broker and a real registry: two instances share its tasks, one leaves in the middle and another comes, and what stands in the output
// topic in the end is what a naive account says.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, connectRegistry, KafkaStreams, kafkaSettingsFromEnv, NO_HEADERS, onKafka, partitionFor, Serdes, StreamsBuilder, type Broker, type Registry, type Topology } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';
import { naiveForeignKeyRows, nameIn, pairOf, type Update } from './foreign-key-reference.ts';

const PARTITIONS = { left: 3, right: 5, out: 1 };
const KEPT = { 'retention.ms': '-1' };
const row = (name: string) => ({ type: 'record' as const, name, fields: [{ name: 'text', type: 'string' as const }] });

let broker: Broker;
let registry: Registry;
let stateDir: string;

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  registry = connectRegistry({ url: process.env['SCHEMA_REGISTRY_URL']! });
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-foreign-key-'));
});

afterAll(async () => {
  registry.close();
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface Row {
  readonly text: string;
}

test('several instances agree on who belongs to whom', async () => {
  const applicationId = freshName('foreign-key');
  const topic = { left: `${applicationId}-left`, right: `${applicationId}-right`, out: `${applicationId}-out` };
  for (const name of ['left', 'right', 'out'] as const) await broker.admin.ensureTopics([{ topic: topic[name], partitions: PARTITIONS[name], config: KEPT }]);
  // Two schemas that are no versions of one another: each must have a subject of its own wherever it is written.
  const [order, customer, key, text] = [
    Serdes.avro<Row>({ registry, schema: row('OrderRow') }),
    Serdes.avro<Row>({ registry, schema: row('CustomerRow') }),
    Serdes.avro<Row>({ registry, schema: row('CustomerId') }),
    Serdes.string(),
  ];

  const nameOf = ({ text: value }: Row): Row | null => {
    const name = nameIn(value);
    return name === null ? null : { text: name };
  };
  const topology = (): Topology => {
    const builder = new StreamsBuilder();
    const left = builder.table(topic.left, { name: 'left', key: text, value: order });
    const right = builder.table(topic.right, { name: 'right', key, value: customer });
    left
      .foreignKeyJoin(right, nameOf, (own, other) => pairOf(own.text, other.text), { name: 'joined', key: text, value: order, foreignKey: key, otherValue: customer, result: text })
      .toStream()
      .to(topic.out, { key: text, value: text });
    return builder.build();
  };
  const start = async (name: string): Promise<KafkaStreams> => {
    const streams = new KafkaStreams(topology(), { applicationId, stateDir: join(stateDir, name), commitIntervalMs: 20, sessionTimeoutMs: 6_000 }, onKafka(broker));
    await streams.start();
    return streams;
  };

  await order.open!(topic.left, 'value');
  await customer.open!(topic.right, 'value');
  await key.open!(topic.right, 'key');
  const producer = broker.producer();
  const send = async (updates: readonly Update[]): Promise<void> => {
    await producer.send(
      updates.map(({ side, key: own, value, timestamp }) => {
        const keyBytes = side === 'left' ? text.serialize(topic.left, own) : key.serialize(topic.right, { text: own });
        const bytes = value === null ? null : (side === 'left' ? order : customer).serialize(topic[side], { text: value });
        return { topic: topic[side], partition: partitionFor(keyBytes, PARTITIONS[side]), key: keyBytes, value: bytes, timestamp, headers: NO_HEADERS };
      }),
    );
  };

  const updates: Update[] = Array.from({ length: 600 }, (_, index): Update => {
    const drawn = (index * 7919) % 1009;
    if (index % 4 === 0) return { side: 'right', key: `c${drawn % 5}`, value: drawn % 6 === 0 ? null : `name-${index}`, timestamp: index };
    return { side: 'left', key: `o${drawn % 20}`, value: drawn % 7 === 0 ? null : drawn % 11 === 0 ? ':nobody' : `c${drawn % 6}:${index}`, timestamp: index };
  });
  const rows = async (): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for (const record of await readTopic(broker, topic.out)) {
      if (record.value === null) found.delete(record.key!.toString());
      else found.set(record.key!.toString(), record.value.toString());
    }
    return found;
  };

  const first = await start('a');
  const second = await start('b');
  for (let at = 0; at < 300; at += 30) await send(updates.slice(at, at + 30));
  await second.close();
  for (let at = 300; at < 600; at += 30) await send(updates.slice(at, at + 30));
  const third = await start('c');
  const wanted = naiveForeignKeyRows('inner', updates);
  expect(wanted.size).toBeGreaterThan(3);
  await eventually(async () => JSON.stringify([...(await rows())].sort()) === JSON.stringify([...wanted].sort()), 'the rows of a naive account');
  await Promise.all([first.close(), third.close()]);
  await producer.close();
  expect(await rows()).toEqual(wanted);
});
