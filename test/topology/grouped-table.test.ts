// Groups of a table: a row that changes leaves its old group and enters its new one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Serdes, StreamsBuilder, type KGroupedTable } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

/** A row is written `group:value`; `:value` has no group, `group:` no value. */
type Row = string | null;
type Input = readonly [key: string, row: Row, timestamp: number];

const member = (row: string): readonly [string | null, string | null] => {
  const [group, value] = row.split(':') as [string, string];
  return [group === '' ? null : group, value === '' ? null : value];
};

function grouped(aggregate: (group: KGroupedTable<string, string>) => { toStream(): { to(topic: string, serdes: any): void } }, options: { historyMs?: number } = {}, value = text.value as any) {
  const builder = new StreamsBuilder();
  const rows = builder.table('in', { name: 'rows', ...text, ...options });
  aggregate(rows.groupBy((row) => member(row), { name: 'by-group', ...text }) as KGroupedTable<string, string>).toStream().to('out', { key: Serdes.string(), value });
  return builder.build();
}

const history = grouped((group) => group.aggregate({ name: 'history', initial: () => '0', add: (value, all) => `${all}+${value}`, subtract: (value, all) => `${all}-${value}`, value: Serdes.string() }));
const reduced = grouped((group) => group.reduce((all, value) => `${all}+${value}`, (all, value) => `${all}-${value}`, { name: 'reduced' }));
const counted = grouped((group) => group.count({ name: 'counts' }), {}, Serdes.long());

async function run(topology: typeof history, inputs: readonly Input[], value: any = Serdes.string(), options = {}): Promise<string[]> {
  await using driver = await TopologyTestDriver.start(topology, options);
  const input = driver.createInputTopic('in', text);
  for (const [key, row, timestamp] of inputs) await input.pipeInput(key, row, timestamp);
  return driver.createOutputTopic('out', { key: Serdes.string(), value }).readRecords().map(({ key, value: result, timestamp }) => `${key}=${result}@${timestamp}`);
}

describe('groups of a table', () => {
  test('subtract, then add, in one result, where the group is the same', async () => {
    expect(await run(history, [['a', 'x:1', 1], ['a', 'x:2', 2], ['a', 'x:2', 3]])).toEqual(['x=0+1@1', 'x=0+1-1+2@2', 'x=0+1-1+2-2+2@3']);
  });

  test('update the old group first, then the new one, where it changes', async () => {
    expect(await run(history, [['a', 'x:1', 1], ['a', 'y:2', 2], ['a', null, 3]])).toEqual(['x=0+1@1', 'x=0+1-1@2', 'y=0+2@2', 'y=0+2-2@3']);
  });

  test('have the highest timestamp of the updates in them', async () => {
    expect(await run(history, [['a', 'x:1', 9], ['b', 'x:2', 4], ['a', 'y:1', 2], ['b', null, 12]])).toEqual(['x=0+1@9', 'x=0+1+2@9', 'x=0+1+2-1@9', 'y=0+1@2', 'x=0+1+2-1-2@12']);
  });

  test('a row without a group or without a selected value is in none', async () => {
    const inputs: Input[] = [['a', ':1', 1], ['a', 'x:', 2], ['a', 'x:3', 3], ['a', ':4', 4], ['a', 'x:5', 5], ['a', 'y:', 6], ['b', null, 7]];
    expect(await run(history, inputs)).toEqual(['x=0+3@3', 'x=0+3-3@4', 'x=0+3-3+5@5', 'x=0+3-3+5-5@6']);
  });

  test('that empty stay', async () => {
    expect(await run(counted, [['a', 'x:1', 1], ['b', 'x:2', 2], ['a', null, 3], ['b', 'y:2', 4]], Serdes.long())).toEqual(['x=1@1', 'x=2@2', 'x=1@3', 'x=0@4', 'y=1@4']);
  });

  test('reduce takes the first value as it is, also after the aggregate was removed', async () => {
    expect(await run(reduced, [['a', 'x:1', 1], ['a', 'x:2', 2], ['b', 'x:3', 3]])).toEqual(['x=1@1', 'x=1-1+2@2', 'x=1-1+2+3@3']);
    const removing = grouped((group) => group.reduce((all, value) => all + value, () => null, { name: 'reduced' }));
    expect(await run(removing, [['a', 'x:1', 5], ['a', 'x:2', 2], ['a', null, 3], ['b', 'x:3', 1]])).toEqual(['x=1@5', 'x=2@5', 'x=null@5', 'x=3@1']);
  });

  test('an aggregate that was removed starts from the initial value again, and has nothing that could be taken out of it', async () => {
    const topology = grouped((group) =>
      group.aggregate({
        name: 'sum',
        initial: () => '0' as string | null,
        add: (value, sum) => (value === 'stop' ? null : `${sum}+${value}`),
        subtract: (value, sum) => `${sum}-${value}`,
        value: Serdes.string(),
      }),
    );
    const inputs: Input[] = [['a', 'x:1', 5], ['b', 'x:stop', 6], ['a', null, 1], ['b', 'x:3', 2], ['b', 'x:stop', 3], ['b', 'x:4', 1]];
    expect(await run(topology, inputs)).toEqual(['x=0+1@5', 'x=null@6', 'x=null@1', 'x=0+3@2', 'x=null@3', 'x=0+4@1']);
  });

  test('of a versioned table hold the newest version of each row: late updates are skipped', async () => {
    const topology = grouped((group) => group.count({ name: 'counts' }), { historyMs: 1000 }, Serdes.long());
    expect(await run(topology, [['a', 'x:1', 10], ['a', 'y:1', 5], ['a', null, 7], ['b', 'x:1', 3], ['a', 'y:1', 10]], Serdes.long())).toEqual(['x=1@10', 'x=2@10', 'x=1@10', 'y=1@10']);
  });

  test('may be kept in a versioned store, which drops what is older than its history', async () => {
    const topology = grouped((group) => group.count({ name: 'counts', historyMs: 10 }), {}, Serdes.long());
    expect(await run(topology, [['a', 'x:1', 100], ['b', 'y:1', 90], ['c', 'z:1', 89], ['c', 'x:1', 1]], Serdes.long())).toEqual(['x=1@100', 'y=1@90', 'x=2@100']);
  });

  test('tell those below what was there before: a count of counts', async () => {
    const builder = new StreamsBuilder();
    const counts = builder.table('in', { name: 'rows', ...text }).groupBy(member, { name: 'by-group', ...text }).count({ name: 'counts' });
    counts.groupBy((count, group) => [String(count), group], { name: 'by-count', ...text }).count({ name: 'histogram' }).toStream().to('out', { key: Serdes.string(), value: Serdes.long() });
    expect(await run(builder.build(), [['a', 'x:1', 1], ['b', 'y:1', 2], ['c', 'x:1', 3], ['c', null, 4]], Serdes.long())).toEqual(['1=1@1', '1=2@2', '1=1@3', '2=1@3', '2=0@4', '1=2@4']);
  });

  test('keys that are objects are equal if their bytes are', async () => {
    const builder = new StreamsBuilder();
    const kinds = { key: Serdes.json<{ kind: string }>(), value: Serdes.string() };
    const rows = builder.table('in', { name: 'rows', ...text });
    const group = rows.groupBy((row) => [{ kind: row.split(':')[0]! }, row.split(':')[1]!], { name: 'by-kind', ...kinds });
    group.reduce((all, value) => `${all}+${value}`, (all, value) => `${all}-${value}`, { name: 'reduced' }).toStream((_, { kind }) => kind).to('out', text);
    expect(await run(builder.build(), [['a', 'x:1', 1], ['a', 'x:2', 2], ['a', 'y:3', 3]])).toEqual(['x=1@1', 'x=1-1+2@2', 'x=1-1+2-2@3', 'y=3@3']);
  });

  test('one record in the topic where the group stays, two where it changes, in the bytes of Kafka Streams, with headers and timestamp', async () => {
    await using driver = await TopologyTestDriver.start(history);
    const input = driver.createInputTopic('in', text);
    await input.pipeInput('a', 'x:1', 1, [['trace', Buffer.from('t')]]);
    await input.pipeInput('a', 'x:2', 2);
    await input.pipeInput('a', 'y:3', 3);
    const records = driver.createOutputTopic('test-by-group-repartition', { key: Serdes.string(), value: Serdes.buffer() }).readRecords();
    expect(records.map(({ key, value, timestamp }) => [key, value!.toString('latin1'), timestamp])).toEqual([['x', '1\x01', 1], ['x', '\x0221\x02', 2], ['x', '2\x00', 3], ['y', '3\x01', 3]]);
    expect(records[0]!.headers).toEqual([['trace', Buffer.from('t')]]);
    expect(driver.createOutputTopic('out', text).readRecords()[0]!.headers).toEqual([['trace', Buffer.from('t')]]);
  });

  test('several aggregates of one group share its topic', () => {
    const builder = new StreamsBuilder();
    const group = builder.table('in', { name: 'rows', ...text }).groupBy(member, { name: 'by-group', ...text });
    group.count({ name: 'counts' }).join(group.reduce((_, value) => value, (current) => current, { name: 'last' }), (count, last) => `${count}${last}`);
    expect(builder.build().internalTopics()).toEqual([{ suffix: 'by-group-repartition', use: 'repartition' }]);
  });
});

/** Straight from the rules: each row is in at most one group; a group holds sum and number of its rows. */
function naive(inputs: readonly Input[]): { groups: Map<string, { count: number; sum: number }>; lines: string[] } {
  const rows = new Map<string, readonly [string, number] | undefined>();
  const groups = new Map<string, { count: number; sum: number; timestamp: number }>();
  const lines: string[] = [];
  const apply = (group: string, count: number, sum: number, timestamp: number): void => {
    const before = groups.get(group) ?? { count: 0, sum: 0, timestamp: -1 };
    const after = { count: before.count + count, sum: before.sum + sum, timestamp: Math.max(before.timestamp, timestamp) };
    groups.set(group, after);
    lines.push(`${group}=${after.count}/${after.sum}@${after.timestamp}`);
  };
  for (const [key, row, timestamp] of inputs) {
    const before = rows.get(key);
    const [group, value] = row === null ? [null, null] : member(row);
    const after = group === null || value === null ? undefined : ([group, Number(value)] as const);
    rows.set(key, after);
    if (before !== undefined && before[0] === after?.[0]) apply(before[0], 0, after[1] - before[1], timestamp);
    else {
      if (before !== undefined) apply(before[0], -1, -before[1], timestamp);
      if (after !== undefined) apply(after[0], 1, after[1], timestamp);
    }
  }
  return { groups: new Map([...groups].map(([group, { count, sum }]) => [group, { count, sum }])), lines };
}

const summed = grouped((group) =>
  group.aggregate({
    name: 'sums',
    initial: () => ({ count: 0, sum: 0 }),
    add: (value, { count, sum }) => ({ count: count + 1, sum: sum + Number(value) }),
    subtract: (value, { count, sum }) => ({ count: count - 1, sum: sum - Number(value) }),
    value: Serdes.json<{ count: number; sum: number }>(),
  }),
  {},
  Serdes.json(),
);

const anyInput = fc.tuple(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.option(fc.tuple(fc.constantFrom('', 'x', 'y', 'z'), fc.constantFrom('', '1', '2', '30')).map((parts) => parts.join(':'))),
  fc.nat(20),
) as fc.Arbitrary<Input>;

describe('against a plain account of the rules', () => {
  test('each result is the same, record by record', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyInput, { maxLength: 30 }), async (inputs) => {
        await using driver = await TopologyTestDriver.start(summed);
        const input = driver.createInputTopic('in', text);
        for (const [key, row, timestamp] of inputs) await input.pipeInput(key, row, timestamp);
        const records = driver.createOutputTopic('out', { key: Serdes.string(), value: Serdes.json<{ count: number; sum: number }>() }).readRecords();
        expect(records.map(({ key, value, timestamp }) => `${key}=${value!.count}/${value!.sum}@${timestamp}`)).toEqual(naive(inputs).lines);
      }),
      { numRuns: 60 },
    );
  });

  test('on several partitions, where old and new group lie in different tasks, with crashes and batches, groups end up exact', async () => {
    const step = fc.oneof({ weight: 5, arbitrary: fc.array(anyInput, { minLength: 1, maxLength: 8 }) }, { weight: 1, arbitrary: fc.record({ wipeState: fc.boolean() }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (steps, recordsPerRound) => {
        await using driver = await TopologyTestDriver.start(summed, { partitions: 3, recordsPerRound });
        const input = driver.createInputTopic('in', text);
        const output = driver.createOutputTopic('out', { key: Serdes.string(), value: Serdes.json<{ count: number; sum: number }>() });
        const groups = new Map<string, unknown>();
        for (const one of steps) {
          if (Array.isArray(one)) await input.pipeInputs((one as Input[]).map(([key, value, timestamp]) => ({ key, value, timestamp })));
          else await driver.crash(one as { wipeState: boolean });
          for (const { key, value } of output.readRecords()) groups.set(key!, value);
        }
        expect(groups).toEqual(naive(steps.flatMap((one) => (Array.isArray(one) ? (one as Input[]) : []))).groups);
      }),
      { numRuns: 40 },
    );
  });
});
