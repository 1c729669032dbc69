// Versioned tables and what hangs on them, under random updates in any order of time, against an account that forgets nothing.

import { Serdes, StreamsBuilder, type Topology, type VersionedStore } from 'millrace';
import { TopologyTestDriver, type TestOutputTopic } from 'millrace/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NaiveVersions } from './versioned-reference.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const isBig = (value: string): boolean => value.endsWith('9');
const groupOf = (value: string): string => value[0]!;

/** Everything that treats a versioned table in a way of its own, side by side. */
function topologyOf(historyMs: number): Topology {
  const builder = new StreamsBuilder();
  const rows = builder.table('in', { name: 'rows', ...text, historyMs });
  const others = builder.table('others', { name: 'others', ...text });
  rows.toStream().to('all', text);
  rows.filter(isBig).toStream().to('filtered', text);
  rows.mapValues((value) => `${value}!`, { name: 'mapped', ...text, historyMs: 5 }).toStream().to('mapped', text);
  rows.groupBy((value, key) => [groupOf(value), key], { name: 'grouped', ...text }).count({ name: 'counts' }).toStream().to('counts', { key: text.key, value: Serdes.long() });
  rows.join(others, (own, other) => own + other).toStream().to('joined', text);
  const names = { name: 'named', ...text, foreignKey: text.key, otherValue: text.value, result: text.value };
  rows.foreignKeyJoin(others, groupOf, (own, other) => own + other, names).toStream().to('named', text);
  return builder.build();
}

interface Update {
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

const update: fc.Arbitrary<Update> = fc.record({
  key: fc.constantFrom('a', 'b'),
  value: fc.option(fc.constantFrom('a1', 'a9', 'b1', 'b9'), { nil: null, freq: 3 }),
  timestamp: fc.integer({ min: 0, max: 40 }),
});

const show = ({ key, value, timestamp }: { key: string | null; value: unknown; timestamp: number }): string => `${key}=${value}@${timestamp}`;

test('versioned tables: what is forwarded, skipped, dropped and read as of any time', async () => {
  const property = fc.asyncProperty(fc.integer({ min: 0, max: 30 }), fc.array(update, { maxLength: 20 }), fc.constantFrom('none', 'crash', 'wipe'), async (historyMs, updates, crash) => {
    await using driver = await TopologyTestDriver.start(topologyOf(historyMs), { oneTask: true, recordsPerRound: 1, commitIntervalMs: 0 });
    const outputs = Object.fromEntries(['all', 'filtered', 'mapped', 'joined', 'named'].map((topic) => [topic, driver.createOutputTopic<string, unknown>(topic, text as never)]));
    const counts: TestOutputTopic<string, number> = driver.createOutputTopic('counts', { key: text.key, value: Serdes.long() });
    for (const key of ['a', 'b']) await driver.createInputTopic('others', text).pipeInput(key, '?', 20);

    const rows = new NaiveVersions<string>(historyMs);
    const mapped = new NaiveVersions<string>(5);
    const perGroup = new Map<string | null, number | null>();
    for (const [at, { key, value, timestamp }] of updates.entries()) {
      if (crash !== 'none' && at === Math.floor(updates.length / 2)) await driver.crash({ wipeState: crash === 'wipe' });
      await driver.createInputTopic('in', text).pipeInput(key, value, timestamp);
      const got = Object.fromEntries(Object.entries(outputs).map(([topic, out]) => [topic, out.readRecords().map(show)]));
      for (const record of counts.readRecords()) perGroup.set(record.key, record.value);

      const put = rows.put(key, value, timestamp);
      const line = (text: string | null, time = timestamp): string[] => (put === undefined ? [] : [show({ key, value: text, timestamp: time })]);
      const passes = value !== null && isBig(value);
      const joined = put?.isLatest !== true ? [] : line(value === null ? null : `${value}?`, Math.max(timestamp, 20));
      const named = put?.isLatest !== true || (value === null && put.before === null) ? [] : joined;
      const mappedValue = value === null ? null : `${value}!`;
      expect(got).toEqual({
        all: line(value),
        filtered: line(passes ? value : null),
        mapped: put === undefined || mapped.put(key, mappedValue, timestamp) === undefined ? [] : line(mappedValue),
        joined,
        named,
      });
    }

    const latest = ['a', 'b'].map((key) => rows.get(key)?.value).filter((value) => value != null);
    for (const group of ['a', 'b']) expect(perGroup.get(group) ?? 0).toBe(latest.filter((value) => groupOf(value) === group).length);
    for (const [name, naive] of [['rows', rows], ['mapped', mapped]] as const) {
      const store = driver.store(driver.storeSpec(name)!) as VersionedStore<string, string>;
      for (const key of ['a', 'b']) {
        expect(store.get(key)).toEqual(naive.get(key));
        for (let asOf = 0; asOf <= 41; asOf++) expect([asOf, store.get(key, asOf)]).toEqual([asOf, naive.get(key, asOf)]);
      }
    }
  });
  await fc.assert(property, { numRuns: 150 });
});
