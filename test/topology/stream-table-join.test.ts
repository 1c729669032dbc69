// A stream joined with a table: which row a record sees, and what is refused when the join is made.

import { describe, expect, test } from 'vitest';
import { InvalidWindowError, Serdes, StreamsBuilder, TopologyError, type KTable } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const string = Serdes.string();
const text = { key: string, value: string };
type Table = KTable<string, string>;

function topologyOf(table: (builder: StreamsBuilder) => Table, graceMs?: number) {
  const builder = new StreamsBuilder();
  const rows = table(builder);
  builder
    .stream('in', text)
    .leftJoin(rows, (value, row) => `${value}|${row}`, { name: 'j', ...text, ...(graceMs === undefined ? {} : { graceMs }) })
    .to('out', text);
  return builder.build();
}

type Input = readonly [topic: 'in' | 'table', key: string | null, value: string | null, timestamp: number];

async function run(topology: ReturnType<typeof topologyOf>, inputs: readonly Input[]): Promise<string[]> {
  await using driver = await TopologyTestDriver.start(topology);
  for (const [topic, key, value, timestamp] of inputs) await driver.createInputTopic(topic, text).pipeInput(key, value, timestamp);
  return driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => `${value}@${timestamp}`);
}

const plain = (builder: StreamsBuilder): Table => builder.table('table', { name: 't', ...text });
const versioned = (builder: StreamsBuilder): Table => builder.table('table', { name: 't', ...text, historyMs: 100 });

describe('a record sees', () => {
  const inputs: Input[] = [['table', 'a', 'old', 10], ['table', 'a', 'new', 30], ['in', 'a', 'x', 20], ['in', 'b', 'y', 20], ['in', null, 'z', 20], ['in', 'a', null, 40]];

  test.each<[string, (builder: StreamsBuilder) => Table, string]>([
    ['the row as it is now', plain, 'x|new@20'],
    ['the row as of its own time, of a versioned table', versioned, 'x|old@20'],
    ['what a filter leaves of it', (builder) => versioned(builder).filter((value) => value !== 'old'), 'x|null@20'],
    ['what a mapper makes of it', (builder) => versioned(builder).mapValues((value) => value.toUpperCase()), 'x|OLD@20'],
    ['the present of a table that is kept without its past', (builder) => versioned(builder).mapValues((value) => value, { name: 'm', ...text }), 'x|new@20'],
  ])('%s', async (_name, table, first) => {
    expect(await run(topologyOf(table), inputs)).toEqual([first, 'y|null@20', 'z|null@20']);
  });

  test('with a grace period, updates of the table that come after it and belong before it', async () => {
    const late: Input[] = [['table', 'a', 'old', 10], ['in', 'a', 'x', 20], ['table', 'a', 'late', 15], ['in', null, 'z', 21], ['in', 'a', 'y', 25], ['table', 'a', 'later', 24], ['in', 'b', 'w', 30], ['in', 'a', 'v', 19]];
    expect(await run(topologyOf(versioned, 5), late)).toEqual(['z|null@21', 'x|late@20', 'y|later@25', 'v|late@19']);
  });
});

test('records that wait come out with their headers also after a restart without local state, and one that fails does not wait', async () => {
  const builder = new StreamsBuilder();
  const fail = (value: string, row: string): string => {
    if (value === 'bad') throw new Error('a bad value');
    return `${value}|${row}`;
  };
  builder.stream('in', text).join(versioned(builder), fail, { name: 'j', ...text, graceMs: 5 }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), { errors: { processing: () => 'continue' } });
  const input = driver.createInputTopic('in', text);
  await driver.createInputTopic('table', text).pipeInput('a', 'row', 1);
  await input.pipeInput('a', 'x', 10, [['from', Buffer.from('here')], ['empty', null], ['nothing', Buffer.alloc(0)]]);
  await driver.crash({ wipeState: true });
  // Too late to wait, so it is joined at once, and fails at once.
  await input.pipeInput('a', 'bad', 4);
  await input.pipeInput('a', 'y', 15);
  expect(driver.createOutputTopic('out', text).readRecords()).toEqual([
    { key: 'a', value: 'x|row', timestamp: 10, headers: [['from', Buffer.from('here')], ['empty', null], ['nothing', Buffer.alloc(0)]] },
  ]);
});

describe('is refused:', () => {
  test('a grace period without a past to look into', () => {
    expect(() => topologyOf(plain, 5)).toThrow(TopologyError);
    expect(() => topologyOf(plain, 0)).toThrow(/historyMs/);
    expect(() => topologyOf((builder) => versioned(builder).mapValues((value) => value, { name: 'm', ...text }), 5)).toThrow(/not versioned/);
  });

  test('one that is longer than the past', () => {
    expect(() => topologyOf((builder) => versioned(builder).filter(() => true), 101)).toThrow(/only remembers 100 ms/);
    expect(() => topologyOf(versioned, 100)).not.toThrow();
  });

  test.each([-1, 0.5, Number.NaN])('graceMs %s', (graceMs) => {
    expect(() => topologyOf(versioned, graceMs)).toThrow(InvalidWindowError);
  });

  test('topics of different width, when it starts', async () => {
    await expect(TopologyTestDriver.start(topologyOf(plain), { partitions: { in: 2, table: 3 } })).rejects.toThrow(/in \(2\).*table \(3\)/);
  });
});
