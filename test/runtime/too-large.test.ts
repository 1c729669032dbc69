// What is too large for its topic is the fault of one record, found in time: not of a commit that would fail again after every restart.

import { expect, test } from 'vitest';
import { Serdes, Stores, StreamsBuilder, type KeyValueStore, type Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const MIB = 1024 * 1024;
const bytes = { key: Serdes.string(), value: Serdes.buffer() };

function doubling(): Topology {
  const builder = new StreamsBuilder();
  builder.stream('in', bytes).mapValues((value) => Buffer.concat([value!, value!])).to('out', bytes as never);
  return builder.build();
}

const headerOf = (headers: readonly (readonly [string, Buffer | null])[], name: string) => headers.find(([found]) => found === `__streams.errors.${name}`)?.[1]?.toString();

test('an output that its topic would refuse sends the input to the dead letters, and processing goes on', async () => {
  await using driver = await TopologyTestDriver.start(doubling(), { deadLetterTopic: 'dead' });
  const input = driver.createInputTopic('in', bytes);
  await input.pipeInput('large', Buffer.alloc(0.6 * MIB));
  await input.pipeInput('small', Buffer.alloc(10));
  const dead = driver.createOutputTopic('dead', bytes).readRecords();
  expect(dead.map(({ key, headers }) => [key, headerOf(headers, 'exception')])).toEqual([['large', 'RECORD_TOO_LARGE']]);
  expect(driver.createOutputTopic('out', bytes).readRecords().map(({ key }) => key)).toEqual(['small']);
});

test('a dead letter that would itself be too large goes without the bytes, and says where they are', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', { ...bytes, value: Serdes.json<object>() }).foreach(() => {});
  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead' });
  await driver.pipeBytes('in', Buffer.from('k'), Buffer.alloc(MIB, 0x7b));
  const [letter] = driver.createOutputTopic('dead', bytes).readRecords();
  expect(letter!.value).toBeNull();
  expect(headerOf(letter!.headers, 'omitted')).toMatch(/value 1048576 bytes.*still at in-0@0/);
});

test('an error message does not carry the whole record along', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', bytes).foreach(() => { throw new RangeError('x'.repeat(MIB)); });
  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead', errors: { processing: () => 'dlq' } });
  await driver.createInputTopic('in', bytes).pipeInput('k', Buffer.alloc(1));
  const [letter] = driver.createOutputTopic('dead', bytes).readRecords();
  expect(headerOf(letter!.headers, 'message')!.length).toBeLessThan(3_000);
});

test('a store entry that outgrows its changelog is the fault of the record that made it so', async () => {
  const all = Stores.keyValue({ name: 'all', key: Serdes.string(), value: Serdes.buffer() });
  const builder = new StreamsBuilder();
  builder.stream('in', bytes).process(
    () => {
      let store: KeyValueStore<string, Buffer>;
      return {
        init: (context) => void (store = context.store(all)),
        process: ({ key, value }) => store.put(key!, Buffer.concat([store.get(key!) ?? Buffer.alloc(0), value!])),
      };
    },
    { name: 'collect', stores: [all] },
  );
  await using driver = await TopologyTestDriver.start(builder.build(), { deadLetterTopic: 'dead' });
  const input = driver.createInputTopic('in', bytes);
  for (let piece = 0; piece < 16; piece++) await input.pipeInput('k', Buffer.alloc(MIB - 100));
  expect(driver.createOutputTopic('dead', bytes).readRecords().map(({ headers }) => headerOf(headers, 'exception'))).toEqual(['ENTRY_TOO_LARGE']);
  expect(driver.store(all).get('k')!.length).toBe(15 * (MIB - 100));
});
