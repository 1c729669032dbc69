// The code of docs/testing.md, run.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder, tumbling, type TimestampedValue } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

function shouting() {
  const builder = new StreamsBuilder();
  builder.stream('in', text).mapValues((line) => line?.toUpperCase() ?? null).to('out', text);
  return builder.build();
}

test('lines come out in capitals', async () => {
  await using driver = await TopologyTestDriver.start(shouting());
  const input = driver.createInputTopic('in', text);
  const output = driver.createOutputTopic('out', text);

  await input.pipeInput('a', 'hello');

  expect(output.readValues()).toEqual(['HELLO']);
});

function visits() {
  const builder = new StreamsBuilder();
  const byUser = builder.stream('visits', text).groupByKey({ name: 'by-user', ...text });
  byUser.count({ name: 'visits' }).toStream().to('visit-counts', long);
  byUser.windowedBy(tumbling({ sizeMs: 60_000, graceMs: 0 })).count({ name: 'per-minute' });
  return builder.build();
}

test('records with times, headers and nulls', async () => {
  await using driver = await TopologyTestDriver.start(visits());
  const input = driver.createInputTopic('visits', text);
  const output = driver.createOutputTopic('visit-counts', long);

  await input.pipeInput('ann', '/', 1_000);
  await input.pipeInput('ann', '/cart', 2_000, [['trace', Buffer.from('t-1')]]);
  await input.pipeInput('ann', null, 3_000);
  expect(output.readRecords()).toEqual([
    { key: 'ann', value: 1, timestamp: 1_000, headers: [] },
    { key: 'ann', value: 2, timestamp: 2_000, headers: [['trace', Buffer.from('t-1')]] },
  ]);
  expect(driver.metrics()['visits.dropped']).toBe(1);
});

test('many records at once, and topics side by side', async () => {
  await using driver = await TopologyTestDriver.start(visits());
  const input = driver.createInputTopic('visits', text);
  const output = driver.createOutputTopic('visit-counts', long);

  await input.pipeInputs([{ key: 'ann', value: '/', timestamp: 1_000 }, { key: 'bob', value: '/', timestamp: 2_000 }]);
  await input.enqueue([{ key: 'ann', value: '/cart', timestamp: 3_000 }]);
  expect(output.readValues()).toEqual([1, 1]);
  await driver.settle();
  expect(output.readValues()).toEqual([2]);
});

test('as production runs it: partitions, and commits now and then', async () => {
  await using driver = await TopologyTestDriver.start(visits(), { partitions: { visits: 3, 'visit-counts': 3 }, commitIntervalMs: 100, recordsPerRound: 1 });

  const input = driver.createInputTopic('visits', text);
  for (const user of ['ann', 'bob', 'eve']) await input.pipeInput(user, '/');
  expect(driver.createOutputTopic('visit-counts', long).readRecords().map(({ key }) => key).sort()).toEqual(['ann', 'bob', 'eve']);
});

test('stores', async () => {
  await using driver = await TopologyTestDriver.start(visits());
  await driver.createInputTopic('visits', text).pipeInput('ann', '/', 61_000);

  expect(driver.keyValueStore<string, number>('visits').get('ann')).toBe(1);
  const inMinute = driver.windowStore<string, TimestampedValue<number>>('per-minute').get('ann', 60_000);
  expect(inMinute).toEqual({ value: 1, timestamp: 61_000 });

  const all: string[] = [];
  for await (const { key, value } of driver.keyValueStore('visits').scan()) all.push(`${key}: ${value}`);
  expect(all).toEqual(['ann: 1']);
});

test('whatever crashes, counts go on', async () => {
  await using driver = await TopologyTestDriver.start(visits(), { partitions: 2 });
  const input = driver.createInputTopic('visits', text);
  const output = driver.createOutputTopic('visit-counts', long);

  await input.pipeInput('ann', '/');
  await driver.crash(); // the process dies and starts again: what is on disk is there
  await input.pipeInput('ann', '/');
  await driver.crash({ wipeState: true }); // on another computer: state comes from the changelog
  await input.pipeInput('ann', '/');

  expect(output.readValues()).toEqual([1, 2, 3]);
});

test('what stops the topology is thrown at the test', async () => {
  const builder = new StreamsBuilder();
  builder.stream('numbers', text).mapValues((line) => JSON.parse(line!) as number).to('out', long);

  await using driver = await TopologyTestDriver.start(builder.build());
  await expect(driver.createInputTopic('numbers', text).pipeInput('a', 'seven')).rejects.toThrow(/Unexpected token/);
});

test('with a dead-letter topic a record that cannot be read goes there', async () => {
  const builder = new StreamsBuilder();
  builder.stream('numbers', long).to('out', long);

  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead' });
  await driver.pipeBytes('numbers', Buffer.from('a'), Buffer.from('not eight bytes'));
  const [letter] = driver.createOutputTopic('dead', text).readRecords();
  expect(letter!.value).toBe('not eight bytes');
  expect(String(letter!.headers.find(([name]) => name === '__streams.errors.exception')![1])).toBe('UNDECODABLE');
});

test('one task, one stream time', async () => {
  await using driver = await TopologyTestDriver.start(visits(), { oneTask: true });
  await driver.createInputTopic('visits', text).pipeInput('ann', '/', 1_000);
  expect(driver.createOutputTopic('visit-counts', long).readValues()).toEqual([1]);
});
