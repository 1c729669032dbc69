// Versioned tables, as a specification: where one comes from, who passes it on, and what is kept of results. The random attack is in
// versioned-tables.property.test.ts.

import { Serdes, StreamsBuilder, type KStream, type KTable, type VersionedStore } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import { describe, expect, test } from 'vitest';

const text = { key: Serdes.string(), value: Serdes.string() };
type Step = readonly [key: string, value: string | null, timestamp: number];
type Streams = KStream<string | null, string | null>;

/** What a table made of the records of topic "in" forwards, and then its store "kept", read as of some times after everything local was lost. */
async function kept(
  derive: (stream: Streams) => KTable<string, string | number>,
  steps: readonly Step[],
  asOf: readonly (number | undefined)[] = [],
): Promise<{ out: string[]; kept: (string | undefined)[] }> {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', text);
  derive(stream).mapValues(String).toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), { oneTask: true, recordsPerRound: 1, commitIntervalMs: 0 });
  for (const [key, value, timestamp] of steps) await driver.createInputTopic('in', text).pipeInput(key, value, timestamp);
  await driver.crash({ wipeState: true });
  const out = driver.createOutputTopic('out', text).readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`);
  const spec = driver.storeSpec('kept');
  if (spec === undefined) return { out, kept: [] };
  const store = driver.store(spec) as VersionedStore<string, unknown>;
  const reads = asOf.map((time) => store.get('a', time)).map((found) => (found === undefined ? undefined : `${found.value}@${found.timestamp}`));
  return { out, kept: reads };
}

const KEPT = { name: 'kept', historyMs: 10 };

describe('results kept with their past', () => {
  test('of a count: each has the highest timestamp of its records, so none is late unless its row had gone', async () => {
    const steps: Step[] = [['a', 'x', 5], ['a', 'x', 3], ['a', 'x', 9], ['b', 'x', 20], ['b', 'x', 1], ['c', 'x', 9]];
    expect(await kept((stream) => stream.groupByKey({ name: 'g', ...text }).count(KEPT), steps, [undefined, 5, 8, 9, 10])).toEqual({
      // c's first record is older than the history: it does not count.
      out: ['a=1@5', 'a=2@5', 'a=3@9', 'b=1@20', 'b=2@20'],
      kept: ['3@9', undefined, undefined, '3@9', '3@9'],
    });
  });

  test('of a reduce and an aggregate, also where a null removes the row for a while', async () => {
    const steps: Step[] = [['a', 'x', 5], ['a', 'y', 7], ['a', '-', 8], ['a', 'z', 6], ['a', 'w', 12]];
    const joined = (current: string, next: string): string | null => (next === '-' ? null : current + next);
    const reduced = { out: ['a=x@5', 'a=xy@7', 'a=null@8', 'a=z@6', 'a=w@12'], kept: ['x@5', 'z@6', 'xy@7', undefined, 'w@12', 'w@12'] };
    expect(await kept((stream) => stream.groupByKey({ name: 'g', ...text }).reduce(joined as never, KEPT), steps, [5, 6, 7, 8, 12, undefined])).toEqual(reduced);
    const aggregated = (stream: Streams): KTable<string, string> =>
      stream.groupByKey({ name: 'g', ...text }).aggregate({ ...KEPT, initial: () => '', add: (next, current) => joined(current, next) as string, value: Serdes.string() });
    expect(await kept(aggregated, steps, [5, 6, 7, 8, 12, undefined])).toEqual(reduced);
  });

  test('of a table’s groups', async () => {
    const steps: Step[] = [['k', 'a', 5], ['l', 'a', 3], ['k', null, 9], ['l', 'b', 4]];
    const counted = (stream: Streams): KTable<string, number> =>
      stream.toTable({ name: 'rows', ...text }).groupBy((value, key) => [value, key], { name: 'g', ...text }).count(KEPT);
    expect(await kept(counted, steps, [4, 5, 9, undefined])).toEqual({ out: ['a=1@5', 'a=2@5', 'a=1@9', 'a=0@9', 'b=1@4'], kept: [undefined, '2@5', '0@9', '0@9'] });
  });

  test('of a stream made a table, also by way of a repartition topic', async () => {
    const steps: Step[] = [['a', 'x', 20], ['a', 'y', 12], ['a', 'z', 9], ['a', null, 15]];
    const expected = { out: ['a=x@20', 'a=y@12', 'a=null@15'], kept: ['x@20', undefined, 'y@12', undefined] };
    expect(await kept((stream) => stream.toTable({ ...KEPT, ...text }) as KTable<string, string>, steps, [undefined, 11, 14, 15])).toEqual(expected);
    expect(await kept((stream) => stream.selectKey((_value, key) => key).toTable({ ...KEPT, ...text }) as KTable<string, string>, steps, [undefined, 11, 14, 15])).toEqual(expected);
  });

  test('of filter and mapValues', async () => {
    const steps: Step[] = [['a', 'x', 20], ['a', 'y', 12], ['a', 'z', 9]];
    const rows = (stream: Streams): KTable<string, string> => stream.toTable({ name: 'rows', ...text, materialized: true });
    const out = ['a=x@20', 'a=null@12'];
    expect(await kept((stream) => rows(stream).filter((value) => value !== 'y', { ...KEPT, ...text }), steps, [undefined, 12, 19])).toEqual({ out, kept: ['x@20', undefined, undefined] });
    expect(await kept((stream) => rows(stream).mapValues((value) => (value === 'y' ? null : value), { ...KEPT, ...text }), steps, [undefined, 12, 19])).toEqual({ out, kept: ['x@20', undefined, undefined] });
  });
});

describe('late updates', () => {
  const steps: Step[] = [['a', 'new', 20], ['a', 'old', 15]];
  const versioned = (stream: Streams): KTable<string, string> => stream.toTable({ name: 'rows', ...text, historyMs: 10 });
  const counted = (table: KTable<string, string>): KTable<string, number> => table.groupBy((value, key) => [value, key], { name: 'g', ...text }).count({ name: 'counts' });

  test.each<[string, (stream: Streams) => KTable<string, string>]>([
    ['a versioned table', versioned],
    ['filter and mapValues on one, which pass that on', (stream) => versioned(stream).filter(() => true).mapValues((value) => value)],
    ['a table made versioned by its own store', (stream) => stream.toTable({ name: 'rows', ...text }).mapValues((value) => value, { name: 'own', ...text, historyMs: 10 })],
  ])('are not counted in the groups of %s', async (_name, derive) => {
    expect((await kept((stream) => counted(derive(stream)), steps)).out).toEqual(['new=1@20']);
  });

  test('are, where a plain store comes after: there the last to arrive wins', async () => {
    const plain = (stream: Streams): KTable<string, string> => versioned(stream).mapValues((value) => value, { name: 'plain', ...text });
    expect((await kept((stream) => counted(plain(stream)), steps)).out).toEqual(['new=1@20', 'new=0@20', 'old=1@15']);
  });

  test('do not bring back a row that was deleted at the very time of its only version', async () => {
    // Kafka Streams forgets such a delete, and reads the older update as the current row.
    const deleted: Step[] = [['a', 'x', 10], ['a', null, 10], ['a', 'old', 5]];
    expect((await kept((stream) => counted(versioned(stream)), deleted)).out).toEqual(['x=1@10', 'x=0@10']);
    expect((await kept((stream) => stream.toTable({ ...KEPT, ...text }) as KTable<string, string>, deleted, [undefined, 10, 9, 5])).kept).toEqual([undefined, undefined, 'old@5', 'old@5']);
  });
});

test('a length of history that is none is refused, wherever it is given', () => {
  const history = { name: 'kept', historyMs: -1 };
  const group = new StreamsBuilder().stream('in', text).groupByKey({ name: 'g', ...text });
  const table = new StreamsBuilder().table('in', { name: 'rows', ...text });
  for (const build of [
    () => group.count(history),
    () => group.reduce((current) => current, history),
    () => table.filter(() => true, { ...history, ...text }),
    () => table.groupBy((value, key) => [value, key], { name: 'g', ...text }).count(history),
    () => table.join(table, (own) => own, { ...history, ...text }),
    () => table.foreignKeyJoin(table, (value) => value, (own) => own, { ...history, ...text, foreignKey: text.key, otherValue: text.value, result: text.value }),
  ]) {
    expect(build).toThrow(/historyMs/);
  }
});
