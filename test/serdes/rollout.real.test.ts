// A schema changes while the application runs: instances on the old and on the new version side by side, on a real Kafka and a real registry.
// Records go from each version to the other through a repartition topic, and state through a changelog.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectKafka, connectRegistry, kafkaSettingsFromEnv, KafkaStreams, NO_HEADERS, onKafka, partitionFor, Serdes, StreamsBuilder, type AvroSchema, type Broker, type Registry } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const PARTITIONS = 4;
const CUSTOMERS = 23;
const ORDERS = 400;

const V1 = schema('Sale', [{ name: 'order', type: 'string' }, { name: 'customer', type: 'string' }, { name: 'cents', type: 'long' }]);
const V2 = { ...V1, fields: [...(V1['fields'] as object[]), { name: 'channel', type: 'string', default: 'unknown' }] };
const TOTAL_V1 = schema('Total', [{ name: 'cents', type: 'long' }, { name: 'sales', type: 'int' }]);
const TOTAL_V2 = { ...TOTAL_V1, fields: [...(TOTAL_V1['fields'] as object[]), { name: 'lastChannel', type: 'string', default: 'unknown' }] };
type Version = 1 | 2;

interface Sale {
  readonly order: string;
  readonly customer: string;
  readonly cents: number;
  readonly channel?: string;
}
interface Total {
  readonly cents: number;
  readonly sales: number;
  readonly lastChannel?: string;
}

let broker: Broker;
let stateDir: string;
const running = new Set<{ streams: KafkaStreams; broker: Broker; registry: Registry }>();

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-rollout-'));
});
afterEach(async () => {
  for (const instance of [...running]) await stop(instance);
});
afterAll(async () => {
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface App {
  readonly id: string;
  readonly input: string;
  readonly output: string;
  readonly deadLetters: string;
}

async function newApp(): Promise<App> {
  const id = freshName('rollout');
  const app = { id, input: `${id}-in`, output: `${id}-out`, deadLetters: `${id}-dlq` };
  await broker.admin.ensureTopics([app.input, app.output, app.deadLetters].map((topic) => ({ topic, partitions: PARTITIONS, config: { 'retention.ms': '-1' } })));
  return app;
}

/** By order: the version that read the sale, and the version that counted it, on the other side of the repartition topic. */
interface Ways {
  readonly read: Map<string, Version>;
  readonly counted: Map<string, Version>;
}

/** Sales by order become totals by customer. What the code of version 2 knows more than that of version 1 is the channel. */
function topology(app: App, version: Version, registry: Registry, ways: Ways) {
  const text = Serdes.string();
  const sales = { key: text, value: Serdes.avro<Sale>({ registry, schema: version === 1 ? V1 : V2 }) };
  const totals = { key: text, value: Serdes.avro<Total>({ registry, schema: version === 1 ? TOTAL_V1 : TOTAL_V2 }) };
  const builder = new StreamsBuilder();
  builder
    .stream(app.input, sales)
    .filter((sale) => sale !== null)
    .peek((sale) => void ways.read.set(sale.order, version))
    .mapValues((sale) => (version === 1 ? sale : { ...sale, channel: `${sale.channel}, seen by 2` }))
    .groupBy((sale) => sale.customer, { name: 'by-customer', ...sales })
    .aggregate<Total>({
      name: 'totals',
      value: totals.value,
      initial: () => (version === 1 ? { cents: 0, sales: 0 } : { cents: 0, sales: 0, lastChannel: 'none' }),
      add: (sale, { cents, sales: count }) => {
        ways.counted.set(sale.order, version);
        return { cents: cents + sale.cents, sales: count + 1, ...(version === 1 ? {} : { lastChannel: sale.channel! }) };
      },
    })
    .toStream()
    .to(app.output, totals);
  return builder.build();
}

async function start(app: App, version: Version, dir: string = `v${version}`, ways: Ways = { read: new Map(), counted: new Map() }) {
  const own = connectKafka(kafkaSettingsFromEnv(process.env));
  const registry = connectRegistry({ url: process.env['SCHEMA_REGISTRY_URL'] ?? '' });
  const settings = { applicationId: app.id, stateDir: join(stateDir, app.id, dir), deadLetterTopic: app.deadLetters, commitIntervalMs: 50 };
  const streams = new KafkaStreams(topology(app, version, registry, ways), settings, onKafka(own));
  const instance = { streams, broker: own, registry };
  running.add(instance);
  await streams.start();
  return instance;
}

async function stop(instance: { streams: KafkaStreams; broker: Broker; registry: Registry }): Promise<void> {
  running.delete(instance);
  await instance.streams.close();
  instance.registry.close();
  await instance.broker.close();
}

/** Half of the sales are written by a producer of version 1, half by one of version 2. */
async function sell(app: App, from: number, count: number): Promise<void> {
  const registry = connectRegistry({ url: process.env['SCHEMA_REGISTRY_URL'] ?? '' });
  const producer = broker.producer();
  const serdes = { 1: Serdes.avro<Sale>({ registry, schema: V1 }), 2: Serdes.avro<Sale>({ registry, schema: V2 }) };
  await serdes[1].open!(app.input, 'value');
  await serdes[2].open!(app.input, 'value');
  const records = Array.from({ length: count }, (_, index) => {
    const n = from + index;
    const key = Buffer.from(`order-${n}`);
    const sale = { order: `order-${n}`, customer: `customer-${n % CUSTOMERS}`, cents: n };
    const value = n % 2 === 0 ? serdes[1].serialize(app.input, sale) : serdes[2].serialize(app.input, { ...sale, channel: 'web' });
    return { topic: app.input, partition: partitionFor(key, PARTITIONS), key, value, timestamp: Date.now(), headers: NO_HEADERS };
  });
  await producer.send(records);
  await producer.close();
  registry.close();
}

/** All totals that were ever told, decoded by a reader of version 2, by customer. */
async function totals(app: App): Promise<Map<string, Total[]>> {
  const registry = connectRegistry({ url: process.env['SCHEMA_REGISTRY_URL'] ?? '' });
  const serde = Serdes.avro<Total>({ registry, schema: TOTAL_V2 });
  const found = new Map<string, Total[]>();
  for (const { key, value } of await readTopic(broker, app.output)) {
    await serde.prepare!(app.output, value!);
    found.set(key!.toString(), [...(found.get(key!.toString()) ?? []), serde.deserialize(app.output, value!)]);
  }
  registry.close();
  return found;
}

/** Each sale counted exactly once: a customer's n-th total says n sales, and the last one has all their cents. Nothing is a dead letter. */
async function expectAllCounted(app: App, sold: number): Promise<void> {
  await eventually(async () => (await readTopic(broker, app.output)).length >= sold, `${sold} totals`);
  const found = await totals(app);
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const sales = Array.from({ length: sold }, (_, n) => n).filter((n) => n % CUSTOMERS === customer);
    const told = found.get(`customer-${customer}`)!;
    expect(told.map((total) => total.sales)).toEqual(sales.map((_, at) => at + 1));
    expect(told.at(-1)!.cents).toBe(sales.reduce((sum, n) => sum + n, 0));
  }
  expect(await readTopic(broker, app.deadLetters)).toEqual([]);
}

async function share(app: App, instances: readonly { streams: KafkaStreams }[]): Promise<void> {
  await eventually(() => instances.every(({ streams }) => streams.state === 'RUNNING'), `${instances.length} instances of ${app.id} to run`);
}

test('two instances of one application, one on each version: each reads what the other writes, and none is missed', async () => {
  const crossings = new Set<string>();
  // Who starts first may get all tasks before the repartition topic, and who comes later those behind it: both orders, so that records go both ways.
  for (const versions of [[1, 2], [2, 1]] as const) {
    const app = await newApp();
    const ways: Ways = { read: new Map(), counted: new Map() };
    const instances = [await start(app, versions[0], 'first', ways), await start(app, versions[1], 'second', ways)];
    await share(app, instances);
    await sell(app, 0, ORDERS);
    await expectAllCounted(app, ORDERS);
    for (const [order, version] of ways.read) crossings.add(`${version} to ${ways.counted.get(order)}`);
    for (const instance of instances) await stop(instance);
  }
  expect([...crossings]).toEqual(expect.arrayContaining(['1 to 2', '2 to 1']));
});

test('a rollout from version 1 to 2 and back, instance by instance: state that one version wrote is read by the other', async () => {
  const app = await newApp();
  let sold = 0;
  const sellAndCount = async (): Promise<void> => {
    await sell(app, sold, 100);
    sold += 100;
    await expectAllCounted(app, sold);
  };

  const first = await start(app, 1, 'a');
  await share(app, [first]);
  await sellAndCount();

  const second = await start(app, 2, 'b'); // takes over half of the state, which version 1 wrote
  await share(app, [first, second]);
  await sellAndCount();

  await stop(second); // going back: version 1 takes over what version 2 wrote, and was there before that was registered
  await sellAndCount();

  const third = await start(app, 2, 'b');
  await share(app, [first, third]);
  await stop(first);
  await sellAndCount(); // version 2 alone, with all state

  const fourth = await start(app, 1, 'c'); // going back again, in a new process with an empty disk
  await share(app, [third, fourth]);
  await stop(third);
  await sellAndCount();

  const fifth = await start(app, 2, 'c'); // while its predecessor still runs: on a place of its own in the same folder
  await share(app, [fourth, fifth]);
  await stop(fourth);
  await stop(fifth);
  const sixth = await start(app, 2, 'c'); // version 2 on the disk of both
  await share(app, [sixth]);
  await sellAndCount();
});

function schema(name: string, fields: readonly object[]): AvroSchema {
  return { type: 'record', name, namespace: 'rollout', fields };
}
