// Groups of streams, without windows: each alone, and several into one table.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Serdes, StreamsBuilder, TopologyError, type KGroupedStream, type Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

type Input = readonly [topic: string, key: string | null, value: string | null, timestamp: number];

async function run(topology: Topology, inputs: readonly Input[], value: any = Serdes.string(), options = {}): Promise<string[]> {
  await using driver = await TopologyTestDriver.start(topology, options);
  for (const [topic, key, record, timestamp] of inputs) await driver.createInputTopic(topic, text).pipeInput(key, record, timestamp);
  return driver.createOutputTopic('out', { key: Serdes.string(), value }).readRecords().map(({ key, value: result, timestamp }) => `${key}=${result}@${timestamp}`);
}

function group(aggregate: (group: KGroupedStream<string, string | null>) => { toStream(): { to(topic: string, serdes: any): void } }, value: any = Serdes.string()): Topology {
  const builder = new StreamsBuilder();
  aggregate(builder.stream('in', text).groupByKey({ name: 'g', ...text })).toStream().to('out', { key: Serdes.string(), value });
  return builder.build();
}

const inputs = (...records: [key: string | null, value: string | null, timestamp: number][]): Input[] => records.map((record) => ['in', ...record]);

describe('a group of a stream', () => {
  test('drops null keys and null values; every other record makes a result, with the highest timestamp so far', async () => {
    const records = inputs(['a', 'x', 5], [null, 'x', 6], ['a', null, 7], ['a', 'y', 3], ['b', 'x', 1]);
    expect(await run(group((g) => g.count({ name: 'counts' }), Serdes.long()), records, Serdes.long())).toEqual(['a=1@5', 'a=2@5', 'b=1@1']);
    expect(await run(group((g) => g.reduce((_, next) => next, { name: 'last' })), records)).toEqual(['a=x@5', 'a=y@5', 'b=x@1']);
  });

  test('null removes the row; the next record begins anew, with its own timestamp', async () => {
    const records = inputs(['a', 'x', 9], ['a', 'stop', 8], ['a', 'stop', 3], ['a', 'y', 2], ['a', 'z', 1]);
    const aggregate = group((g) => g.aggregate({ name: 'all', initial: () => '0' as string | null, add: (value, all) => (value === 'stop' ? null : `${all}+${value}`), value: Serdes.string() }));
    expect(await run(aggregate, records)).toEqual(['a=0+x@9', 'a=null@9', 'a=null@3', 'a=0+y@2', 'a=0+y+z@2']);
    const reduce = group((g) => g.reduce((all, value) => (value === 'stop' ? null : `${all}+${value}`), { name: 'all' }));
    expect(await run(reduce, records)).toEqual(['a=x@9', 'a=null@9', 'a=stop@3', 'a=stop+y@3', 'a=stop+y+z@3']);
  });

  test('in a versioned store, results older than its history are dropped, and those older than a delete are late', async () => {
    const counts = group((g) => g.count({ name: 'counts', historyMs: 10 }), Serdes.long());
    expect(await run(counts, inputs(['a', 'x', 100], ['b', 'x', 90], ['c', 'x', 89], ['a', 'x', 1]), Serdes.long())).toEqual(['a=1@100', 'b=1@90', 'a=2@100']);
    const builder = new StreamsBuilder();
    const unlessStop = (current: string | null, next: string): string | null => (next === 'stop' ? null : `${current}${next}`);
    const all = builder.stream('in', text).groupByKey({ name: 'g', ...text }).reduce(unlessStop as never, { name: 'all', historyMs: 100 });
    all.groupBy((value, key) => [key, value], { name: 'again', ...text }).count({ name: 'n' }).toStream().to('out', long);
    expect(await run(builder.build(), inputs(['a', 'x', 50], ['a', 'stop', 60], ['a', 'y', 40]), Serdes.long())).toEqual(['a=1@50', 'a=0@60']);
  });
});

/** Orders and payments of one key in one list. */
function cogrouped(): Topology {
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', text).groupByKey({ name: 'orders-by-key', ...text });
  const payments = builder.stream('payments', text).groupBy((value) => value?.split(' ')[0] ?? null, { name: 'payments-by-order', ...text });
  const refunds = builder.stream('refunds', text).groupByKey({ name: 'refunds-by-key', ...text });
  orders
    .cogroup<string | null>((order, all) => (order === 'cancel' ? null : `${all} o:${order}`))
    .cogroup(payments, (payment, all, key) => `${all} p:${payment!.slice(key.length + 1)}`)
    .cogroup(refunds, (refund, all) => `${all} r:${refund}`)
    .aggregate({ name: 'accounts', initial: () => 'new', value: Serdes.string() })
    .toStream()
    .to('out', text);
  return builder.build();
}

describe('cogroup', () => {
  test('one aggregate for all groups, each with a function of its own', async () => {
    const records: Input[] = [['orders', 'k', '1', 5], ['payments', 'x', 'k 10', 3], ['refunds', 'k', '7', 9], ['payments', 'y', 'j 4', 2], ['refunds', null, '1', 1], ['orders', 'k', null, 1]];
    expect(await run(cogrouped(), records)).toEqual(['k=new o:1@5', 'k=new o:1 p:10@5', 'k=new o:1 p:10 r:7@9', 'j=new p:4@2']);
  });

  test('null removes the row, and whoever comes next begins anew', async () => {
    expect(await run(cogrouped(), [['orders', 'k', '1', 5], ['orders', 'k', 'cancel', 6], ['refunds', 'k', '2', 3]])).toEqual(['k=new o:1@5', 'k=null@6', 'k=new r:2@3']);
  });

  test('has one store, is one subtopology, and its topics must be partitioned alike', async () => {
    const topology = cogrouped();
    expect(topology.subtopologies.map(({ stores }) => stores.map(({ name }) => name))).toEqual([['accounts'], []]);
    await expect(TopologyTestDriver.start(topology, { partitions: { orders: 2, refunds: 3 } })).rejects.toThrow(TopologyError);
    await expect(TopologyTestDriver.start(topology, { partitions: { orders: 2, refunds: 2, payments: 5 } })).resolves.toBeDefined();
  });

  test('its table is stored: it can be joined, and filters know what was there', async () => {
    const builder = new StreamsBuilder();
    const [one, two] = ['one', 'two'].map((topic) => builder.stream(topic, text).groupByKey({ name: topic, ...text }));
    const all = one!.cogroup<string>((value, list) => list + value).cogroup(two!, (value, list) => value + list).aggregate({ name: 'all', initial: () => '', value: Serdes.string() });
    all.filter((list) => list.length > 1).leftJoin(all.mapValues((list) => list.length), (list, length) => `${list}${length}`).toStream().to('out', text);
    const results = await run(builder.build(), [['one', 'k', 'a', 1], ['two', 'k', 'b', 2], ['one', 'k', 'c', 3]]);
    expect(results).toEqual(['k=ba2@2', 'k=ba2@2', 'k=bac3@3', 'k=bac3@3']);
  });

  test('adding a group makes another cogroup, and leaves the first as it was', async () => {
    const builder = new StreamsBuilder();
    const [one, two] = ['one', 'two'].map((topic) => builder.stream(topic, text).groupByKey({ name: topic, ...text }));
    const alone = one!.cogroup<string>((value, list) => list + value);
    alone.cogroup(two!, (value, list) => list + value).aggregate({ name: 'both', initial: () => '', value: Serdes.string() });
    alone.aggregate({ name: 'alone', initial: () => '', value: Serdes.string() }).toStream().to('out', text);
    expect(await run(builder.build(), [['one', 'k', 'a', 1], ['two', 'k', 'b', 2], ['one', 'k', 'c', 3]])).toEqual(['k=a@1', 'k=ac@3']);
  });

  test('a group that goes through a topic may be in two, and each be aggregated twice', async () => {
    const builder = new StreamsBuilder();
    const group = builder.stream('one', text).groupBy((value) => value, { name: 'by-value', ...text });
    const keys = group.cogroup<string>((_value, all, key) => all + key);
    const lengths = group.cogroup<string>((value, all) => `${all}${value!.length}`);
    const [first, second] = ['first', 'second'].map((name) => keys.aggregate({ name, initial: () => '', value: Serdes.string() }).toStream());
    first!.merge(second!).merge(lengths.aggregate({ name: 'lengths', initial: () => '', value: Serdes.string() }).toStream()).to('out', text);
    expect(await run(builder.build(), [['one', 'k', 'ab', 1], ['one', 'j', 'ab', 2]])).toEqual(['ab=ab@1', 'ab=ab@1', 'ab=2@1', 'ab=abab@2', 'ab=abab@2', 'ab=22@2']);
  });

  test('after crashes it goes on as a plain fold over all inputs would', async () => {
    const anyInput = fc.tuple(fc.constantFrom('orders', 'refunds'), fc.constantFrom('k', 'j'), fc.option(fc.constantFrom('1', '2', 'cancel')), fc.nat(9)) as fc.Arbitrary<Input>;
    const step = fc.oneof({ weight: 4, arbitrary: anyInput }, { weight: 1, arbitrary: fc.record({ wipeState: fc.boolean() }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const rows = new Map<string, { value: string; timestamp: number }>();
        const expected: string[] = [];
        await using driver = await TopologyTestDriver.start(cogrouped());
        for (const one of steps) {
          if (!Array.isArray(one)) {
            await driver.crash(one as { wipeState: boolean });
            continue;
          }
          const [topic, key, record, timestamp] = one as unknown as [string, string, string | null, number];
          await driver.createInputTopic(topic, text).pipeInput(key, record, timestamp);
          if (record === null) continue;
          const before = rows.get(key);
          const value = topic === 'orders' && record === 'cancel' ? null : `${before?.value ?? 'new'} ${topic[0]}:${record}`;
          const at = Math.max(before?.timestamp ?? -1, timestamp);
          if (value === null) rows.delete(key);
          else rows.set(key, { value, timestamp: at });
          expected.push(`${key}=${value}@${at}`);
        }
        const results = driver.createOutputTopic('out', text).readRecords();
        expect(results.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

test('what would not run does not compile', () => {
  const builder = new StreamsBuilder();
  const one = builder.stream('one', text).groupByKey({ name: 'one', ...text });
  const byNumber = builder.stream('two', { key: Serdes.long(), value: Serdes.string() }).groupByKey({ name: 'two', key: Serdes.long(), value: Serdes.string() });
  () => {
    // @ts-expect-error a group without names for what it may need
    builder.stream('three', text).groupByKey({ ...text });
    // @ts-expect-error a count without its store's name
    one.count({});
    // @ts-expect-error an aggregate without a serde
    one.aggregate({ name: 'all', initial: () => '', add: (value, all) => all + value });
    // @ts-expect-error a group with keys of another type
    one.cogroup<string>((value, all) => all + value).cogroup(byNumber, (value, all) => all + value);
    // @ts-expect-error an aggregate of another type than the functions make
    one.cogroup<string>((value, all) => all + value).aggregate({ name: 'all', initial: () => 0, value: Serdes.long() });
    // @ts-expect-error a cogroup without its store's name
    one.cogroup<string>((value, all) => all + value).aggregate({ initial: () => '', value: Serdes.string() });
  };
  expect(one).toBeDefined();
});
