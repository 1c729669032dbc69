// Streams and tables of two builders do not meet: their nodes have the same numbered names, so one would silently be wired to what belongs to the other.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder, TopologyError, type KStream, type KTable } from 'millrace';

const text = { key: Serdes.string(), value: Serdes.string() };
const pair = (left: string | null, right: string | null): string => `${left}|${right}`;
const window = { beforeMs: 0, afterMs: 0, graceMs: 0 };

interface Side {
  readonly stream: KStream<string | null, string | null>;
  readonly table: KTable<string, string>;
  readonly builder: StreamsBuilder;
}

function side(name: string): Side {
  const builder = new StreamsBuilder();
  return { builder, stream: builder.stream(`${name}-in`, text), table: builder.table(`${name}-rows`, { name: `${name}-rows`, ...text }) };
}

test.each<[string, (one: Side, other: Side) => void]>([
  ['merge', (one, other) => one.stream.merge(other.stream)],
  ['join', (one, other) => one.stream.join(other.stream, pair, { name: 'j', window, ...text, otherValue: text.value })],
  ['outerJoin', (one, other) => one.stream.outerJoin(other.stream, pair, { name: 'j', window, ...text, otherValue: text.value })],
  ['join with a table', (one, other) => one.stream.leftJoin(other.table, pair, { name: 'j', ...text })],
  ['join with a global table', (one, other) => one.stream.leftJoin(other.builder.globalTable('global', { name: 'global', ...text }), (value) => value, pair)],
  ['join of tables', (one, other) => one.table.join(other.table, pair)],
  ['foreign-key join', (one, other) => one.table.foreignKeyJoin(other.table, (value) => value, pair, { name: 'fk', ...text, foreignKey: text.key, otherValue: text.value, result: text.value })],
  ['cogroup', (one, other) => one.stream.groupByKey({ name: 'g', ...text }).cogroup<string>((value) => value).cogroup(other.stream.groupByKey({ name: 'h', ...text }), (value) => value)],
  ['process', (one, other) => one.stream.process(() => ({ process: () => {} }), { name: 'p', tables: [other.table] })],
])('%s', (_, meet) => {
  const meeting = (): void => meet(side('one'), side('other'));
  expect(meeting).toThrow(TopologyError);
  expect(meeting).toThrow(/two builders.*one StreamsBuilder/s);
  const [one] = [side('one')];
  expect(() => meet(one, { ...side('other'), stream: one.builder.stream('more', text), table: one.builder.table('more-rows', { name: 'more-rows', ...text }), builder: one.builder })).not.toThrow();
});
