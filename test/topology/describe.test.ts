// A topology as text, JSON and a flowchart. The text was printed by Kafka Streams 4.3.1 for the same graph.

import { describe, expect, test } from 'vitest';
import { describe as describeTopology, describeJson, describeMermaid, Serdes, Stores, StreamsBuilder, type TopologyJson } from 'millrace';
import { Topology } from '../../src/topology/graph/topology.ts';
import type { TopologyNode } from '../../src/topology/graph/node.ts';

const text = { key: Serdes.string(), value: Serdes.string() };

const source = (name: string, ...topics: string[]): TopologyNode => ({ kind: 'source', name, topics, ...text, timestamp: undefined });
const processor = (name: string, parents: string[], stores: (typeof waiting)[] = []): TopologyNode => ({ kind: 'processor', name, parents, stores, supplier: () => ({ process: () => {} }) });
const sink = (name: string, topic: string, ...parents: string[]): TopologyNode => ({ kind: 'sink', name, topic, parents, ...text, partition: undefined });
const globalTable = (name: string): TopologyNode => ({ kind: 'global-table', name, source: `${name}-source`, topic: name, store: Stores.keyValue({ name, ...text }) });
const waiting = Stores.keyValue({ name: 'waiting', ...text });

const SHOP = new Topology(
  [
    source('orders-source', 'orders'),
    source('payments-source', 'payments'),
    processor('check', ['orders-source']),
    processor('match', ['check', 'payments-source'], [waiting]),
    processor('wait', ['payments-source'], [waiting]),
    processor('unused', ['orders-source']),
    sink('paid', 'order-payments', 'match'),
    sink('late', 'refunds', 'wait', 'match'),
    globalTable('products'),
    source('requests-source', 'requests'),
    processor('answer', ['requests-source']),
    sink('answers', 'responses', 'answer'),
    globalTable('customers'),
  ],
  [],
);

describe('as text', () => {
  test('it is what Kafka Streams prints', () => {
    expect(describeTopology(SHOP)).toBe(`Topologies:
   Sub-topology: 0
    Source: orders-source (topics: [orders])
      --> check, unused
    Source: payments-source (topics: [payments])
      --> match, wait
    Processor: check (stores: [])
      --> match
      <-- orders-source
    Processor: match (stores: [waiting])
      --> late, paid
      <-- check, payments-source
    Processor: wait (stores: [waiting])
      --> late
      <-- payments-source
    Sink: late (topic: refunds)
      <-- wait, match
    Sink: paid (topic: order-payments)
      <-- match
    Processor: unused (stores: [])
      --> none
      <-- orders-source

  Sub-topology: 1
    Source: requests-source (topics: [requests])
      --> answer
    Processor: answer (stores: [])
      --> answers
      <-- requests-source
    Sink: answers (topic: responses)
      <-- answer

  Sub-topology: 2 for global store (will not generate tasks)
    Source: products-source (topics: [products])
      --> products
    Processor: products (stores: [products])
      --> none
      <-- products-source
  Sub-topology: 3 for global store (will not generate tasks)
    Source: customers-source (topics: [customers])
      --> customers
    Processor: customers (stores: [customers])
      --> none
      <-- customers-source
`);
  });

  test('internal topics have the names that the broker knows, and a sink may choose its topic', () => {
    const builder = new StreamsBuilder();
    builder.stream(['in', 'more'], text).repartition({ name: 'by-key', ...text });
    const { nodes } = builder.build();
    const chooser: TopologyNode = { ...sink('out', '', 'by-key-repartition-source'), topic: { choose: () => 'anywhere' } } as TopologyNode;
    const shown = describeTopology(new Topology([...nodes, chooser], []), 'app');
    expect(shown).toContain('(topics: [in, more])');
    expect(shown).toContain('Sink: by-key-repartition-sink (topic: app-by-key-repartition)');
    expect(shown).toContain('Source: by-key-repartition-source (topics: [app-by-key-repartition])');
    expect(shown).toContain('Sink: out (extractor class: TopicChooser)');
  });
});

describe('as JSON', () => {
  const json: TopologyJson = JSON.parse(JSON.stringify(SHOP));

  test('it is what JSON.stringify makes of a topology, and survives the way through a file', () => {
    expect(json).toEqual(describeJson(SHOP));
    expect(json).toMatchObject({ format: 'millrace-topology/1', applicationId: '<app>' });
  });

  test('subtopologies have their inputs, stores, and nodes in the order in which a record reaches them', () => {
    expect(json.subtopologies.map(({ id, inputs, stores }) => ({ id, inputs, stores }))).toEqual([
      { id: 0, inputs: ['orders', 'payments'], stores: ['waiting'] },
      { id: 1, inputs: ['requests'], stores: [] },
    ]);
    expect(json.subtopologies[0]!.nodes.map(({ name }) => name)).toEqual(['orders-source', 'payments-source', 'check', 'match', 'wait', 'unused', 'paid', 'late']);
    expect(json.subtopologies[0]!.nodes[3]).toEqual({ name: 'match', kind: 'processor', parents: ['check', 'payments-source'], children: ['paid', 'late'], topics: [], stores: ['waiting'] });
    expect(json.subtopologies[0]!.nodes[6]).toEqual({ name: 'paid', kind: 'sink', parents: ['match'], children: [], topics: ['order-payments'], stores: [] });
  });

  test('stores have their kind, serdes, options and changelog; a global table is its own', () => {
    const builder = new StreamsBuilder();
    const stores = [Stores.window({ name: 'seen', ...text, retentionMs: 60_000 }), Stores.keyValue({ name: 'last', ...text, ttlMs: 5_000, ordered: true }), Stores.timers({ name: 'due' })];
    builder.stream('in', text).process(() => ({ process: () => {} }), { name: 'p', stores });
    expect(describeJson(builder.build(), 'app').stores).toEqual([
      { name: 'seen', kind: 'window', key: 'string', value: 'string', changelog: 'app-seen-changelog', subtopology: 0, options: { retainDuplicates: false, retentionMs: 60_000 } },
      { name: 'last', kind: 'keyValue', key: 'string', value: 'string', changelog: 'app-last-changelog', subtopology: 0, options: { ttlMs: 5_000, ordered: true } },
      { name: 'due', kind: 'timer', key: null, value: null, changelog: 'app-due-changelog', subtopology: 0, options: {} },
    ]);
    expect(json.stores[1]).toEqual({ name: 'products', kind: 'keyValue', key: 'string', value: 'string', changelog: null, subtopology: null, options: {} });
    expect(json.globalTables).toEqual([{ name: 'products', topic: 'products', store: 'products' }, { name: 'customers', topic: 'customers', store: 'customers' }]);
  });

  test('topics have their readers and writers, and say whose they are', () => {
    const builder = new StreamsBuilder();
    const [left, right] = [builder.stream('left', text).repartition({ name: 'wide', ...text, partitions: 6 }), builder.stream('right', text)];
    left.join(right, (a, b) => `${a}${b}`, { name: 'pair', window: { beforeMs: 1, afterMs: 1, graceMs: 0 }, ...text, otherValue: text.value }).to('out', text);
    const { topics, copartitioned } = describeJson(builder.build(), 'app');
    expect(topics.map(({ name, kind, partitions }) => [name, kind, partitions])).toEqual([
      ['left', 'external', null],
      ['app-wide-repartition', 'repartition', 6],
      ['right', 'external', null],
      ['out', 'external', null],
    ]);
    expect(topics[1]).toMatchObject({ readBy: ['wide-repartition-source'], writtenBy: ['wide-repartition-sink'], retentionMs: null });
    expect(copartitioned).toEqual([['app-wide-repartition', 'right']]);
  });
});

describe('as a Mermaid flowchart', () => {
  test('topics are stadiums, subtopologies boxes, stores cylinders', () => {
    const builder = new StreamsBuilder();
    builder.stream('in', text).process<string, string>(() => ({ process: () => {} }), { name: 'p', stores: [waiting] }).to('out', text);
    expect(describeMermaid(builder.build())).toBe(`flowchart TB
  topic0(["in"])
  topic1(["out"])
  subgraph sub0["Sub-topology 0"]
    node0[/"KSTREAM-SOURCE-0000000000"/]
    node1["p"]
    node2[\\"KSTREAM-SINK-0000000001"\\]
    store0[("waiting<br/>keyValue")]
  end
  topic0 --> node0
  node0 --> node1
  node1 <-.-> store0
  node2 --> topic1
  node1 --> node2
`);
  });

  test('global tables have boxes of their own', () => {
    expect(describeMermaid(SHOP)).toContain('  subgraph globalnode8["Global table, on every instance"]\n    node8["products"]\n    store1[("products<br/>keyValue")]\n  end\n');
  });

  test('names that would mean something to Mermaid mean nothing', () => {
    const builder = new StreamsBuilder();
    builder.stream('end', text).repartition({ name: 'subgraph', ...text });
    const shown = describeMermaid(builder.build());
    expect(shown).toContain('topic0(["end"])');
    expect(shown).toContain('topic1(["#60;app#62;-subgraph-repartition"])');
  });
});
