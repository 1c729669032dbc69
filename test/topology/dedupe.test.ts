// Dedupe: an id counts within its key, whatever characters either is made of.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

test.each([
  ['another id', [['k', '1'], ['k', '2']], 2],
  ['the same id under another key', [['k', '1'], ['l', '1']], 2],
  ['the same id under the same key', [['k', '1'], ['k', '1']], 1],
  ['a key and an id that only look alike when put together', [['a', '\u0000b'], ['a\u0000', 'b']], 2],
  ['the same with digits and colons', [['1', ':b'], ['1:', 'b'], ['', '1:b']], 3],
] as [string, [string, string][], number][])('%s', async (_what, records, passed) => {
  const builder = new StreamsBuilder();
  builder.stream('in', text).dedupe({ name: 'seen', id: (value) => value!, retentionMs: 1_000, serde: Serdes.string() }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('in', text);
  for (const [key, value] of records) await input.pipeInput(key, value, 1);
  expect(driver.createOutputTopic('out', text).readRecords()).toHaveLength(passed);
});
