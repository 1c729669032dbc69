// Chains of stateless operators, drawn at random, against the same functions applied to a list.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder, type KStream } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

type Key = string | null;
type Row = readonly [key: Key, value: Key, timestamp: number];
type Stream = KStream<Key, Key>;

interface Step {
  readonly name: string;
  readonly onStream: (stream: Stream, at: number) => Stream;
  readonly onRow: (row: Row) => Row[];
}

const isShort = (value: Key): boolean => (value ?? '').length < 2;
const isOfA = (_value: Key, key: Key): boolean => key?.startsWith('a') === true;
const words = (value: Key): Key[] => (value === null ? [] : value.split(''));

const STEPS: readonly Step[] = [
  { name: 'filter', onStream: (stream) => stream.filter(isShort), onRow: (row) => (isShort(row[1]) ? [row] : []) },
  { name: 'filterNot', onStream: (stream) => stream.filterNot(isOfA), onRow: (row) => (isOfA(row[1], row[0]) ? [] : [row]) },
  { name: 'mapValues', onStream: (stream) => stream.mapValues((value) => (value === 'b' ? null : `${value}b`)), onRow: ([key, value, time]) => [[key, value === 'b' ? null : `${value}b`, time]] },
  { name: 'map', onStream: (stream) => stream.map((value, key) => [value, key]), onRow: ([key, value, time]) => [[value, key, time]] },
  { name: 'selectKey', onStream: (stream) => stream.selectKey((value) => value?.slice(0, 1) ?? null), onRow: ([, value, time]) => [[value?.slice(0, 1) ?? null, value, time]] },
  { name: 'flatMapValues', onStream: (stream) => stream.flatMapValues(words), onRow: ([key, value, time]) => words(value).map((word): Row => [key, word, time]) },
  {
    name: 'flatMap',
    onStream: (stream) => stream.flatMap((value, key) => [[key, value], [value, 'c']]),
    onRow: ([key, value, time]) => [[key, value, time], [value, 'c', time]],
  },
  {
    name: 'split',
    onStream: (stream) => {
      const { short, ofA, rest } = stream.split({ short: isShort, ofA: isOfA }, { default: 'rest' });
      return short.mapValues((value) => `${value}s`).merge(ofA.filter(() => false)).merge(rest);
    },
    onRow: (row) => (isShort(row[1]) ? [[row[0], `${row[1]}s`, row[2]]] : isOfA(row[1], row[0]) ? [] : [row]),
  },
  {
    name: 'merge with itself, filtered',
    onStream: (stream) => stream.merge(stream.filter(isShort)),
    onRow: (row) => (isShort(row[1]) ? [row, row] : [row]),
  },
  { name: 'peek', onStream: (stream) => stream.peek(() => {}), onRow: (row) => [row] },
  { name: 'repartition', onStream: (stream, at) => stream.repartition({ name: `again-${at}`, ...text }), onRow: (row) => (row[0] === null ? [] : [row]) },
];

const anyText = fc.constantFrom(null, 'a', 'b', 'ab', 'abc');
const anyRow: fc.Arbitrary<Row> = fc.tuple(anyText, anyText, fc.integer({ min: 0, max: 20 }));
const anySteps = fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 6 });

test('any chain gives what its functions give, in order in one partition, and all of it in several, crashes or not', async () => {
  await fc.assert(
    fc.asyncProperty(anySteps, fc.array(anyRow, { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), fc.nat(12), async (steps, rows, partitions, crashAt) => {
      const builder = new StreamsBuilder();
      let stream: Stream = builder.stream('in', text);
      for (const [at, { onStream }] of steps.entries()) stream = onStream(stream, at);
      stream.to('out', text);
      await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { in: partitions, out: partitions } });
      const input = driver.createInputTopic('in', text);
      for (const [at, [key, value, timestamp]] of rows.entries()) {
        if (at === crashAt) await driver.crash({ wipeState: at % 2 === 0 });
        await input.pipeInput(key, value, timestamp);
      }
      const got = driver.createOutputTopic('out', text).readRecords().map(({ key, value, timestamp }) => JSON.stringify([key, value, timestamp]));
      const wanted = steps.reduce((all, { onRow }) => all.flatMap(onRow), rows).map((row) => JSON.stringify(row));
      if (partitions === 1) expect(got).toEqual(wanted);
      else expect(got.sort()).toEqual(wanted.sort());
    }),
    { numRuns: 150 },
  );
});
