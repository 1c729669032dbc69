// Operators that go by the key although nobody groups or joins by it: dedupe and escalate. All records of a key have to reach one task.

import { describe, expect, test } from 'vitest';
import { Serdes, StreamsBuilder, TopologyError, type Command, type KStream } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const seen = { name: 'seen', id: (value: string | null): string => value ?? '', retentionMs: 1_000, serde: Serdes.string() };
const saga = { name: 'saga', workflow: 'w', workflowId: (_value: unknown, key: string): string => key, command: () => ({ kind: 'k', payload: null }) };

type Define = (stream: KStream<string | null, string | null>, builder: StreamsBuilder) => void;

function topology(define: Define) {
  const builder = new StreamsBuilder();
  define(builder.stream('in', text), builder);
  return builder.build();
}

const uses: [string, (stream: KStream<string | null, string | null>) => void][] = [
  ['dedupe', (stream) => stream.dedupe(seen).to('out', text)],
  ['escalate', (stream) => stream.escalate(saga)],
];

describe.each(uses)('%s', (_, use) => {
  test('takes no keys that were changed: records of one key may be in several tasks, where nobody sees them together', () => {
    const changed = (): unknown => topology((stream) => use(stream.selectKey((value) => value)));
    expect(changed).toThrow(TopologyError);
    expect(changed).toThrow(/several tasks.*repartition\(/s);
    expect(() => topology((stream) => use(stream.selectKey((value) => value).repartition({ name: 'by-value', ...text })))).not.toThrow();
  });

  test('wants topics that were merged to have as many partitions', async () => {
    const merged = topology((stream, builder) => use(stream.merge(builder.stream('more', text))));
    await expect(TopologyTestDriver.start(merged, { partitions: { in: 2, more: 3 } })).rejects.toThrow(/in \(2\), more \(3\)/);
  });
});

describe('an id counts within its key, whatever a key is', () => {
  test.each<[string, unknown[], number]>([
    ['objects', [{ shop: 1 }, { shop: 2 }, { shop: 1 }], 2],
    ['objects with 64-bit numbers, as Avro has them', [{ shop: 1n }, { shop: 2n }, { shop: 1n }], 2],
    ['lists', [['a'], ['b'], ['b']], 2],
    ['numbers', [1, 2, 1], 2],
    ['none at all, and a text that looks like it', [null, 'null', null, '{}', {}], 4],
  ])('%s', async (_, keys, passed) => {
    const any = { key: ANY, value: Serdes.string() };
    const builder = new StreamsBuilder();
    builder.stream('in', any).dedupe({ ...seen, id: () => 'same' }).to('out', any);
    await using driver = await TopologyTestDriver.start(builder.build());
    const input = driver.createInputTopic<unknown, string>('in', any);
    for (const key of keys) await input.pipeInput(key, 'v', 1);
    expect(driver.createOutputTopic('out', any).readRecords()).toHaveLength(passed);
  });
});

/** Keys of all kinds. */
const ANY = {
  name: 'any',
  serialize: (_topic: string, data: unknown) => Buffer.from(JSON.stringify(data, (_name, part: unknown) => (typeof part === 'bigint' ? `long ${part}` : part))),
  deserialize: (_topic: string, data: Buffer): unknown => JSON.parse(data.toString(), (_name, part: unknown) => (typeof part === 'string' && part.startsWith('long ') ? BigInt(part.slice(5)) : part)),
};

test('a record without a key cannot be escalated: it is no command for anybody, and goes where such records go', async () => {
  await using driver = await TopologyTestDriver.start(topology((stream) => stream.escalate(saga)), { deadLetterTopic: 'dead' });
  const input = driver.createInputTopic('in', text);
  await input.pipeInput(null, 'lost');
  await input.pipeInput('a', 'found');
  expect(driver.createOutputTopic('dead', text).readRecords()).toMatchObject([{ value: 'lost' }]);
  expect(driver.createOutputTopic('test-saga-commands', { key: Serdes.string(), value: Serdes.json<Command>() }).readRecords()).toMatchObject([{ key: 'a' }]);
});
