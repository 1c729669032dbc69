// Sinks whose topic a function names: topics that nobody knew before, that do not exist, that take less than is written.

import { describe, expect, test } from 'vitest';
import { KafkaStreams, NO_HEADERS, partitionFor, Serdes, Stores, StreamsBuilder, TaskFailedError, type Serde, type StreamsSettings, type Topology } from 'millrace';
import { InMemoryCluster, MemoryStateDirectory, TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const plain = Serdes.string();

/** Each record to the topic that its value begins with: `orders:x`. */
function routing(serde: Serde<string> = plain, partitioner?: (key: string | null, value: string | null, partitions: number) => number): Topology {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', text);
  stream.to((value) => value!.split(':')[0]!, { key: text.key, value: serde, ...(partitioner === undefined ? {} : { partitioner }) });
  return builder.build();
}

describe('the topic that a function names', () => {
  test('is created by the driver when first needed, with as many partitions as it is told; keys stand where Java would put them, from the first on', async () => {
    await using driver = await TopologyTestDriver.start(routing(), { partitions: { in: 1, many: 3 } });
    const input = driver.createInputTopic('in', text);
    await input.pipeInputs(['a', 'b', 'c', 'd', null].map((key) => ({ key, value: `many:${key}`, timestamp: 4 })));
    await driver.crash();
    for (const key of ['a', 'b', 'c', 'd']) await input.pipeInput(key, `many:${key} again`, 5);
    await input.pipeInput('a', 'one:x', 6);
    const of = (key: string | null): number => (key === null ? 0 : partitionFor(Buffer.from(key), 3));
    const expected = [0, 1, 2].flatMap((partition) => {
      const here = ['a', 'b', 'c', 'd', null].filter((key) => of(key) === partition);
      return [...here.map((key) => `many:${key}`), ...here.filter((key) => key !== null).map((key) => `many:${key} again`)];
    });
    expect(driver.createOutputTopic('many', text).readValues()).toEqual(expected);
    expect(driver.createOutputTopic('one', text).readRecords()).toEqual([{ key: 'a', value: 'one:x', timestamp: 6, headers: [] }]);
  });

  test('may depend on value, key, timestamp and headers, and may be one that the topology reads itself', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', text).to((value, key, { timestamp, headers }) => `${value}-${key}-${timestamp}-${headers.length}`, text);
    builder.stream('v-back-7-0', text).to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build());
    const input = driver.createInputTopic('in', text);
    await input.pipeInput('k', 'v', 5, [['h', null]]);
    await input.pipeInput('back', 'v', 7);
    expect(driver.createOutputTopic('v-k-5-1', text).readValues()).toEqual(['v']);
    expect(driver.createOutputTopic('out', text).readValues()).toEqual(['v']);
  });

  test('keeps the order of records, whether its topic is known already or not', async () => {
    await using driver = await TopologyTestDriver.start(routing(), { recordsPerRound: 4 });
    await driver.createInputTopic('in', text).pipeInputs([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => ({ key: 'k', value: `${n % 3 === 0 ? 'x' : 'y'}:${n}` })));
    expect(driver.createOutputTopic('x', text).readValues()).toEqual(['x:3', 'x:6', 'x:9']);
    expect(driver.createOutputTopic('y', text).readValues()).toEqual(['y:1', 'y:2', 'y:4', 'y:5', 'y:7', 'y:8']);
  });

  test.each(['', '..', 'a b', 'x'.repeat(250)])('is refused where it is no name (%j), while the record is processed', async (name) => {
    await using driver = await TopologyTestDriver.start(routing());
    await expect(driver.createInputTopic('in', text).pipeInput('k', `${name}:x`)).rejects.toThrow(/names the topic at "KSTREAM-SINK-0000000001" answered .*answer 1 to 249 letters/);
  });

  test('has its schemas looked up before anything is written to it', async () => {
    const opened: string[] = [];
    const registered: Serde<string> = {
      ...text.value,
      open: async (topic, side) => void opened.push(`${topic} ${side}`),
      serialize(topic, data) {
        if (!opened.includes(`${topic} value`)) throw new Error(`${topic} is not open`);
        return text.value.serialize(topic, data);
      },
    };
    await using driver = await TopologyTestDriver.start(routing(registered));
    const input = driver.createInputTopic('in', text);
    for (const value of ['x:1', 'y:1', 'x:2']) await input.pipeInput('k', value);
    expect(driver.createOutputTopic('x', text).readValues()).toEqual(['x:1', 'x:2']);
    expect(opened).toEqual(['x value', 'y value']);
  });

  test('has its partitions chosen by a partitioner of one\'s own', async () => {
    await using driver = await TopologyTestDriver.start(routing(plain, (_key, value, partitions) => (value!.endsWith('last') ? partitions - 1 : 0)), { partitions: { in: 1, x: 2 } });
    const input = driver.createInputTopic('in', text);
    await input.pipeInputs(['x:last', 'x:first', 'x:last'].map((value) => ({ key: 'k', value })));
    await input.pipeInput('k', 'x:first');
    expect(driver.createOutputTopic('x', text).readValues()).toEqual(['x:first', 'x:first', 'x:last', 'x:last']);
  });
});

/** A broker that creates nothing by itself, counted by the topics that somebody asks about. */
class Outside {
  readonly cluster = new InMemoryCluster();
  readonly asked: string[] = [];

  static async with(...topics: string[]): Promise<Outside> {
    const outside = new Outside();
    await outside.cluster.connect().admin.ensureTopics(topics.map((topic) => ({ topic, partitions: 1 })));
    return outside;
  }

  async write(values: readonly string[]): Promise<void> {
    await this.cluster.connect().producer().send(values.map((value, at) => ({ topic: 'in', partition: 0, key: Buffer.from('k'), value: Buffer.from(value), timestamp: at, headers: NO_HEADERS })));
  }

  start(topology: Topology, settings: Partial<StreamsSettings> = {}): KafkaStreams {
    const broker = this.cluster.connect();
    const count = broker.admin.partitionCount.bind(broker.admin);
    broker.admin.partitionCount = (topic) => {
      this.asked.push(topic);
      return count(topic);
    };
    return new KafkaStreams(topology, { applicationId: 'app', ...settings }, { broker, clock: { now: () => Date.now() }, openStateDirectory: async () => new MemoryStateDirectory() });
  }

  values(topic: string): string[] {
    return this.cluster.topics.get(topic)!.flatMap((log) => log.slots.slice(0, log.lastStableOffset).flatMap(({ record, transaction }) => (record === undefined || transaction?.state === 'aborted' ? [] : [String(record.value)])));
  }
}

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
};

describe('a topic that does not exist', () => {
  test('stops the task at the record that was meant for it, by an error that names the topic and what to do', async () => {
    const outside = await Outside.with('in', 'x');
    await outside.write(['x:1', 'nowhere:2']);
    const streams = outside.start(routing());
    await streams.start();
    const failure = await streams.closed().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TaskFailedError);
    expect((failure as Error).message).toMatch(/Task 0_0 stopped at record in-0@1: .*topic "nowhere", which the function at "KSTREAM-SINK-0000000001" has named, and which does not exist\. Create the topic and start again, or name another/);
    expect((failure as TaskFailedError).cause).toMatchObject({ code: 'UNKNOWN_TOPIC', remedy: 'fix-settings', topic: 'nowhere' });
    expect(outside.values('x')).toEqual([]);
  });

  test('costs only its record where the error policy says so; each topic is asked for once', async () => {
    const outside = await Outside.with('in', 'x', 'y', 'dead');
    await outside.write(['x:1', 'nowhere:2', 'y:3', 'nowhere:4', 'x:5']);
    const streams = outside.start(routing(), { deadLetterTopic: 'dead', errors: { processing: () => 'dlq' } });
    await streams.start();
    await until(() => outside.values('x').length === 2);
    await streams.close();
    expect([outside.values('x'), outside.values('y'), outside.values('dead')]).toEqual([['x:1', 'x:5'], ['y:3'], ['nowhere:2', 'nowhere:4']]);
    expect(outside.asked.filter((topic) => ['x', 'y', 'nowhere'].includes(topic)).sort()).toEqual(['nowhere', 'x', 'y']);
  });

  test('leaves no trace of its record in stores either, though the record was processed once before the topic was looked up', async () => {
    const outside = await Outside.with('in', 'x', 'dead');
    await outside.write(['x:1', 'nowhere:2', 'x:3']);
    const counts = Stores.keyValue({ name: 'counts', key: Serdes.string(), value: Serdes.long() });
    const builder = new StreamsBuilder();
    builder
      .stream('in', text)
      .processValues<string>(
        () => {
          let count: (value: string) => string;
          let forward: (record: any) => void;
          return {
            init(context) {
              const store = context.store(counts);
              count = (value) => {
                store.put('all', (store.get('all') ?? 0) + 1);
                return `${value} is number ${store.get('all')}`;
              };
              forward = (record) => context.forward(record);
            },
            process: (record) => forward({ ...record, value: count(record.value!) }),
          };
        },
        { name: 'counting', stores: [counts] },
      )
      .to((value) => value.split(':')[0]!, text);
    const streams = outside.start(builder.build(), { deadLetterTopic: 'dead', errors: { processing: () => 'dlq' } });
    await streams.start();
    await until(() => outside.values('x').length === 2);
    await streams.close();
    expect(outside.values('x')).toEqual(['x:1 is number 1', 'x:3 is number 2']);
  });
});

test('what is too large for a topic that was only looked up for the commit is found at the record it came from', async () => {
  const bytes = { key: Serdes.string(), value: Serdes.buffer() };
  const builder = new StreamsBuilder();
  builder.stream('in', bytes).flatMapValues((value) => [value, Buffer.concat([value!, value!])]).to((value) => (value!.length > 100 ? 'large' : 'small'), bytes);
  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead' });
  await driver.createInputTopic('in', bytes).pipeInputs([Buffer.alloc(10), Buffer.alloc(0.6 * 1024 * 1024), Buffer.alloc(20)].map((value) => ({ key: 'k', value })));
  const sizes = (topic: string): (number | undefined)[] => driver.createOutputTopic(topic, bytes).readValues().map((value) => value?.length);
  expect([sizes('small'), sizes('large'), sizes('dead')]).toEqual([[10, 20, 20, 40], [], [0.6 * 1024 * 1024].map(Math.floor)]);
  expect(driver.metrics()).toMatchObject({ 'dead-letters': 1, recoveries: 1 });
});

test('a partitioner that answers nonsense for such a topic is the record\'s error too', async () => {
  await using driver = await TopologyTestDriver.start(routing(plain, (_key, value) => (value === 'x:bad' ? 7 : 0)), { deadLetterTopic: 'dead', errors: { processing: () => 'dlq' } });
  await driver.createInputTopic('in', text).pipeInputs(['x:1', 'x:bad', 'x:2'].map((value) => ({ key: 'k', value })));
  expect(driver.createOutputTopic('x', text).readValues()).toEqual(['x:1', 'x:2']);
  expect(driver.createOutputTopic('dead', text).readValues()).toEqual(['x:bad']);
});
