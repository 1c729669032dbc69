// Every problem of a topology at once, each with what is wrong, why that matters and what to do.

import { describe, expect, test } from 'vitest';
import { Serdes, Stores, StreamsBuilder, TopologyError, type AnyStoreSpec } from 'millrace';
import type { InternalTopicRef, TopicRef, TopologyNode } from '../../src/topology/graph/node.ts';
import { validate } from '../../src/topology/graph/validate.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const store = (name: string): AnyStoreSpec => Stores.keyValue({ name, ...text });
const source = (name: string, ...topics: TopicRef[]): TopologyNode => ({ kind: 'source', name, topics, ...text, timestamp: undefined });
const processor = (name: string, parents: string[], stores: AnyStoreSpec[] = []): TopologyNode => ({ kind: 'processor', name, parents, stores, supplier: () => ({ process: () => {} }) });
const sink = (name: string, parent: string, topic: TopicRef): TopologyNode => ({ kind: 'sink', name, parents: [parent], topic, ...text, partition: undefined });
const globalTable = (name: string, topic: string, spec = store(name)): TopologyNode => ({ kind: 'global-table', name, source: `${name}-source`, topic, store: spec as never });
const repartition = (suffix: string, more: Partial<InternalTopicRef> = {}): InternalTopicRef => ({ suffix, use: 'repartition', ...more });
const long = 'x'.repeat(139);

describe('nothing is wrong', () => {
  test.each<[string, TopologyNode[]]>([
    ['with a node that leads nowhere', [source('s', 'in'), processor('p', ['s'])]],
    ['with a global table alone', [globalTable('g', 'in')]],
    ['with one store in two processors', (([spec]) => [source('s', 'in'), processor('p', ['s'], [spec!]), processor('q', ['s'], [spec!])])([store('shared')])],
    ['with several sinks to one topic', [source('s', 'in'), sink('a', 's', 'out'), sink('b', 's', 'out')]],
    ['with a sink to the topic that is read: a loop through Kafka', [source('s', 'in'), sink('a', 's', 'in')]],
    ['with a sink to the topic of a global table, which every instance then reads', [source('s', 'in'), globalTable('g', 'rates'), sink('a', 's', 'rates')]],
    ['with a store whose name is as long as any application id allows', [source('s', 'in'), processor('p', ['s'], [store('x'.repeat(138))])]],
    ['with an internal topic that two sinks write', [source('s', 'in'), sink('a', 's', repartition('r')), sink('b', 's', repartition('r')), source('t', repartition('r'))]],
  ])('%s', (_, nodes) => {
    expect(validate(nodes)).toEqual([]);
  });
});

describe('what is wrong is named', () => {
  test.each<[string, TopologyNode[], string | RegExp]>([
    ['no source', [], /no source.*begin with builder.stream/],
    ['two nodes of one name', [source('s', 'in'), processor('p', ['s']), processor('p', ['s'])], /two nodes are named "p".*another name/],
    ['a name that is no name', [source('s', 'in'), processor('a b', ['s'])], /node name "a b".*use 1 to 249 letters/],
    ['an empty name', [source('', 'in')], /node name "".*use 1 to 249 letters/],
    ['an unknown parent', [source('s', 'in'), processor('p', ['nobody'])], '"p" hangs on "nobody", which does not exist: name a node of this topology'],
    ['a parent that comes later', [processor('p', ['s']), source('s', 'in')], /"p" hangs on "s", which does not exist before it: add parents first/],
    ['a parent that hands nothing on', [source('s', 'in'), sink('end', 's', 'out'), processor('p', ['end'])], /"p" hangs on "end", which is a sink and hands nothing on/],
    ['a global table as a parent', [source('s', 'in'), globalTable('g', 'rates'), processor('p', ['g'])], /"p" hangs on "g", which is a global-table.*join the table/],
    ['no parent at all', [source('s', 'in'), processor('p', [])], /"p" has no parents, so no record would ever reach it/],
    ['a circle', [source('s', 'in'), processor('a', ['s', 'c']), processor('b', ['a']), processor('c', ['b'])], /circle \(a → b → c → a\).*through a topic/],
    ['a node that follows itself', [source('s', 'in'), processor('a', ['s', 'a'])], /circle \(a → a\)/],
    ['a source without a topic', [source('s')], /source "s" reads no topic/],
    ['a topic named twice by one source', [source('s', 'in', 'in')], /names topic "in" twice/],
    ['a topic read by two sources', [source('a', 'in'), source('b', 'in')], /"in" is read by two sources, "a" and "b".*read it once/],
    ['a topic read as a stream and as a global table', [source('a', 'in'), globalTable('g', 'in')], /"in" is read by two sources, "a" and "g"/],
    ['a topic of no name', [source('s', 'in put')], /"in put" is not a valid topic name/],
    ['a sink to a topic of no name', [source('s', 'in'), sink('end', 's', '..')], /"\.\." is not a valid topic name/],
    ['an internal topic whose name gets too long', [source('s', 'in'), sink('end', 's', repartition('y'.repeat(149)))], /not a valid topic name.*at most 249 characters with an application id of 100/],
    ['an internal topic asked for in two ways', [source('s', 'in'), sink('a', 's', repartition('r', { partitions: 3 })), source('t', repartition('r'))], '"<app>-r" is asked for with different settings (repartition partitions 3, and repartition)'],
    ['an internal topic as wide as one that is not there', [source('s', { suffix: 'out', use: 'pipe', sameAs: 'gone' })], /as many partitions as "<app>-gone", which nobody reads or writes/],
    ['a partition count that is none', [source('s', 'in'), sink('a', 's', repartition('r', { partitions: 0 }))], /"<app>-r" is to have 0 partitions: give a whole number/],
    ['two stores of one name', [source('s', 'in'), processor('p', ['s'], [store('x')]), processor('q', ['s'], [store('x')])], /two stores are named "x".*hand the same spec object/],
    ['a store and a global table of one name', [source('s', 'in'), processor('p', ['s'], [store('x')]), globalTable('x', 'rates')], /two stores are named "x"/],
    ['two global tables in one store', (([spec]) => [globalTable('g', 'a', spec), globalTable('h', 'b', spec)])([store('x')]), /two stores are named "x"/],
    ['a global table\'s store listed as a processor\'s own', (([spec]) => [source('s', 'in'), processor('p', ['s'], [spec!]), globalTable('g', 'rates', spec)])([store('x')]), /"p" lists the store "x" of the global table "g".*leave it out/],
    ['a store whose name is no name', [source('s', 'in'), processor('p', ['s'], [store('a/b')])], /store name "a\/b" cannot be part of a topic name/],
    ['a store whose changelog gets too long a name', [source('s', 'in'), processor('p', ['s'], [store(long)])], /has 139 characters.*use at most 138/],
    ['an internal topic with the name of a changelog', [source('s', 'in'), processor('p', ['s'], [store('x')]), sink('end', 'p', repartition('x-changelog'))], /"<app>-x-changelog" is both the changelog of the store "x" and an internal topic/],
  ])('%s', (_, nodes, problem) => {
    expect(validate(nodes)).toEqual([expect.stringMatching(problem instanceof RegExp ? problem : escaped(problem))]);
  });

  test('counts that are given for topics which are joined, and differ', () => {
    const nodes = [source('a', 'left'), source('b', 'right'), sink('c', 'a', repartition('l', { partitions: 2 })), sink('d', 'b', repartition('r', { partitions: 3 })), source('e', repartition('l', { partitions: 2 })), source('f', repartition('r', { partitions: 3 }))];
    const problem = expect.stringMatching(/must have the same number of partitions.*<app>-l \(2\), <app>-r \(3\)/);
    expect(validate(nodes, [['e', 'f']])).toEqual([problem]);
    expect(validate(nodes, [['e', 'a']])).toEqual([]);
    expect(validate(nodes, [['e', 'a'], ['b'], ['f', 'a']])).toEqual([problem]);
  });

  test('a join of what is no source', () => {
    expect(validate([source('a', 'left'), processor('p', ['a'])], [['a', 'p', 'x']])).toEqual([expect.stringMatching(/"p" is joined, but is no source/), expect.stringMatching(/"x" is joined/)]);
  });
});

test('all problems are found at once, and thrown together', () => {
  const nodes = [source('s', 'in', 'in'), processor('s', ['nobody'], [store('x')]), processor('q', ['s'], [store('x'), store('a b')])];
  expect(validate(nodes)).toHaveLength(5);

  const builder = new StreamsBuilder();
  const input = builder.stream('in', text);
  for (const name of ['one', 'two']) input.process(() => ({ process: () => {} }), { name, stores: [store('same'), store('in valid')] });
  const problems = (): unknown => {
    try {
      return builder.build();
    } catch (error) {
      return error;
    }
  };
  expect(problems()).toBeInstanceOf(TopologyError);
  expect((problems() as TopologyError).problems).toHaveLength(3);
});

function escaped(literal: string): RegExp {
  return new RegExp(literal.replaceAll(/[()<>".]/g, '\\$&'));
}
