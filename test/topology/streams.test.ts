// Streams without state: what each operator passes on, and when records have to go through a topic first.

import { describe, expect, test } from 'vitest';
import { partitionFor, Serdes, StreamsBuilder, TopologyError, type Headers, type KStream, type Topology } from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const window = { beforeMs: 1, afterMs: 1, graceMs: 0 };

type Input = readonly [key: string | null, value: string | null, timestamp?: number, headers?: Headers];
type Any = KStream<string | null, string | null>;

/** From topic "in" to topic "out". */
function topologyOf(define: (stream: Any, builder: StreamsBuilder) => KStream<any, any>): Topology {
  const builder = new StreamsBuilder();
  define(builder.stream('in', text), builder).to('out', text);
  return builder.build();
}

async function run(topology: Topology, inputs: readonly Input[], options: TestDriverOptions = {}, outputs: readonly string[] = ['out']): Promise<string[]> {
  await using driver = await TopologyTestDriver.start(topology, options);
  const input = driver.createInputTopic('in', text);
  for (const [key, value, timestamp = 0, headers] of inputs) await input.pipeInput(key, value, timestamp, headers);
  return outputs.flatMap((topic) => driver.createOutputTopic(topic, text).readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`));
}

const internalTopics = (topology: Topology): string[] => topology.internalTopics().map(({ suffix }) => suffix);
const upper = (value: string | null): string => String(value).toUpperCase();

describe('stateless operators', () => {
  const INPUTS: Input[] = [['a', 'x y', 5], [null, 'y', 3], ['b', null, 9]];

  test.each<[string, (stream: Any) => KStream<any, any>, string[]]>([
    ['filter', (stream) => stream.filter((value) => value !== 'y'), ['a=x y@5', 'b=null@9']],
    ['filter, by key', (stream) => stream.filter((_value, key) => key === null), ['null=y@3']],
    ['filterNot', (stream) => stream.filterNot((value) => value !== 'y'), ['null=y@3']],
    ['mapValues', (stream) => stream.mapValues(upper), ['a=X Y@5', 'null=Y@3', 'b=NULL@9']],
    ['mapValues, of the key', (stream) => stream.mapValues((_value, key) => key), ['a=a@5', 'null=null@3', 'b=b@9']],
    ['map', (stream) => stream.map((value, key) => [value, key]), ['x y=a@5', 'y=null@3', 'null=b@9']],
    ['selectKey', (stream) => stream.selectKey(upper), ['X Y=x y@5', 'Y=y@3', 'NULL=null@9']],
    ['flatMap', (stream) => stream.flatMap((value, key) => [[key, value], [value, key]]), ['a=x y@5', 'x y=a@5', 'null=y@3', 'y=null@3', 'b=null@9', 'null=b@9']],
    ['flatMap, to nothing', (stream) => stream.flatMap(() => []), []],
    ['flatMapValues', (stream) => stream.flatMapValues((value) => value?.split(' ') ?? [null, '']), ['a=x@5', 'a=y@5', 'null=y@3', 'b=null@9', 'b=@9']],
    ['peek', (stream) => stream.peek(() => {}), ['a=x y@5', 'null=y@3', 'b=null@9']],
  ])('%s sees null keys and null values like any other, and keeps timestamps', async (_name, operator, expected) => {
    expect(await run(topologyOf(operator), INPUTS)).toEqual(expected);
  });

  test('keep headers, repeated names and null values among them', async () => {
    const headers: Headers = [['a', Buffer.from('1')], ['b', null], ['a', Buffer.from('2')]];
    const topology = topologyOf((stream) =>
      stream
        .filter(() => true)
        .mapValues(upper)
        .map((value, key) => [key, value])
        .flatMap((value, key) => [[key, value]])
        .flatMapValues((value) => [value])
        .selectKey((value) => value)
        .split({ one: () => true })
        .one.peek(() => {})
        .repartition({ name: 'again', ...text })
        .merge(stream.filter(() => false)),
    );
    await using driver = await TopologyTestDriver.start(topology);
    await driver.createInputTopic('in', text).pipeInput('k', 'v', 7, headers);
    expect(driver.createOutputTopic('out', text).readRecords()).toEqual([{ key: 'V', value: 'V', timestamp: 7, headers }]);
  });

  test('peek and foreach see each record once, in order', async () => {
    const seen: string[] = [];
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', text);
    stream.peek((value, key) => seen.push(`peek ${key}=${value}`)).foreach((value, key) => seen.push(`foreach ${key}=${value}`));
    await run(builder.build(), [['a', '1'], ['b', '2']]);
    expect(seen).toEqual(['peek a=1', 'foreach a=1', 'peek b=2', 'foreach b=2']);
  });

  test('a node hands a record to its first child, and all below that, before the second child gets it', async () => {
    const seen: string[] = [];
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', text);
    const first = stream.flatMapValues((value) => [`${value}1`, `${value}2`]);
    stream.foreach((value) => seen.push(`second ${value}`));
    first.foreach((value) => seen.push(`first ${value}`));
    first.foreach((value) => seen.push(`also ${value}`));
    await run(builder.build(), [['a', 'x'], ['a', 'y']]);
    expect(seen).toEqual(['first x1', 'also x1', 'first x2', 'also x2', 'second x', 'first y1', 'also y1', 'first y2', 'also y2', 'second y']);
  });
});

describe('split', () => {
  const isLong = (value: string | null): boolean => (value ?? '').length > 1;
  const INPUTS: Input[] = [['a', 'x'], ['b', 'xx'], ['a', 'yy'], [null, null]];

  test('gives each record to the first branch that takes it, and the rest to the default', async () => {
    const builder = new StreamsBuilder();
    const { long, ofA, rest } = builder.stream('in', text).split({ long: isLong, ofA: (_value, key) => key === 'a' }, { default: 'rest' });
    for (const [topic, stream] of Object.entries({ long, ofA, rest })) stream.to(topic, text);
    const topology = builder.build();
    expect(await run(topology, INPUTS, {}, ['long'])).toEqual(['b=xx@0', 'a=yy@0']);
    expect(await run(topology, INPUTS, {}, ['ofA'])).toEqual(['a=x@0']);
    expect(await run(topology, INPUTS, {}, ['rest'])).toEqual(['null=null@0']);
  });

  test('without a default drops what no branch takes, and asks nobody after the first that takes it', async () => {
    const asked: string[] = [];
    const topology = topologyOf((stream) => {
      const branches = stream.split({
        long: isLong,
        other: (value) => {
          asked.push(String(value));
          return false;
        },
      });
      return branches.long.merge(branches.other);
    });
    expect(await run(topology, INPUTS)).toEqual(['b=xx@0', 'a=yy@0']);
    expect(asked).toEqual(['x', 'null']);
  });

  test('refuses names that JavaScript would put into another order, and a default that is a branch', () => {
    const stream = new StreamsBuilder().stream('in', text);
    expect(() => stream.split({ 2: isLong, 1: isLong })).toThrow(TopologyError);
    expect(() => stream.split({ 2: isLong, 1: isLong })).toThrow(/named "1".*add a letter/);
    expect(() => stream.split({ long: isLong }, { default: 'long' })).toThrow(/"long" like another branch/);
  });
});

describe('merge', () => {
  test('takes records of both as they come; a stream merged with itself is just that', async () => {
    const builder = new StreamsBuilder();
    const [one, two] = [builder.stream('in', text), builder.stream('other', text)];
    one.merge(two).merge(one.filter((value) => value === 'x')).to('out', text);
    one.merge(one).to('itself', text);
    await using driver = await TopologyTestDriver.start(builder.build());
    await driver.createInputTopic('in', text).pipeInput('a', 'x', 3);
    await driver.createInputTopic('other', text).pipeInput('a', 'y', 1);
    await driver.createInputTopic('in', text).pipeInput('a', 'z', 2);
    expect(driver.createOutputTopic('out', text).readValues()).toEqual(['x', 'x', 'y', 'z']);
    expect(driver.createOutputTopic('itself', text).readValues()).toEqual(['x', 'z']);
  });
});

describe('the key may have changed', () => {
  const nothing = () => ({ process: () => {} });
  const options = { name: 'by', ...text };

  test.each<[string, boolean, (stream: Any, builder: StreamsBuilder) => KStream<any, any>]>([
    ['nothing', false, (stream) => stream],
    ['map', true, (stream) => stream.map((value, key) => [key, value])],
    ['flatMap', true, (stream) => stream.flatMap((value, key) => [[key, value]])],
    ['selectKey', true, (stream) => stream.selectKey((_value, key) => key)],
    ['process', true, (stream) => stream.process(nothing, { name: 'p' })],
    ['toStream with a mapper', true, (stream) => stream.toTable({ name: 'rows', ...text }).toStream((_value, key) => key)],
    ['toStream', false, (stream) => stream.toTable({ name: 'rows', ...text }).toStream()],
    ['filter', false, (stream) => stream.filter(() => true)],
    ['mapValues', false, (stream) => stream.mapValues((value) => value)],
    ['flatMapValues', false, (stream) => stream.flatMapValues((value) => [value])],
    ['peek', false, (stream) => stream.peek(() => {})],
    ['processValues', false, (stream) => stream.processValues(nothing, { name: 'p' })],
    ['dedupe', false, (stream) => stream.dedupe({ name: 'seen', id: String, retentionMs: 1, serde: Serdes.string() })],
    ['split', false, (stream) => stream.split({ all: () => true }).all],
    ['selectKey, then values', true, (stream) => stream.selectKey((_value, key) => key).mapValues((value) => value).filter(() => true).flatMapValues((value) => [value]).processValues(nothing, { name: 'p' })],
    ['selectKey, then a branch', true, (stream) => stream.selectKey((_value, key) => key).split({ all: () => true }).all],
    ['merge of two that kept it', false, (stream, builder) => stream.merge(builder.stream('other', text))],
    ['merge with one that changed it', true, (stream, builder) => builder.stream('other', text).merge(stream.selectKey((_value, key) => key))],
    ['selectKey, then repartition', false, (stream) => stream.selectKey((_value, key) => key).repartition({ name: 'settled', ...text })],
    ['selectKey, repartition, selectKey', true, (stream) => stream.selectKey((_value, key) => key).repartition({ name: 'settled', ...text }).selectKey((_value, key) => key)],
  ])('after %s: %s', (_name, expected, define) => {
    const topicsAfter = (use: (stream: KStream<string, string>, builder: StreamsBuilder) => void): string[] => {
      const builder = new StreamsBuilder();
      use(define(builder.stream('in', text), builder), builder);
      return internalTopics(builder.build()).filter((suffix) => suffix !== 'settled-repartition');
    };
    const wanted = (suffix: string): string[] => (expected ? [suffix] : []);
    expect(topicsAfter((stream) => stream.groupByKey(options).count({ name: 'counts' }))).toEqual(wanted('by-repartition'));
    expect(topicsAfter((stream) => stream.toTable({ ...options }))).toEqual(wanted('by-repartition'));
    expect(topicsAfter((stream, builder) => stream.join(builder.stream('right', text) as never, (l) => l, { name: 'pair', window, ...text, otherValue: text.value }))).toEqual(wanted('pair-left-repartition'));
    expect(topicsAfter((stream) => stream.groupBy((value) => value, options).count({ name: 'counts' }))).toEqual(['by-repartition']);
  });
});

describe('repartition', () => {
  test('lets null values pass, not null keys, which it counts; timestamps and headers stay', async () => {
    const topology = topologyOf((stream) => stream.repartition({ name: 'again', ...text }));
    await using driver = await TopologyTestDriver.start(topology);
    const input = driver.createInputTopic('in', text);
    const headers: Headers = [['h', Buffer.from('1')]];
    await input.pipeInput('a', null, 5, headers);
    await input.pipeInput(null, 'lost', 6);
    await input.pipeInput('b', 'x', 4);
    expect(driver.createOutputTopic('out', text).readRecords()).toEqual([
      { key: 'a', value: null, timestamp: 5, headers },
      { key: 'b', value: 'x', timestamp: 4, headers: [] },
    ]);
    expect(driver.metrics()['again-repartition-filter.dropped']).toBe(1);
  });

  test('drops them before a group and a table as well; for joins it can be told to keep them', async () => {
    const toNull = (stream: Any): Any => stream.selectKey((value) => (value === 'none' ? null : value));
    const inputs: Input[] = [['a', 'x', 1], ['b', 'none', 2], [null, 'x', 3]];
    expect(await run(topologyOf((stream) => toNull(stream).groupByKey({ name: 'by', ...text }).reduce((one, two) => one + two, { name: 'all' }).toStream()), inputs)).toEqual(['x=x@1', 'x=xx@3']);
    expect(await run(topologyOf((stream) => toNull(stream).toTable({ name: 'rows', ...text }).toStream()), inputs)).toEqual(['x=x@1', 'x=x@3']);
    expect(await run(topologyOf((stream) => toNull(stream).repartitioned({ name: 'kept', ...text }, { keepsNullKeys: true })), inputs)).toEqual(['x=x@1', 'null=none@2', 'x=x@3']);
    expect(internalTopics(topologyOf((stream) => stream.repartitioned({ name: 'kept', ...text }, { keepsNullKeys: true })))).toEqual([]);
  });

  test('lets null keys pass if a left or outer join below gives results for them, however far; then all that hangs on it sees them', async () => {
    const rows = (builder: StreamsBuilder) => builder.globalTable('rows', { name: 'rows', ...text });
    const inputs: Input[] = [['a', 'x', 1], [null, 'y', 2]];
    const beside = (below: (stream: Any, builder: StreamsBuilder) => void): Topology =>
      topologyOf((stream, builder) => {
        const again = stream.repartition({ name: 'again', ...text });
        below(again.filter(() => true).repartition({ name: 'farther', ...text }), builder);
        return again;
      });
    const byValue = (value: string): string => value;
    const all = ['a=x@1', 'null=y@2'];
    expect(await run(beside((stream, builder) => stream.leftJoin(rows(builder), byValue, (value) => value)), inputs)).toEqual(all);
    expect(await run(beside((stream, builder) => builder.stream('other', text).outerJoin(stream, (_left, right) => right, { name: 'pair', window, ...text, otherValue: text.value })), inputs)).toEqual(all);
    expect(await run(beside((stream, builder) => stream.join(rows(builder), byValue, (value) => value)), inputs)).toEqual(['a=x@1']);
    expect(await run(beside((stream) => stream.groupByKey({ name: 'by', ...text }).count({ name: 'counts' })), inputs)).toEqual(['a=x@1']);
  });

  test('comes once before a join of a stream with itself: each record meets both sides before the next', async () => {
    const topology = topologyOf((stream) => {
      const words = stream.flatMap((value, key) => (value ?? '').split(' ').map((word) => [word, key] as const));
      return words.join(words, (left, right) => `${left}${right}`, { name: 'pair', window, ...text, otherValue: text.value }) as Any;
    });
    expect(internalTopics(topology)).toEqual(['pair-left-repartition']);
    expect(await run(topology, [['1', 'a b', 1], ['2', 'b a', 2]])).toEqual(['a=11@1', 'b=11@1', 'b=21@2', 'b=12@2', 'b=22@2', 'a=21@2', 'a=12@2', 'a=22@2']);
  });

  test('is shared by all that group below it', () => {
    const topology = topologyOf((stream) => {
      const group = stream.selectKey((value) => value).groupByKey({ name: 'by', ...text });
      group.count({ name: 'counts' });
      return group.reduce((one) => one, { name: 'firsts' }).toStream();
    });
    expect(internalTopics(topology)).toEqual(['by-repartition']);
  });

  test('puts each key where Java would, or where a partitioner of one\'s own says, which sees null keys too', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const placed = async (partitioner?: (key: string | null, value: string | null, partitions: number) => number): Promise<(string | null)[][]> => {
      const builder = new StreamsBuilder();
      builder.stream('in', text).repartitioned({ name: 'unused', ...text }).to('out', { ...text, ...(partitioner === undefined ? {} : { partitioner }) });
      await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { in: 1, out: 3 } });
      for (const key of [...keys, null]) await driver.createInputTopic('in', text).pipeInput(key, `v${key}`);
      // By partition, then offset: each value tells where it came from.
      return driver.createOutputTopic('out', text).readRecords().map(({ key, value }) => [key, value]);
    };
    const byPartition = (of: (key: string | null) => number): (string | null)[][] =>
      [0, 1, 2].flatMap((partition) => [...keys, null].filter((key) => of(key) === partition).map((key) => [key, `v${key}`]));
    expect(await placed()).toEqual(byPartition((key) => (key === null ? 0 : partitionFor(Buffer.from(key), 3))));
    const calls: unknown[] = [];
    const second = (key: string | null, value: string | null, partitions: number): number => {
      calls.push([key, value, partitions]);
      return key === null ? 2 : 1;
    };
    expect(await placed(second)).toEqual(byPartition((key) => (key === null ? 2 : 1)));
    expect(calls).toEqual([...keys, null].map((key) => [key, `v${key}`, 3]));
  });

  test.each([3, -1, 0.5, Number.NaN, undefined as never])('a partitioner that answers %s stops the task, with what it should have answered', async (partition) => {
    const topology = topologyOf((stream) => stream.repartition({ name: 'again', ...text, partitions: 3, partitioner: () => partition }));
    await expect(run(topology, [['a', 'x']])).rejects.toThrow(/partitioner of "again-repartition-sink" answered .*partitions 0 to 2: answer one of them/);
  });
});

describe('sources', () => {
  test('of several topics are one stream', async () => {
    const builder = new StreamsBuilder();
    builder.stream(['a', 'b'], text).to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build());
    for (const topic of ['a', 'b', 'a']) await driver.createInputTopic(topic, text).pipeInput('k', topic);
    expect(driver.createOutputTopic('out', text).readValues()).toEqual(['a', 'b', 'a']);
  });

  const at = ({ timestamp }: { timestamp: number }): number => timestamp - 10;

  test('are shared by streams that read the same topics in the same way', async () => {
    const builder = new StreamsBuilder();
    const read = (...topics: string[]): Any => builder.stream(topics, { key: Serdes.string(), value: Serdes.string(), timestamp: at });
    read('in', 'more').mapValues(upper).to('out', text);
    read('more', 'in').to('out', text);
    const topology = builder.build();
    expect(topology.sourceTopics('app')).toEqual(['in', 'more']);
    expect(await run(topology, [['a', 'x', 15], ['a', 'early', 9]])).toEqual(['a=X@5', 'a=x@5']);
  });

  test.each<[string, (builder: StreamsBuilder) => void]>([
    ['with other serdes', (builder) => void builder.stream('in', { ...text, value: Serdes.long() })],
    ['with another timestamp', (builder) => void builder.stream('in', { ...text, timestamp: at })],
    ['with other topics beside it', (builder) => void builder.stream(['in', 'more'], text)],
    ['as a table', (builder) => void builder.table('in', { name: 'rows', ...text })],
  ])('a topic that is read twice, %s, is an error that says what to do', (_how, second) => {
    const builder = new StreamsBuilder();
    builder.stream('in', text).to('out', text);
    second(builder);
    expect(() => builder.build()).toThrow(TopologyError);
    expect(() => builder.build()).toThrow(/topic "in" is read by two sources.*read it once/);
  });

  test('a topic that is a table twice, or a table and then a stream, is an error too', () => {
    for (const second of [(builder: StreamsBuilder) => builder.table('in', { name: 'more', ...text }), (builder: StreamsBuilder) => builder.stream('in', text)]) {
      const builder = new StreamsBuilder();
      builder.table('in', { name: 'rows', ...text });
      second(builder);
      expect(() => builder.build()).toThrow(/topic "in" is read by two sources/);
    }
  });

  test('a negative timestamp from an extractor drops the record, which neither moves time nor is seen; the extractor is told the partition\'s time', async () => {
    const told: number[] = [];
    const topology = topologyOf((_stream, builder) => {
      const own = (record: { timestamp: number }, partitionTime: number): number => {
        told.push(partitionTime);
        return record.timestamp - 10;
      };
      return builder.stream('own', { ...text, timestamp: own });
    });
    await using driver = await TopologyTestDriver.start(topology);
    const input = driver.createInputTopic('own', text);
    for (const timestamp of [9, 10, 30, 5, 20]) await input.pipeInput('k', `${timestamp}`, timestamp);
    expect(driver.createOutputTopic('out', text).readRecords().map(({ value, timestamp }) => [value, timestamp])).toEqual([['10', 0], ['30', 20], ['20', 10]]);
    expect(told).toEqual([-1, -1, 0, 20, 20]);
    expect(driver.metrics()['dropped']).toBe(2);
  });
});
