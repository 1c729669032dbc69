// Foreign-key joins under attack: random updates against a naive account of the rules, one by one, and in bulk across partitions, where answers overtake one another.

import { Serdes, StreamsBuilder, type Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { naiveForeignKeyJoin, naiveForeignKeyRows, nameIn, pairOf, type Result, type Update } from './foreign-key-reference.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const options = { name: 'joined', ...text, foreignKey: Serdes.string(), otherValue: Serdes.string(), result: Serdes.string() };

function updates(leftKeys: readonly string[], rightKeys: readonly string[]): fc.Arbitrary<Update> {
  const timestamp = fc.integer({ min: 0, max: 30 });
  const leftValue = fc.option(fc.tuple(fc.constantFrom('', ...rightKeys), fc.constantFrom('x', 'y')).map((parts) => parts.join(':')), { nil: null, freq: 4 });
  const rightValue = fc.option(fc.constantFrom('Ann', 'Bob'), { nil: null, freq: 2 });
  return fc.oneof(
    fc.record({ side: fc.constant('left' as const), key: fc.constantFrom(...leftKeys), value: leftValue, timestamp }),
    fc.record({ side: fc.constant('right' as const), key: fc.constantFrom(...rightKeys), value: rightValue, timestamp }),
  );
}

// Some are prefixes of others; some sort otherwise in UTF-16 than in UTF-8.
const various = updates(['a', 'ab', 'b', '￿', '𝒳'], ['c', 'cc', 'd', '\u0000']);
/** Few keys, so that updates meet. */
const crowded = updates(['a', 'b'], ['c', 'd']);
const kind = fc.constantFrom('inner' as const, 'left' as const);
const crash = fc.constantFrom('none', 'crash', 'wipe');

interface Shape {
  /** Results are stored anyhow. */
  readonly materialized: boolean;
  /** The left table has no store of its own, and only rows that do not end in y. */
  readonly isFiltered: boolean;
}
const shape: fc.Arbitrary<Shape> = fc.record({ materialized: fc.boolean(), isFiltered: fc.boolean() });
const passes = (value: string): boolean => !value.endsWith('y');

/** The updates as the join sees them. */
function seen(updates: readonly Update[], { isFiltered }: Shape): Update[] {
  return updates.map((each) => (isFiltered && each.side === 'left' && each.value !== null && !passes(each.value) ? { ...each, value: null } : each));
}

function topologyOf(of: 'inner' | 'left', { materialized, isFiltered }: Shape): Topology {
  const builder = new StreamsBuilder();
  const rows = builder.table('left', { name: 'left', ...text });
  const left = isFiltered ? rows.filter(passes) : rows;
  const right = builder.table('right', { name: 'right', ...text });
  const own = { ...options, materialized };
  const joined = of === 'inner' ? left.foreignKeyJoin(right, nameIn, pairOf, own) : left.leftForeignKeyJoin(right, nameIn, pairOf, own);
  joined.toStream().to('out', text);
  return builder.build();
}

describe('foreign-key joins', () => {
  test('do what the rules say, update by update, crashes included', async () => {
    const property = fc.asyncProperty(kind, shape, fc.array(various, { maxLength: 25 }), crash, async (of, form, list, when) => {
      await using driver = await TopologyTestDriver.start(topologyOf(of, form), { oneTask: true, recordsPerRound: 1, commitIntervalMs: 0 });
      const out = driver.createOutputTopic('out', text);
      const results: Result[] = [];
      for (const [at, { side, key, value, timestamp: time }] of list.entries()) {
        if (when !== 'none' && at === Math.floor(list.length / 2)) await driver.crash({ wipeState: when === 'wipe' });
        await driver.createInputTopic(side, text).pipeInput(key, value, time);
        results.push(...out.readRecords().map((record) => ({ key: record.key!, value: record.value, timestamp: record.timestamp })));
      }
      expect(results).toEqual(naiveForeignKeyJoin(of, seen(list, form)));
    });
    await fc.assert(property, { numRuns: 150 });
  });

  test('end up with the right rows, however updates of both sides overtake one another between partitions', async () => {
    const counts = fc.record({ left: fc.integer({ min: 1, max: 4 }), right: fc.integer({ min: 1, max: 5 }) });
    const pace = fc.record({ recordsPerRound: fc.integer({ min: 1, max: 8 }), commitIntervalMs: fc.constantFrom(0, 1_000) });
    const batches = fc.array(fc.array(crowded, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 });
    const property = fc.asyncProperty(kind, shape, counts, pace, batches, crash, async (of, form, partitions, settings, parts, when) => {
      await using driver = await TopologyTestDriver.start(topologyOf(of, form), { partitions: { ...partitions, out: 1 }, ...settings });
      for (const [at, batch] of parts.entries()) {
        for (const side of ['left', 'right'] as const) await driver.createInputTopic(side, text).enqueue(batch.filter((each) => each.side === side));
        if (when !== 'none' && at === Math.floor(parts.length / 2)) await driver.crash({ wipeState: when === 'wipe' });
        else await driver.settle();
      }
      await driver.advanceWallClockTime(1_000);
      const rows = new Map<string, string>();
      for (const { key, value } of driver.createOutputTopic('out', text).readRecords()) {
        if (value === null) rows.delete(key!);
        else rows.set(key!, value);
      }
      expect(rows).toEqual(naiveForeignKeyRows(of, seen(parts.flat(), form)));
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
