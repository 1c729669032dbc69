// The driver itself: it must end, and run what production runs.

import { expect, test } from 'vitest';
import { InvalidRecordError, Serdes, session, Stores, StreamsBuilder, tumbling, type Processor, type ProcessorContext, type Serde, type TimestampedValue, type Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

function merged(): Topology {
  const builder = new StreamsBuilder();
  builder.stream('a', text).merge(builder.stream('b', text)).to('out', text as never);
  return builder.build();
}

test('with maxTaskIdleMs a record waits for the other input until the clock has moved on, and the driver does not hang', async () => {
  await using driver = await TopologyTestDriver.start(merged(), { maxTaskIdleMs: 1_000 });
  const out = driver.createOutputTopic('out', text);
  await driver.createInputTopic('a', text).pipeInput('k', 'a@5', 5);
  expect(out.readValues()).toEqual([]);
  await driver.advanceWallClockTime(999);
  expect(out.readValues()).toEqual([]);
  await driver.createInputTopic('b', text).pipeInput('k', 'b@3', 3);
  expect(out.readValues()).toEqual(['b@3']);
  await driver.advanceWallClockTime(1_000);
  expect(out.readValues()).toEqual(['a@5']);
});

test('what a serde must look up first is waited for', async () => {
  let isKnown = false;
  const slow: Serde<string> = {
    ...Serdes.string(),
    prepare: () => (isKnown ? undefined : new Promise((resolve) => setTimeout(() => resolve(void (isKnown = true)), 20))),
    deserialize(topic, data) {
      if (!isKnown) throw new Error('too early');
      return Serdes.string().deserialize(topic, data);
    },
  };
  const builder = new StreamsBuilder();
  builder.stream('in', { key: text.key, value: slow }).to('out', text as never);
  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('in', text).pipeInput('k', 'v');
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['v']);
});

test('a wall-clock punctuator may write before the first record has come', async () => {
  const seen = Stores.keyValue({ name: 'seen', ...text });
  const ticking = (): Processor<string | null, string | null, string, string> => {
    let context: ProcessorContext<string, string>;
    return {
      init(given) {
        context = given;
        context.schedule({ type: 'wall-clock', intervalMs: 100 }, () => context.store(seen).put('tick', `${context.wallClockTime()}`));
      },
      process: () => {},
    };
  };
  const builder = new StreamsBuilder();
  builder.stream('in', text).process(ticking, { name: 'ticking', stores: [seen] });
  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.advanceWallClockTime(100);
  expect(driver.store(seen).entry('tick')).toEqual({ value: '100', timestamp: 0 });
  await driver.crash({ wipeState: true });
  expect(driver.store(seen).entry('tick')).toEqual({ value: '100', timestamp: 0 });
});

test('a stream-time punctuator fires once for each due time, crashes or not', async () => {
  const firing = (): Processor<string | null, string | null, string, string> => {
    let context: ProcessorContext<string, string>;
    return {
      init(given) {
        context = given;
        context.schedule({ type: 'stream-time', intervalMs: 10 }, (now) => context.forward({ key: 'k', value: `fired@${now}`, timestamp: now, headers: [] }));
      },
      process: () => {},
    };
  };
  const builder = new StreamsBuilder();
  builder.stream('in', text).process(firing, { name: 'firing' }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('in', text);
  const out = driver.createOutputTopic('out', text);
  for (const time of [3, 12]) await input.pipeInput('k', 'v', time);
  await driver.crash();
  for (const time of [13, 9, 20, 21]) await input.pipeInput('k', 'v', time);
  expect(out.readValues()).toEqual(['fired@3', 'fired@12', 'fired@20']);
});

test('what is remembered is remembered across crashes, with local state and without, and so is how late a record is', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', text).dedupe({ name: 'once', id: (value) => value!, retentionMs: 100, serde: Serdes.string() }).to('out', text as never);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('in', text);
  await input.pipeInput('k', 'new', 10_000);
  await input.pipeInput('k', 'old', 1);
  const before = driver.createOutputTopic('out', text).readValues();
  for (const wipeState of [false, true]) {
    await driver.crash({ wipeState });
    await input.pipeInput('k', 'new', 10_050);
    await input.pipeInput('k', 'old', 1);
  }
  expect(driver.createOutputTopic('out', text).readValues()).toEqual([...before, 'old', 'old']);
});

test('an invalid record leaves no trace but its dead letter, whatever it had done before it threw', async () => {
  const store = Stores.keyValue({ name: 'store', ...text });
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', text);
  stream.to('out', text as never);
  stream.process(
    (): Processor<string | null, string | null, string, string> => {
      let context: ProcessorContext<string, string>;
      return {
        init: (given) => void (context = given),
        process({ key, value }) {
          context.store(store).put(key!, value!);
          if (value === 'bad') throw new InvalidRecordError('bad value');
        },
      };
    },
    { name: 'checking', stores: [store] },
  );
  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead' });
  const input = driver.createInputTopic('in', text);
  for (const value of ['good', 'bad']) await input.pipeInput('k', value, 7);
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['good']);
  expect(driver.store(store).get('k')).toBe('good');
  const [letter] = driver.createOutputTopic('dead', text).readRecords();
  expect(letter).toMatchObject({ key: 'k', value: 'bad', timestamp: 7 });
  expect(Object.fromEntries(letter!.headers.map(([name, value]) => [name, String(value)]))).toEqual({
    '__streams.errors.exception': 'INVALID_RECORD',
    '__streams.errors.message': 'bad value',
    '__streams.errors.topic': 'in',
    '__streams.errors.partition': '0',
    '__streams.errors.offset': '1',
  });
  expect(driver.metrics()).toMatchObject({ 'dead-letters': 1, records: 2 });
});

test('as one task, offsets have no gaps: those of records are counted, as in Kafka Streams\' own driver; else the end of each transaction takes one', async () => {
  const placing = (): Processor<string, string | null, string, string> => {
    let context: ProcessorContext<string, string>;
    return {
      init: (given) => void (context = given),
      process: (record) => context.forward({ ...record, value: `${context.source()!.topic}@${context.source()!.offset}` }),
    };
  };
  const builder = new StreamsBuilder();
  builder.stream('in', text).repartition({ name: 'again', ...text }).processValues<string>(placing, { name: 'placing' }).to('out', text);
  const topology = builder.build();
  const offsets = async (oneTask: boolean): Promise<(string | null)[]> => {
    await using driver = await TopologyTestDriver.start(topology, { oneTask });
    for (const value of ['a', 'b', 'c']) await driver.createInputTopic('in', text).pipeInput('k', value);
    return driver.createOutputTopic('out', text).readValues();
  };
  expect(await offsets(true)).toEqual([0, 1, 2].map((offset) => `test-again-repartition@${offset}`));
  expect(await offsets(false)).toEqual([0, 2, 4].map((offset) => `test-again-repartition@${offset}`));
});

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

test('stores are found by name and kind, and an error says what there is', async () => {
  const builder = new StreamsBuilder();
  const group = builder.stream('in', text).groupByKey({ name: 'by', ...text });
  group.count({ name: 'counts' });
  group.windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).count({ name: 'per-window', retentionMs: 100 });
  group.windowedBy(session({ gapMs: 10, graceMs: 0 })).count({ name: 'per-session', retentionMs: 100 });
  builder.table('rows', { name: 'rows', historyMs: 100, ...text });
  builder.table('unread', { name: 'unread', ...text });
  await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { rows: 2 } });
  for (const time of [1, 2, 13]) await driver.createInputTopic('in', text).pipeInput('k', 'v', time);
  for (const key of KEYS) await driver.createInputTopic('rows', text).pipeInput(key, 'v', 5);
  expect(driver.keyValueStore<string, number>('counts').get('k')).toBe(3);
  expect(driver.windowStore<string, TimestampedValue<number>>('per-window').get('k', 0)).toEqual({ value: 2, timestamp: 2 });
  expect(driver.sessionStore<string, number>('per-session').get('k', 1, 2)).toBe(2);
  expect(driver.sessionStore<string, number>('per-session').findSessions('k', 0, 100)).toHaveLength(2);
  const rows = [0, 1].map((partition) => KEYS.filter((key) => driver.versionedStore('rows', partition).get(key, 5) !== undefined));
  expect(rows.flat().sort()).toEqual(KEYS);
  expect(rows.map(({ length }) => length)).not.toContain(0);
  expect(() => driver.windowStore('counts')).toThrow('The store "counts" is of the kind keyValue, not window.');
  expect(() => driver.keyValueStore('unread')).toThrow(/has no store "unread". It has: counts, .*rows\. Tables are only stored where.*"materialized: true"/);
});
