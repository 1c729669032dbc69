// Instances with global tables: nothing is processed before the tables are there, each instance has them whole, and trouble with them is no trouble of the tasks.

import { beforeEach, expect, test } from 'vitest';
import { KafkaStreams, NO_HEADERS, partitionFor, Serdes, StreamsBuilder, type Broker } from 'millrace';
import { FaultyBroker, InMemoryCluster, LateCommits, Lifeline, MemoryStateDirectory, TopologyTestDriver } from 'millrace/testing';
import { GLOBAL_TABLES } from '../../src/ports/state-directory.ts';
import { storePrefix } from '../../src/state/store-overlay.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

let cluster: InMemoryCluster;
beforeEach(async () => {
  cluster = new InMemoryCluster();
  await cluster.connect().admin.ensureTopics([{ topic: 'in', partitions: 2 }, { topic: 'rows', partitions: 3 }, { topic: 'out', partitions: 1 }]);
});

function topology() {
  const builder = new StreamsBuilder();
  const rows = builder.globalTable('rows', { name: 'rows', ...text });
  builder.stream('in', text).leftJoin(rows, (value) => value, (value, row) => `${value}=${row}`).to('out', text);
  return builder.build();
}

async function write(topic: string, records: Readonly<Record<string, string | null>>): Promise<void> {
  const partitions = cluster.topics.get(topic)!.length;
  await cluster.connect().producer().send(
    Object.entries(records).map(([key, value]) => ({ topic, partition: partitionFor(Buffer.from(key), partitions), key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp: 1, headers: NO_HEADERS })),
  );
}

function written(): string[] {
  return cluster.topics.get('out')![0]!.slots.flatMap(({ record, transaction }) => (record === undefined || transaction?.state === 'aborted' ? [] : [record.value!.toString()])).sort();
}

function instance(place: string, broker: Broker = cluster.connect()): KafkaStreams {
  return new KafkaStreams(topology(), { applicationId: 'app' }, { broker, clock: { now: () => Date.now() }, openStateDirectory: async () => new MemoryStateDirectory(place) });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('every instance has all rows: each record finds its row, whichever instance it comes to', async () => {
  const rows = Object.fromEntries(KEYS.map((key) => [key, `row ${key}`]));
  await write('rows', rows);
  const instances = [instance('one'), instance('two')];
  await Promise.all(instances.map((each) => each.start()));
  await until(() => instances.every(({ state }) => state === 'RUNNING'));
  // Keys by one order, rows by another: what a partition of the stream needs is in any partition of the table.
  await write('in', Object.fromEntries(KEYS.map((key, at) => [key, KEYS[(at + 1) % KEYS.length]!])));
  await until(() => written().length === KEYS.length);
  await Promise.all(instances.map((each) => each.close()));
  expect(written()).toEqual(KEYS.map((key) => `${key}=row ${key}`));
  expect(instances.map((each) => each.metrics()['records'] ?? 0).every((records) => records > 0)).toBe(true);
});

test('records that were there first wait until the tables have been read, however slowly that goes', async () => {
  await write('in', { k: 'a', l: 'f' });
  await write('rows', Object.fromEntries(KEYS.map((key) => [key, `row ${key}`])));
  const plan = { fault: () => undefined, travel: async () => {}, deliver: (arrived: number) => Math.min(arrived, 1) };
  const streams = instance('one', new FaultyBroker(cluster.connect(), { plan, life: new Lifeline(), late: new LateCommits() }));
  await streams.start();
  await until(() => written().length === 2);
  await streams.close();
  expect(written()).toEqual(['a=row a', 'f=row f']);
});

test('an instance can be closed while it still reads them', async () => {
  await write('rows', { a: 'row a' });
  const plan = { fault: () => undefined, travel: async () => {}, deliver: () => 0 };
  const streams = instance('one', new FaultyBroker(cluster.connect(), { plan, life: new Lifeline(), late: new LateCommits() }));
  const starting = streams.start();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await streams.close();
  await starting;
  expect(streams.state).toBe('NOT_RUNNING');
});

test('damage found by a record is mended, and the record is processed', async () => {
  const directory = new MemoryStateDirectory();
  const warnings: string[] = [];
  const streams = new KafkaStreams(topology(), { applicationId: 'app' }, {
    broker: cluster.connect(),
    clock: { now: () => Date.now() },
    openStateDirectory: async () => directory,
    log: (level, message) => void (level === 'warn' && warnings.push(message)),
  });
  await write('rows', { a: 'row a' });
  await streams.start();
  await until(() => streams.state === 'RUNNING');
  const database = await directory.open(GLOBAL_TABLES);
  await database.write([{ key: Buffer.concat([storePrefix('rows'), Buffer.from('a')]), value: Buffer.of(99) }]);
  await write('in', { k: 'a' });
  await until(() => written().length === 1);
  await streams.close();
  expect(written()).toEqual(['a=row a']);
  expect(warnings.join()).toMatch(/global/);
});

test('in a test driver, rows outlive a crash, with local state and without', async () => {
  await using driver = await TopologyTestDriver.start(topology(), { partitions: { in: 2, rows: 3 } });
  const rows = driver.createInputTopic('rows', text);
  const out = driver.createOutputTopic('out', text);
  for (const key of KEYS) await rows.pipeInput(key, `row ${key}`);
  for (const wipeState of [false, true]) {
    await driver.crash({ wipeState });
    await driver.createInputTopic('in', text).pipeInput('k', 'c');
    expect(out.readValues()).toEqual(['c=row c']);
  }
  await driver.advanceWallClockTime(10 * 86_400_000);
  await driver.createInputTopic('in', text).pipeInput('k', 'd');
  expect(out.readValues()).toEqual(['d=row d']);
});
