// Foreign-key joins, as a specification: what each kind of update leads to. The random attack is in foreign-key.property.test.ts.

import { Serdes, StreamsBuilder, type KeyValueStore, type KTable, type Serde, type VersionedStore } from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';
import { describe, expect, test } from 'vitest';
import { planTopics } from '../../src/runtime/topic-plan.ts';
import { nameIn, pairOf } from './foreign-key-reference.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const serdes = { ...text, foreignKey: Serdes.string(), otherValue: Serdes.string(), result: Serdes.string() };
const ONE_BY_ONE = { oneTask: true, recordsPerRound: 1, commitIntervalMs: 0 };

type Kind = 'inner' | 'left';

function joined(kind: Kind, left: KTable<string, string>, right: KTable<string, string>, options: { materialized?: boolean; historyMs?: number } = {}): KTable<string, string> {
  const named = { name: 'joined', ...serdes, ...options };
  return kind === 'inner' ? left.foreignKeyJoin(right, nameIn, pairOf, named) : left.leftForeignKeyJoin(right, nameIn, pairOf, named);
}

/** `L a c1:x @5` updates left row a; `R c1 - @6` deletes right row c1. Results read `a c1:x|Ann @6`. */
async function play(kind: Kind, script: readonly string[], options: TestDriverOptions = {}): Promise<string[]> {
  const builder = new StreamsBuilder();
  joined(kind, builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text })).toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), { ...ONE_BY_ONE, ...options });
  const out = driver.createOutputTopic('out', text);
  const results: string[] = [];
  for (const line of script) {
    const [side, key, value, time] = line.split(' ') as [string, string, string, string];
    await driver.createInputTopic(side === 'L' ? 'left' : 'right', text).pipeInput(key, value === '-' ? null : value === "''" ? '' : value, Number(time.slice(1)));
    const found = out.readRecords().map((record) => `${record.key} ${record.value ?? '-'} @${record.timestamp}`);
    results.push(found.length === 0 ? 'nothing' : found.join(', '));
  }
  return results;
}

/** Each step with what comes of it, as inner and as left join. */
const STORIES: Readonly<Record<string, readonly (readonly [step: string, inner: string, left: string])[]>> = {
  'a row that names nobody, or nobody who is there': [
    ['L a :x @1', 'nothing', 'a :x|null @1'],
    ['L a :y @2', 'nothing', 'a :y|null @2'],
    ['L a - @3', 'nothing', 'a - @3'],
    ['L a - @4', 'nothing', 'nothing'],
    ['L b c1:x @5', 'nothing', 'b c1:x|null @5'],
    ['L b c1:x @6', 'nothing', 'b c1:x|null @6'],
    // A tombstone, though there never was a result: whether there was one is known to the right side only.
    ['L b c2:x @7', 'b - @7', 'b c2:x|null @7'],
    ['L b :x @8', 'b - @8', 'b :x|null @8'],
    ['L b c2:x @9', 'nothing', 'b c2:x|null @9'],
    ['L b - @10', 'b - @10', 'b - @10'],
  ],
  'the time of a result': [
    ['R c1 Ann @10', 'nothing', 'nothing'],
    ['L a c1:x @4', 'a c1:x|Ann @10', 'a c1:x|Ann @10'],
    ['L a c1:y @14', 'a c1:y|Ann @14', 'a c1:y|Ann @14'],
    ['R c1 Bob @6', 'a c1:y|Bob @6', 'a c1:y|Bob @6'],
    ['R c1 - @5', 'a - @5', 'a c1:y|null @5'],
    ['R c1 Cy @50', 'a c1:y|Cy @50', 'a c1:y|Cy @50'],
    // An inner join asks the row that was named before, a left join asks nobody.
    ['L a :y @20', 'a - @50', 'a :y|null @20'],
    ['L a c1:y @21', 'a c1:y|Cy @50', 'a c1:y|Cy @50'],
    ['L a - @22', 'a - @50', 'a - @22'],
  ],
  'all rows that name a row hear of it, in the order of their keys’ bytes': [
    ['L ￿ c:1 @1', 'nothing', '￿ c:1|null @1'],
    ['L 𝒳 c:2 @1', 'nothing', '𝒳 c:2|null @1'],
    ['L é c:3 @1', 'nothing', 'é c:3|null @1'],
    ['L z c:4 @1', 'nothing', 'z c:4|null @1'],
    ['L zz cc:5 @1', 'nothing', 'zz cc:5|null @1'],
    ['R c C @2', 'z c:4|C @2, é c:3|C @2, ￿ c:1|C @2, 𝒳 c:2|C @2', 'z c:4|C @2, é c:3|C @2, ￿ c:1|C @2, 𝒳 c:2|C @2'],
    ['R cc D @3', 'zz cc:5|D @3', 'zz cc:5|D @3'],
    ['R d E @4', 'nothing', 'nothing'],
  ],
  // Kafka Streams takes it for none.
  'a right row of which nothing is written but that it is there: an empty text': [
    ["R c1 '' @1", 'nothing', 'nothing'],
    ['L a c1:x @2', 'a c1:x| @2', 'a c1:x| @2'],
    ["R c1 '' @3", 'a c1:x| @3', 'a c1:x| @3'],
    ['R c1 - @4', 'a - @4', 'a c1:x|null @4'],
  ],
  'a deleted right row that was not there': [
    ['L a c1:x @1', 'nothing', 'a c1:x|null @1'],
    ['R c1 - @2', 'a - @2', 'a c1:x|null @2'],
  ],
};

describe.each(['inner', 'left'] as const)('%s join', (kind) => {
  test.each(Object.entries(STORIES))('%s', async (_name, story) => {
    expect(await play(kind, story.map(([step]) => step))).toEqual(story.map(([, inner, left]) => (kind === 'inner' ? inner : left)));
  });

  test.each(Object.entries(STORIES))('the same in tasks and partitions of their own: %s', async (_name, story) => {
    const split = { oneTask: false, partitions: { left: 3, right: 5 } };
    const sorted = (line: string): string => line.split(', ').sort().join(', ');
    expect((await play(kind, story.map(([step]) => step), split)).map(sorted)).toEqual(story.map(([, inner, left]) => sorted(kind === 'inner' ? inner : left)));
  });
});

test('headers of a result are those of the update that caused it', async () => {
  const builder = new StreamsBuilder();
  joined('inner', builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text })).toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), ONE_BY_ONE);
  const [left, right, out] = [driver.createInputTopic('left', text), driver.createInputTopic('right', text), driver.createOutputTopic('out', text)];
  await left.pipeInput('a', 'c1:x', 1, [['from', Buffer.from('left')]]);
  await right.pipeInput('c1', 'Ann', 2, [['from', Buffer.from('right')]]);
  await left.pipeInput('a', 'c1:y', 3, [['from', null]]);
  expect(out.readRecords().map(({ value, headers }) => [value, headers])).toEqual([
    ['c1:x|Ann', [['from', Buffer.from('right')]]],
    ['c1:y|Ann', [['from', null]]],
  ]);
});

test('a table joined with itself: who works for whom', async () => {
  const builder = new StreamsBuilder();
  const people = builder.table('left', { name: 'people', ...text });
  joined('left', people, people).toStream().to('out', text);
  for (const options of [ONE_BY_ONE, { partitions: { left: 3 } }]) {
    await using driver = await TopologyTestDriver.start(builder.build(), options);
    const input = driver.createInputTopic('left', text);
    const out = driver.createOutputTopic('out', text);
    const rows = new Map<string | null, string | null>();
    for (const [key, value] of [['Ann', ':'], ['Bob', 'Ann:'], ['Cy', 'Bob:'], ['Dan', 'Dan:'], ['Bob', 'Cy:'], ['Ann', null], ['Dan', 'Dan:2']] as const) {
      await input.pipeInput(key, value, 1);
      for (const record of out.readRecords()) rows.set(record.key, record.value);
    }
    expect(Object.fromEntries(rows)).toEqual({ Ann: null, Bob: 'Cy:|Bob:', Cy: 'Bob:|Cy:', Dan: 'Dan:2|Dan:2' });
  }
});

test('what a joiner makes null is no row', async () => {
  const builder = new StreamsBuilder();
  const [left, right] = [builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text })];
  const same = left.foreignKeyJoin(right, nameIn, (own, other) => (own.endsWith(other) ? null : pairOf(own, other)), { name: 'joined', ...serdes, materialized: true });
  same.toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), ONE_BY_ONE);
  await driver.createInputTopic('right', text).pipeInput('c', 'Ann', 1);
  for (const value of ['c:x', 'c:Ann', 'c:y']) await driver.createInputTopic('left', text).pipeInput('a', value, 2);
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['c:x|Ann', null, 'c:y|Ann']);
});

test.each(['inner', 'left'] as const)('nothing stays behind of rows that are gone: on either side (%s)', async (kind) => {
  const builder = new StreamsBuilder();
  joined(kind, builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text }));
  await using driver = await TopologyTestDriver.start(builder.build(), ONE_BY_ONE);
  const sizeOf = async (name: string): Promise<number> => {
    let count = 0;
    for await (const _entry of (driver.store(driver.storeSpec(name)!) as KeyValueStore<unknown, unknown>).scan()) count++;
    return count;
  };
  const sizes = async (): Promise<number[]> => [await sizeOf('joined-subscriptions'), await sizeOf('joined-registered')];
  const left = driver.createInputTopic('left', text);
  await driver.createInputTopic('right', text).pipeInput('c', 'Ann', 1);
  for (const [key, value] of [['a', 'c:1'], ['b', 'c:1'], ['e', 'd:1'], ['a', 'd:2'], ['a', 'c:3']] as const) await left.pipeInput(key, value, 1);
  expect(await sizes()).toEqual([3, 3]);
  for (const [key, value] of [['a', null], ['b', ':2'], ['e', null], ['b', null], ['n', ':1'], ['n', ':2'], ['n', null]] as const) await left.pipeInput(key, value, 2);
  expect(await sizes()).toEqual([0, 0]);
});

test('answers go to the partition where the row stands, whatever partitioner put it there', async () => {
  const quoted = { key: Serdes.json<string>(), value: Serdes.string() }; // other bytes than those of the join's own topics, so other partitions
  const builder = new StreamsBuilder();
  joined('inner', builder.table('left', { name: 'left', ...quoted }), builder.table('right', { name: 'right', ...text })).toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { left: 4, right: 3 } });
  const keys = Array.from({ length: 20 }, (_, index) => `key-${String(index).padStart(2, '0')}`);
  await driver.createInputTopic('left', quoted).pipeInputs(keys.map((key) => ({ key, value: 'c:x', timestamp: 1 })));
  await driver.createInputTopic('right', text).pipeInput('c', 'Ann', 2);
  expect(driver.createOutputTopic('out', text).readRecords().map(({ key }) => key).sort()).toEqual(keys);
});

test('rows hear of the other side also after their serde has begun to write other bytes: a schema has got another version', async () => {
  let release = 1;
  const evolving: Serde<string> = { ...Serdes.string(), serialize: (_topic, value) => Buffer.from(`${release}${value}`) };
  const builder = new StreamsBuilder();
  const [left, right] = [builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text })];
  left.foreignKeyJoin(right, nameIn, pairOf, { name: 'joined', ...serdes, value: evolving }).toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), ONE_BY_ONE);
  await driver.createInputTopic('left', text).pipeInput('a', 'c:x', 1);
  release = 2;
  await driver.crash();
  await driver.createInputTopic('right', text).pipeInput('c', 'Ann', 2);
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['c:x|Ann']);
});

describe('answers that come too late', () => {
  /** Both updates of the row are taken in before any answer to the first can come. */
  async function atOnce(before: readonly string[], first: string | null, second: string | null): Promise<(string | null)[]> {
    const builder = new StreamsBuilder();
    joined('inner', builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text })).toStream().to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { left: 3, right: 5 } });
    const [left, right, out] = [driver.createInputTopic('left', text), driver.createInputTopic('right', text), driver.createOutputTopic('out', text)];
    for (const key of before) await right.pipeInput(key, 'Ann', 1);
    await left.pipeInput('a', 'c:x', 1);
    out.readValues();
    await left.pipeInputs([first, second].map((value) => ({ key: 'a', value, timestamp: 2 })));
    return out.readValues();
  }

  test('are ignored', async () => {
    expect(await atOnce(['c'], 'c:y', 'c:z')).toEqual(['c:z|Ann']);
    expect(await atOnce(['c', 'd'], 'd:y', 'c:z')).toEqual(['c:z|Ann']);
  });

  test('count when the row has become what they are for again', async () => {
    expect(await atOnce(['c', 'd'], 'd:y', 'c:x')).toEqual(['c:x|Ann']);
  });

  // Where Kafka Streams sends no answer, the result would stay for ever: the answer that should have removed it was ignored as stale.
  test.each([
    ['the row came back naming one that is not there', null, 'd:y'],
    ['the row named nobody, then was deleted', ':y', null],
    ['the row named nobody twice', ':y', ':z'],
    ['the row named nobody, then one that is not there', ':y', 'd:z'],
  ])('leave no result behind: %s', async (_name, first, second) => {
    expect(await atOnce(['c'], first, second)).toEqual([null]);
  });
});

describe('versioned tables', () => {
  async function results(versioned: 'left' | 'right', script: readonly string[]): Promise<string[]> {
    const builder = new StreamsBuilder();
    const table = (name: 'left' | 'right'): KTable<string, string> => builder.table(name, { name, ...text, ...(name === versioned ? { historyMs: 100 } : {}) });
    joined('inner', table('left'), table('right')).toStream().to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build(), ONE_BY_ONE);
    const out = driver.createOutputTopic('out', text);
    for (const line of script) {
      const [side, key, value, time] = line.split(' ') as [string, string, string, string];
      await driver.createInputTopic(side === 'L' ? 'left' : 'right', text).pipeInput(key, value === '-' ? null : value, Number(time.slice(1)));
    }
    return out.readRecords().map((record) => `${record.key} ${record.value ?? '-'} @${record.timestamp}`);
  }

  test('an update of a left row that is older than its newest makes nothing', async () => {
    const script = ['R c Ann @1', 'L a c:new @50', 'L a c:old @40', 'L a - @45', 'L a d:x @30', 'R c Bob @2'];
    expect(await results('left', script)).toEqual(['a c:new|Ann @50', 'a c:new|Bob @2']);
  });

  test('nor does one of a right row', async () => {
    const script = ['L a c:x @1', 'R c Ann @50', 'R c Old @40', 'R c - @45', 'L a c:y @2', 'R c Cy @50'];
    expect(await results('right', script)).toEqual(['a c:x|Ann @50', 'a c:y|Ann @50', 'a c:y|Cy @50']);
  });

  test('results may be kept with their past, where one that goes back in time falls into its place', async () => {
    const builder = new StreamsBuilder();
    const [left, right] = [builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text })];
    joined('inner', left, right, { historyMs: 20 }).toStream().to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build(), ONE_BY_ONE);
    const [lefts, rights] = [driver.createInputTopic('left', text), driver.createInputTopic('right', text)];
    await rights.pipeInput('c', 'Ann', 1);
    await lefts.pipeInput('a', 'c:x', 50);
    await rights.pipeInput('c', 'Bob', 40); // in its place before the newest
    await rights.pipeInput('c', 'Cy', 29); // older than the history: neither kept nor forwarded
    expect(driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => [value, timestamp])).toEqual([['c:x|Ann', 50], ['c:x|Bob', 40]]);
    await driver.crash({ wipeState: true });
    const store = driver.store(driver.storeSpec('joined')!) as VersionedStore<string, string>;
    expect([store.get('a'), store.get('a', 45), store.get('a', 39)]).toEqual([{ value: 'c:x|Ann', timestamp: 50 }, { value: 'c:x|Bob', timestamp: 40 }, undefined]);
  });
});

test('its topics have the partitions of the side they lead to', async () => {
  const builder = new StreamsBuilder();
  joined('inner', builder.table('left', { name: 'left', ...text }), builder.table('right', { name: 'right', ...text }));
  const { partitions } = planTopics(builder.build(), 'app', new Map([['left', 3], ['right', 5]]), 1);
  expect(Object.fromEntries(partitions)).toEqual({ left: 3, right: 5, 'app-joined-subscription-registration': 5, 'app-joined-subscription-response': 3 });
});

test('what would be found out too late does not compile', () => {
  const builder = new StreamsBuilder();
  const left = builder.table('left', { name: 'left', ...text });
  const numbered = builder.table('numbered', { name: 'numbered', key: Serdes.long(), value: Serdes.string() });
  const longs = { ...serdes, name: 'numbers', foreignKey: Serdes.long() };
  const { name: _name, ...nameless } = longs;
  const { value: _value, ...valueless } = longs;
  const mistakes = (): void => {
    // @ts-expect-error The foreign key is text, the other table's keys are numbers.
    left.foreignKeyJoin(numbered, (value) => value, (own, other) => own + other, longs);
    // @ts-expect-error Its serde writes text.
    left.foreignKeyJoin(numbered, (value) => value.length, (own, other) => own + other, { ...longs, foreignKey: Serdes.string() });
    // @ts-expect-error The result is a number, its serde writes text.
    left.foreignKeyJoin(numbered, (value) => value.length, (own, other) => own.length + other.length, longs);
    // @ts-expect-error It has topics and stores, and so a name.
    left.foreignKeyJoin(numbered, (value) => value.length, (own, other) => own + other, nameless);
    // @ts-expect-error Values are compared by their bytes.
    left.foreignKeyJoin(numbered, (value) => value.length, (own, other) => own + other, valueless);
    // @ts-expect-error A left join's right side may be missing.
    left.leftForeignKeyJoin(numbered, (value) => value.length, (own, other) => own + other.length, longs);
  };
  expect(mistakes).toBeTypeOf('function');
  const inner: KTable<string, string> = left.foreignKeyJoin(numbered, (value) => value.length, (own, other: string) => own + other, longs);
  const nullable: KTable<string, string> = left.leftForeignKeyJoin(numbered, () => null, (own, other) => (other === null ? null : own), { ...longs, name: 'nullable' });
  expect([inner, nullable]).toHaveLength(2);
});
