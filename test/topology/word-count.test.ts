import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const counts = { key: Serdes.string(), value: Serdes.long() };

function wordCount() {
  const builder = new StreamsBuilder();
  builder
    .stream('lines', text)
    .flatMapValues((line) => (line ?? '').split(' '))
    .groupBy((word) => word, { name: 'words', ...text })
    .count({ name: 'counts' })
    .toStream()
    .to('counts', counts);
  return builder.build();
}

test('counts words through a repartition topic', async () => {
  await using driver = await TopologyTestDriver.start(wordCount(), { partitions: 3 });
  const lines = driver.createInputTopic('lines', text);
  const output = driver.createOutputTopic('counts', counts);
  await lines.pipeInput('k', 'a b a');
  await lines.pipeInput('k', 'b a');
  const latest = new Map(output.readRecords().map(({ key, value }) => [key, value]));
  expect(latest).toEqual(new Map([['a', 3], ['b', 2]]));
});

test('goes on counting after a crash, from local state and from the changelog alone', async () => {
  await using driver = await TopologyTestDriver.start(wordCount());
  const lines = driver.createInputTopic('lines', text);
  const output = driver.createOutputTopic('counts', counts);
  await lines.pipeInput('k', 'a');
  await driver.crash();
  await lines.pipeInput('k', 'a');
  await driver.crash({ wipeState: true });
  await lines.pipeInput('k', 'a');
  expect(output.readValues()).toEqual([1, 2, 3]);
});
