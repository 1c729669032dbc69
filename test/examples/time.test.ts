// The code of docs/time.md, run.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

interface Reading {
  readonly celsius: number;
  readonly measuredAt: number;
}

const readings = { key: Serdes.string(), value: Serdes.json<Reading>() };
const text = { key: Serdes.string(), value: Serdes.string() };

test('event time, bounded by the record\'s own timestamp', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('readings', {
      ...readings,
      timestamp: ({ value, timestamp }, partitionTime) => (value === null ? partitionTime : Math.min(value.measuredAt, timestamp)),
    })
    .to('out', readings);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('readings', readings);
  await input.pipeInput('boiler', { celsius: 90, measuredAt: 4_000 }, 5_000);
  await input.pipeInput('boiler', { celsius: 90, measuredAt: 9_000 }, 5_000);
  await input.pipeInput('boiler', null, 5_000);
  expect(driver.createOutputTopic('out', readings).readRecords().map(({ timestamp }) => timestamp)).toEqual([4_000, 5_000, 5_000]);
});

test('of several inputs the record with the lowest timestamp comes first', async () => {
  const builder = new StreamsBuilder();
  builder.stream('a', text).merge(builder.stream('b', text)).to('out', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('a', text).enqueue([{ key: 'k', value: 'a@5', timestamp: 5 }, { key: 'k', value: 'a@9', timestamp: 9 }]);
  await driver.createInputTopic('b', text).enqueue([{ key: 'k', value: 'b@7', timestamp: 7 }]);
  await driver.settle();
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['a@5', 'b@7', 'a@9']);
});

test('a task waits for an input that is empty, if it is told to', async () => {
  const builder = new StreamsBuilder();
  builder.stream('a', text).merge(builder.stream('b', text)).to('out', text);

  await using driver = await TopologyTestDriver.start(builder.build(), { maxTaskIdleMs: 1_000 });
  const output = driver.createOutputTopic('out', text);
  await driver.createInputTopic('a', text).pipeInput('k', 'a@5', 5);
  expect(output.readValues()).toEqual([]);
  await driver.createInputTopic('b', text).pipeInput('k', 'b@3', 3);
  expect(output.readValues()).toEqual(['b@3']);
  await driver.advanceWallClockTime(1_000);
  expect(output.readValues()).toEqual(['a@5']);
});
