// Tables joined by their key: each update of either side computes its key's result anew.

import { describe, expect, test } from 'vitest';
import { Serdes, StreamsBuilder, TopologyError, type KTable } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

type Kind = 'join' | 'leftJoin' | 'outerJoin';
type Step = readonly [side: 'l' | 'r', value: string | null, timestamp: number];
type Table = KTable<string, string>;

const pair = (left: string | null, right: string | null): string | null => (left === right ? null : `${left ?? '-'}|${right ?? '-'}`);

function joined(kind: Kind, { left = {}, right = {}, store, then = (result) => result }: { left?: object; right?: object; store?: object; then?: (result: Table, left: Table, right: Table) => Table } = {}) {
  const builder = new StreamsBuilder();
  const l = builder.table('l', { name: 'left-rows', ...text, ...left });
  const r = builder.table('r', { name: 'right-rows', ...text, ...right });
  const result = (l[kind] as (other: Table, joiner: typeof pair, store: unknown) => Table)(r, pair, store === undefined ? undefined : { name: 'joined', ...text, ...store });
  then(result, l, r).toStream().to('out', text);
  return builder.build();
}

/** All updates are of the key "k". */
async function run(topology: ReturnType<typeof joined>, steps: readonly Step[], options = {}): Promise<string[]> {
  await using driver = await TopologyTestDriver.start(topology, options);
  for (const [side, value, timestamp] of steps) await driver.createInputTopic(side, text).pipeInput('k', value, timestamp);
  return driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => `${value}@${timestamp}`);
}

/** One story; each row: what comes in, and what comes out of each kind. '' is nothing. */
const STORY: [step: Step, inner: string, left: string, outer: string][] = [
  [['l', null, 1], '', '', ''], // deleting what is not there
  [['r', null, 1], '', '', ''],
  [['l', 'a', 5], '', 'a|-@5', 'a|-@5'],
  [['r', 'x', 3], 'a|x@5', 'a|x@5', 'a|x@5'], // the higher of both timestamps
  [['r', 'y', 9], 'a|y@9', 'a|y@9', 'a|y@9'],
  [['l', 'b', 4], 'b|y@9', 'b|y@9', 'b|y@9'], // the last to arrive wins
  [['l', null, 6], 'null@9', 'null@9', '-|y@9'],
  [['l', null, 7], 'null@9', 'null@9', '-|y@9'], // again: the other row is there
  [['r', 'z', 11], '', '', '-|z@11'], // no left row
  [['r', null, 12], '', '', 'null@12'],
  [['r', null, 13], '', '', ''],
  [['l', 'c', 14], '', 'c|-@14', 'c|-@14'],
  [['l', null, 15], '', 'null@15', 'null@15'], // it was there, and alone
  [['l', 'd', 16], '', 'd|-@16', 'd|-@16'],
  [['r', 'd', 17], 'null@17', 'null@17', 'null@17'], // the joiner says null
];

describe.each<[Kind, 1 | 2 | 3]>([
  ['join', 1],
  ['leftJoin', 2],
  ['outerJoin', 3],
])('%s', (kind, column) => {
  const steps = STORY.map(([step]) => step);
  const expected = STORY.map((row) => row[column]).filter((out) => out !== '');

  test('makes results, tombstones and nothing, row by row', async () => {
    expect(await run(joined(kind), steps)).toEqual(expected);
    expect(await run(joined(kind, { store: {} }), steps), 'with a store of its own').toEqual(expected);
    expect(await run(joined(kind, { left: { materialized: true }, right: { materialized: true } }), steps)).toEqual(expected);
  });

  test('goes on after a crash before any step, from local state or from changelogs alone', async () => {
    for (const wipeState of [false, true]) {
      await using driver = await TopologyTestDriver.start(joined(kind, { store: {} }));
      for (const [side, value, timestamp] of steps) {
        await driver.createInputTopic(side, text).pipeInput('k', value, timestamp);
        await driver.crash({ wipeState });
      }
      expect(driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => `${value}@${timestamp}`)).toEqual(expected);
    }
  });

  test('a filter below knows what was there: no tombstone for what never passed', async () => {
    const topology = joined(kind, { then: (result) => result.filter((value) => value.includes('a')) });
    expect(await run(topology, [['l', 'b', 1], ['r', 'x', 2], ['l', 'c', 3], ['l', 'a', 4], ['l', 'd', 5], ['l', null, 6]])).toEqual([
      'a|x@4',
      'null@5',
    ]);
  });

  test('late updates of a versioned table make no result, late updates of others do', async () => {
    const late: Step[] = [['l', 'a', 10], ['r', 'x', 10], ['l', 'b', 5], ['r', 'y', 6]];
    const first = kind === 'join' ? [] : ['a|-@10'];
    const versioned = { historyMs: 1000 };
    expect(await run(joined(kind, { left: versioned, right: versioned }), late)).toEqual([...first, 'a|x@10']);
    expect(await run(joined(kind, { left: versioned }), late)).toEqual([...first, 'a|x@10', 'a|y@10']);
    expect(await run(joined(kind, { right: versioned }), late)).toEqual([...first, 'a|x@10', 'b|x@10']);
  });

  test('its result is versioned only with such a store, which drops what is older than its history; a group below skips what is late', async () => {
    const steps: Step[] = [['l', 'a', 100], ['r', 'x', 100], ['l', 'b', 5], ['r', 'y', 5]];
    const first = [...(kind === 'join' ? [] : ['a|-@100']), 'a|x@100', 'b|x@100'];
    const latest = (result: Table): Table => result.groupBy((value) => ['k', value], { name: 'g', ...text }).reduce((_, value) => value, (current) => current, { name: 'last' });
    expect(await run(joined(kind, { store: { historyMs: 94 } }), steps)).toEqual(first);
    expect(await run(joined(kind, { store: { historyMs: 95 } }), steps)).toEqual([...first, 'b|y@5']);
    expect(await run(joined(kind, { store: { historyMs: 95 }, then: latest }), steps)).toEqual(first);
    expect(await run(joined(kind, { then: latest }), steps)).toEqual([...first, 'b|y@100']);
  });

  test('carries the headers of the record that caused the result', async () => {
    await using driver = await TopologyTestDriver.start(joined(kind));
    await driver.createInputTopic('r', text).pipeInput('k', 'x', 1, [['from', Buffer.from('right')]]);
    await driver.createInputTopic('l', text).pipeInput('k', 'a', 1, [['from', Buffer.from('left')]]);
    expect(driver.createOutputTopic('out', text).readRecords().at(-1)!.headers).toEqual([['from', Buffer.from('left')]]);
  });
});

test('a row that a filter takes away is gone for the join', async () => {
  const builder = new StreamsBuilder();
  const left = builder.table('l', { name: 'left-rows', ...text }).filter((value) => value !== 'hidden');
  left.leftJoin(builder.table('r', { name: 'right-rows', ...text }).filterNot((value) => value === 'hidden'), pair).toStream().to('out', text);
  const steps: Step[] = [['l', 'a', 1], ['r', 'hidden', 2], ['r', 'x', 3], ['r', 'hidden', 4], ['l', 'hidden', 5], ['r', 'y', 6]];
  // The right filter does not know that nothing was there before 2: its tombstone makes the same result once more.
  expect(await run(builder.build(), steps)).toEqual(['a|-@1', 'a|-@2', 'a|x@3', 'a|-@4', 'null@5']);
});

test('joins of joins read their rows from the tables at the ends, none in between is stored', async () => {
  const builder = new StreamsBuilder();
  const [a, b, c] = ['l', 'r', 'c'].map((topic) => builder.table(topic, { name: `${topic}-rows`, ...text })) as [Table, Table, Table];
  const either = a.outerJoin(b, pair).mapValues((value) => value.toUpperCase());
  either.join(c, pair).leftJoin(a, pair).toStream().to('out', text);
  const topology = builder.build();
  expect(topology.subtopologies.map(({ stores }) => stores.map(({ name }) => name).sort())).toEqual([['c-rows', 'l-rows', 'r-rows']]);
  await using driver = await TopologyTestDriver.start(topology);
  const pipe = (topic: string, value: string | null, timestamp: number): Promise<void> => driver.createInputTopic(topic, text).pipeInput('k', value, timestamp);
  const read = (): string[] => driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => `${value}@${timestamp}`);
  await pipe('r', 'b', 7);
  await pipe('c', 'c', 5);
  expect(read()).toEqual(['-|B|c|-@7']);
  await pipe('l', 'a', 1);
  expect(read().slice(1)).toEqual(['A|B|c|a@7', 'A|B|c|a@7']); // by way of the joins, then by itself
});

test('a table joined with itself plays left, then right', async () => {
  const builder = new StreamsBuilder();
  const rows = builder.table('l', { name: 'rows', ...text });
  rows.join(rows, (left, right) => `${left}${right}`).toStream().to('out', text);
  expect(await run(builder.build(), [['l', 'a', 1], ['l', 'b', 2], ['l', null, 3]])).toEqual(['aa@1', 'aa@1', 'bb@2', 'bb@2']);
});

test('the joiner is told the key', async () => {
  const builder = new StreamsBuilder();
  const [l, r] = [builder.table('l', { name: 'l', ...text }), builder.table('r', { name: 'r', ...text })];
  l.join(r, (left, right, key) => `${key}:${left}${right}`).toStream().to('out', text);
  expect(await run(builder.build(), [['l', 'a', 1], ['r', 'x', 1]])).toEqual(['k:ax@1']);
});

test('topics that are joined must be partitioned alike', async () => {
  await expect(TopologyTestDriver.start(joined('join'), { partitions: { l: 2, r: 3 } })).rejects.toThrow(TopologyError);
  await expect(TopologyTestDriver.start(joined('join', { then: (result, left) => result.join(left, pair) }), { partitions: { l: 2, r: 2 } })).resolves.toBeDefined();
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
  await using driver = await TopologyTestDriver.start(joined('join'), { partitions: 3 });
  for (const key of keys) await driver.createInputTopic('l', text).pipeInput(key, `l-${key}`, 1);
  for (const key of keys) await driver.createInputTopic('r', text).pipeInput(key, `r-${key}`, 1);
  const results = driver.createOutputTopic('out', text).readRecords();
  expect(new Map(results.map(({ key, value }) => [key, value]))).toEqual(new Map(keys.map((key) => [key, `l-${key}|r-${key}`])));
});
