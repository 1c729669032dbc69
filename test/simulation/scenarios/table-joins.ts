// Joins of tables, with and without stores of their own, and joins of joins. Whatever was lost or came twice on the way: in the end there is a row for just those
// keys that should have one, and it is made of the rows that are there.

import { expect } from 'vitest';
import { StreamsBuilder, type KTable, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, failAtTheEnd, isBad, orBad, rowsOf, text } from './inputs.ts';

const INPUTS = { one: 2, two: 2, three: 2 };
const TOPICS = { ...INPUTS, inner: 2, left: 2, outer: 2, chain: 2, lengths: 1 };

function topology(): Topology {
  const builder = new StreamsBuilder();
  const [one, two] = (['one', 'two'] as const).map((topic) => builder.table(topic, { name: topic, ...text })) as [Table, Table];
  const records = builder.stream('three', text);
  const three = records.selectKey((_value, key) => key).toTable({ name: 'three', ...text });
  const both = (a: string | null, b: string | null): string => `${a}/${b}`;
  told(one.join(two, both), 'inner');
  told(one.leftJoin(two.filter((value) => isEven(value)), both, { name: 'left-rows', ...text }), 'left');
  const outer = one.outerJoin(two, both);
  told(outer, 'outer');
  const chain = outer.leftJoin(three.mapValues((value) => value.toUpperCase()), both, { name: 'chain-rows', ...text });
  told(chain, 'chain');
  const lengths = chain.groupBy((value, key) => [value.includes('null') ? 'part' : 'whole', key], { name: 'by-wholeness', ...text });
  told(lengths.reduce((a, b) => [...a.split(' '), b].sort().join(' '), (a, b) => a.split(' ').filter((key) => key !== b).join(' ') || null, { name: 'wholeness' }), 'lengths');
  for (const stream of [one.toStream(), two.toStream(), records]) failAtTheEnd(stream);
  return builder.build();
}

type Table = KTable<string, string>;

function told(table: Table, topic: string): void {
  table.toStream().to(topic, text);
}

function isEven(value: string): boolean {
  return Number(/\d+/.exec(value)![0]) % 2 === 0;
}

function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ one: 2, two: 2, three: 1 });
  const value = random.chance(0.25) ? null : orBad(random, `v${at}`);
  return entryOf(topic, INPUTS[topic], { key: anyKey(random), value, timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const rows = (topic: string): Record<string, string> => rowsOf(entries.filter((entry) => entry.topic === topic && !isBad(entry)));
  const [one, two, three] = [rows('one'), rows('two'), rows('three')];
  const joined = (keys: readonly string[], other: Record<string, string>): Record<string, string> => Object.fromEntries(keys.map((key) => [key, `${one[key] ?? null}/${other[key] ?? null}`]));
  expect(rowsOf(read('inner'))).toEqual(joined(Object.keys(one).filter((key) => key in two), two));
  const even = Object.fromEntries(Object.entries(two).filter(([, value]) => isEven(value)));
  expect(rowsOf(read('left'))).toEqual(joined(Object.keys(one), even));
  const outer = joined(Object.keys({ ...one, ...two }), two);
  expect(rowsOf(read('outer'))).toEqual(outer);
  const chain = Object.fromEntries(Object.entries(outer).map(([key, value]) => [key, `${value}/${three[key]?.toUpperCase() ?? null}`]));
  expect(rowsOf(read('chain'))).toEqual(chain);
  const keysOf = (isPart: boolean): string => Object.keys(chain).filter((key) => chain[key]!.includes('null') === isPart).sort().join(' ');
  const { part = '', whole = '' } = rowsOf(read('lengths'));
  expect({ part, whole }).toEqual({ part: keysOf(true), whole: keysOf(false) });
}

export const tableJoins: Scenario = { topics: TOPICS, topology, anyEntry, check };
