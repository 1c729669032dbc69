// Tables and what is derived from them: which updates come out, and what is stored for it.

import { describe, expect, test } from 'vitest';
import { InvalidWindowError, Serdes, StreamsBuilder, type KTable, type Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

type Input = readonly [key: string | null, value: number | null, timestamp: number];

/** What comes out, as `key=value@timestamp`, for inputs of topic "in". */
async function run(topology: Topology, inputs: readonly Input[]): Promise<string[]> {
  await using driver = await TopologyTestDriver.start(topology);
  const input = driver.createInputTopic('in', long);
  for (const [key, value, timestamp] of inputs) await input.pipeInput(key, value, timestamp);
  return driver.createOutputTopic('out', long).readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`);
}

/** A table of longs from topic "in", and what is made of it, written to "out". */
function table(options: { materialized?: boolean; historyMs?: number }, derive: (table: KTable<string, number>, builder: StreamsBuilder) => KTable<string, number>): Topology {
  const builder = new StreamsBuilder();
  derive(builder.table('in', { name: 'rows', ...long, ...options }), builder).toStream().to('out', long);
  return builder.build();
}

const big = (value: number): boolean => value >= 3;
const UNSTORED = {};
const STORED = { materialized: true };

describe('a table', () => {
  test('drops records without a key; the last to arrive wins, whatever its timestamp; equal values and needless tombstones are forwarded', async () => {
    const topology = table(STORED, (rows) => rows);
    expect(await run(topology, [[null, 1, 1], ['a', 1, 9], ['a', 1, 5], ['b', null, 6], ['a', null, 2]])).toEqual(['a=1@9', 'a=1@5', 'b=null@6', 'a=null@2']);
  });

  test('is not stored unless somebody needs it', () => {
    const storesOf = (topology: Topology): string[] => topology.subtopologies.flatMap(({ stores }) => stores.map(({ name }) => name));
    expect(storesOf(table(UNSTORED, (rows) => rows.filter(big).mapValues((value) => value + 1)))).toEqual([]);
    expect(storesOf(table(STORED, (rows) => rows.filter(big)))).toEqual(['rows']);
    expect(storesOf(table(UNSTORED, (rows) => rows.filter(big, { name: 'big', ...long })))).toEqual(['big']);
    expect(storesOf(table(UNSTORED, (rows) => rows.filter(big).join(rows, (one) => one)))).toEqual(['rows']);
    expect(storesOf(table(UNSTORED, (rows) => rows.filter(big).groupBy((value, key) => [key, value], { name: 'g', ...long }).count({ name: 'counts' })))).toEqual(['rows', 'counts']);
  });

  test('tells its old value to those below after a crash, from local state and from the changelog alone', async () => {
    await using driver = await TopologyTestDriver.start(table(STORED, (rows) => rows.filter(big)));
    const input = driver.createInputTopic('in', long);
    const output = driver.createOutputTopic('out', long);
    await input.pipeInput('a', 5, 1);
    await driver.crash();
    await input.pipeInput('a', 1, 2);
    await driver.crash({ wipeState: true });
    await input.pipeInput('a', 2, 3);
    expect(output.readValues()).toEqual([5, null]);
  });

  test('versioned: late updates are forwarded too, unless they are older than the history', async () => {
    const topology = table({ historyMs: 10 }, (rows) => rows);
    expect(await run(topology, [['a', 1, 100], ['a', 2, 90], ['a', 3, 89], ['b', 4, 90], ['b', 5, 89]])).toEqual(['a=1@100', 'a=2@90', 'b=4@90']);
  });

  test('a history that is no length of time is refused when the topology is built', () => {
    for (const historyMs of [-1, 0.5, Number.NaN]) expect(() => table({ historyMs }, (rows) => rows)).toThrow(InvalidWindowError);
    expect(() => table({ historyMs: 0 }, (rows) => rows)).not.toThrow();
  });
});

describe('filter on a table', () => {
  const INPUTS: Input[] = [['a', 1, 1], ['a', 5, 2], ['a', 2, 3], ['a', 1, 4], ['a', null, 5], ['b', null, 6]];
  const all = ['a=null@1', 'a=5@2', 'a=null@3', 'a=null@4', 'a=null@5', 'b=null@6'];
  const known = ['a=5@2', 'a=null@3'];
  const ofItsOwn = { name: 'own', ...long };

  test.each<[string, Topology, string[]]>([
    ['of a table that is not stored makes a tombstone of all that does not pass', table(UNSTORED, (rows) => rows.filter(big)), all],
    ['with a store of its own does so too', table(UNSTORED, (rows) => rows.filter(big, ofItsOwn)), all],
    ['of a stored table keeps silent about what was not there and still is not', table(STORED, (rows) => rows.filter(big)), known],
    ['of a stored table, with a store of its own, does so too', table(STORED, (rows) => rows.filter(big, ofItsOwn)), known],
    ['by way of mapValues it knows as well', table(STORED, (rows) => rows.mapValues((value) => value).filter(big)), known],
    ['a store on the way is enough', table(UNSTORED, (rows) => rows.mapValues((value) => value, { name: 'mapped', ...long }).filter(big)), known],
    ['filterNot is the same the other way round', table(STORED, (rows) => rows.filterNot((value) => !big(value))), known],
    ['of a versioned table forwards every tombstone', table({ historyMs: 1000 }, (rows) => rows.filter(big)), all],
    ['of a versioned table forwards every tombstone, also by way of mapValues', table({ historyMs: 1000 }, (rows) => rows.mapValues((value) => value).filter(big)), all],
    ['of a versioned table, its own store is put tombstones for nothing too', table({ historyMs: 1000 }, (rows) => rows.filter(big, ofItsOwn)), all],
    ['below a filter that has a store, it knows what that one knows', table(UNSTORED, (rows) => rows.filter(big, ofItsOwn).filter(() => true)), known],
  ])('%s', async (_name, topology, expected) => {
    expect(await run(topology, INPUTS)).toEqual(expected);
  });

  test('knows the old value if an operator below it needs old values', async () => {
    const topology = table(UNSTORED, (rows) => {
      const passing = rows.filter(big);
      passing.groupBy((value, key) => [key, value], { name: 'group', ...long }).count({ name: 'counts' });
      return passing;
    });
    expect(await run(topology, INPUTS)).toEqual(known);
  });

  test.each([true, false])('does not depend on what else reads its parent, added before it (%s) or after', async (isBefore) => {
    const topology = table(UNSTORED, (rows, builder) => {
      const other = builder.table('other', { name: 'others', ...long });
      if (isBefore) rows.join(other, (one) => one);
      const passing = rows.filter(big);
      if (!isBefore) rows.join(other, (one) => one);
      return passing;
    });
    expect(await run(topology, INPUTS)).toEqual(all);
  });

  test('the first result of an aggregate replaces nothing, also where the initial value passes', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', long).groupByKey({ name: 'g', ...long }).count({ name: 'counts' }).filter((count) => count % 2 === 0).toStream().to('out', long);
    expect(await run(builder.build(), [['a', 7, 1], ['a', 7, 2], ['a', 7, 3]])).toEqual(['a=2@2', 'a=null@3']);
  });

  test('is never asked about a row that is not there', async () => {
    const topology = table(STORED, (rows) => rows.filter((value: number | null) => value!.toFixed() !== ''));
    expect(await run(topology, [['a', null, 1], ['a', 1, 2]])).toEqual(['a=1@2']);
  });
});

describe('mapValues on a table', () => {
  test('is not called for a row that is not there; null and undefined make a tombstone, each time', async () => {
    const mapper = (value: number): number | null | undefined => (value === 0 ? null : value === 1 ? undefined : value * 2);
    const inputs: Input[] = [['a', 4, 1], ['a', 0, 2], ['a', 1, 3], ['a', null, 4], ['b', null, 5]];
    const expected = ['a=8@1', 'a=null@2', 'a=null@3', 'a=null@4', 'b=null@5'];
    expect(await run(table(UNSTORED, (rows) => rows.mapValues(mapper) as never), inputs)).toEqual(expected);
    expect(await run(table(STORED, (rows) => rows.mapValues(mapper, { name: 'own', ...long } as never) as never), inputs)).toEqual(expected);
  });

  test('with a versioned store of its own, drops what is older than its history', async () => {
    const topology = table(UNSTORED, (rows) => rows.mapValues((value) => value, { name: 'own', ...long, historyMs: 10 }));
    expect(await run(topology, [['a', 1, 100], ['a', 2, 90], ['a', 3, 89]])).toEqual(['a=1@100', 'a=2@90']);
  });

  test('is read through a join as it is now, without a store', async () => {
    const builder = new StreamsBuilder();
    const doubled = builder.table('in', { name: 'rows', ...long }).mapValues((value) => (value === 0 ? null : value * 2));
    builder.table('other', { name: 'others', ...text }).join(doubled, (word, number) => `${word}${number}`).toStream().to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build());
    const [numbers, words] = [driver.createInputTopic('in', long), driver.createInputTopic('other', text)];
    await words.pipeInput('a', 'x', 5);
    await numbers.pipeInput('a', 3, 4);
    await words.pipeInput('a', 'y', 3);
    await numbers.pipeInput('a', 0, 7);
    await words.pipeInput('a', 'z', 8);
    const results = driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => [value, timestamp]);
    expect(results).toEqual([['x6', 5], ['y6', 4], [null, 7]]);
  });
});

describe('streams and tables into each other', () => {
  test('toStream tells tombstones as null; with a mapper the key is another, so a group below goes through a topic', async () => {
    const builder = new StreamsBuilder();
    const rows = builder.table('in', { name: 'rows', ...long });
    rows.toStream((value): string => (value === null ? 'gone' : 'there')).groupByKey({ name: 'by-kind', ...long }).count({ name: 'counts' }).toStream().to('out', long);
    const topology = builder.build();
    expect(topology.internalTopics().map(({ suffix }) => suffix)).toEqual(['by-kind-repartition']);
    expect(await run(topology, [['a', 1, 1], ['b', 2, 2], ['a', null, 3], ['b', 5, 4]])).toEqual(['there=1@1', 'there=2@2', 'there=3@4']);
  });

  test('toTable takes null values as tombstones and drops records without a key', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', long).toTable({ name: 'rows', ...long, materialized: true }).filter(big).toStream().to('out', long);
    expect(await run(builder.build(), [['a', 5, 1], [null, 6, 2], ['a', null, 3], ['a', 1, 4]])).toEqual(['a=5@1', 'a=null@3']);
  });

  test('toTable of a stream whose key has changed goes through a repartition topic', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', long).selectKey((value) => (value === null ? null : `${value % 2}`)).toTable({ name: 'rows', ...long }).toStream().to('out', long);
    const topology = builder.build();
    expect(topology.internalTopics().map(({ suffix }) => suffix)).toEqual(['rows-repartition']);
    expect(await run(topology, [['a', 5, 1], ['b', 7, 2], ['c', null, 3]])).toEqual(['1=5@1', '1=7@2']);
  });
});

test('what would not run does not compile', () => {
  const builder = new StreamsBuilder();
  const rows = builder.table('in', { name: 'rows', ...long });
  const words = builder.table('words', { name: 'words', ...text });
  const byNumber = builder.table('numbers', { name: 'numbers', key: Serdes.long(), value: Serdes.string() });
  () => {
    // @ts-expect-error a store without a name
    rows.filter(big, { ...long });
    // @ts-expect-error a store of another value
    rows.mapValues((value) => String(value), { name: 'x', ...long });
    // @ts-expect-error keys of another type
    rows.join(byNumber, (one) => one);
    // @ts-expect-error the right side of a left join may be missing
    rows.leftJoin(words, (number, word) => number + word.length);
    // @ts-expect-error the left side of an outer join may be missing
    rows.outerJoin(words, (number) => number + 1);
    // @ts-expect-error a repartition topic without a name
    rows.groupBy((value, key) => [key, value], { ...long });
    // @ts-expect-error a serde of another key
    rows.groupBy((value) => [value, value], { name: 'x', ...long });
    // @ts-expect-error a partitioner, which might send old and new value of a group to different tasks
    rows.groupBy((value, key) => [key, value], { name: 'x', ...long, partitioner: () => 0 });
    // @ts-expect-error a group without its store's name
    rows.groupBy((value, key) => [key, value], { name: 'x', ...long }).count({});
    // @ts-expect-error an aggregate without a way out
    rows.groupBy((value, key) => [key, value], { name: 'x', ...long }).aggregate({ name: 'sum', initial: () => 0, add: (value, sum) => sum + value, value: Serdes.long() });
    // @ts-expect-error an aggregate without a serde
    rows.groupBy((value, key) => [key, value], { name: 'x', ...long }).aggregate({ name: 'sum', initial: () => 0, add: (value, sum) => sum + value, subtract: (value, sum) => sum - value });
  };
  const inferred: KTable<string, string> = rows.join(words, (number, word) => `${number}${word}`).filter((pair) => pair !== '').mapValues((pair) => pair.trim());
  expect(inferred).toBeDefined();
});
