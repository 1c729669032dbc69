// Foreign-key joins, as a specification: what each kind of update leads to. The random attack is in foreign-key.property.test.ts.

import { Serdes, StreamsBuilder, type KTable } from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';
import { describe, expect, test } from 'vitest';
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
    await driver.createInputTopic(side === 'L' ? 'left' : 'right', text).pipeInput(key, value === '-' ? null : value, Number(time.slice(1)));
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
