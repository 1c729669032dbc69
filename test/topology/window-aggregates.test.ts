// Windowed aggregates as stories: one row for each record, next to what it makes come out.

import { describe, expect, test } from 'vitest';
import {
  hopping,
  Serdes,
  session,
  sliding,
  StreamsBuilder,
  tumbling,
  type KGroupedStream,
  type KTable,
  type KeyValueStoreSpec,
  type SessionWindows,
  type SlidingWindows,
  type TimeWindows,
  type Topology,
  type Windowed,
} from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

type Story = readonly (readonly [record: string, ...out: string[]])[];
const CRASH = 'crash';
const WIPE = 'crash, and local state is gone';

/** Records read `key=value@time`, or `topic: key=value@time`; results `key[start-end]=value@time`. */
async function tell(topology: Topology, story: Story, options: TestDriverOptions = {}): Promise<void> {
  await using driver = await TopologyTestDriver.start(topology, { commitIntervalMs: 0, ...options });
  const output = driver.createOutputTopic('out', text);
  for (const [record, ...expected] of story) {
    if (record === CRASH || record === WIPE) await driver.crash({ wipeState: record === WIPE });
    else {
      const [, topic = 'in', key, value, time] = /^(?:(\w+): )?(\w*)=(\w*)@(\d+)$/.exec(record)!;
      await driver.createInputTopic(topic, text).pipeInput(key === '' ? null : key!, value === '' ? null : value!, Number(time));
    }
    expect({ [record]: output.readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`) }).toEqual({ [record]: expected });
  }
}

const show = ({ key, window }: Windowed<string>): string => `${key}[${window.startMs}-${window.endMs}]`;

function group(builder: StreamsBuilder, topic = 'in'): KGroupedStream<string, string | null> {
  return builder.stream(topic, text).groupByKey({ name: `${topic}-by-key`, ...text });
}

function written(builder: StreamsBuilder, table: KTable<Windowed<string>, string | number>): Topology {
  table.toStream((_value, key) => show(key)).mapValues((value) => value?.toString() ?? null).to('out', text);
  return builder.build();
}

const joined = { name: 'all', initial: () => '', add: (value: string | null, all: string) => `${all}${value ?? '?'}`, value: Serdes.string() };

describe('tumbling and hopping windows', () => {
  const counts = (windows: TimeWindows): Topology => {
    const builder = new StreamsBuilder();
    return written(builder, group(builder).windowedBy(windows).count({ name: 'counts' }));
  };

  test('count records without a value, and drop and count a record past window end plus grace, across crashes', async () => {
    const topology = counts(tumbling({ sizeMs: 10, graceMs: 5 }));
    await tell(topology, [
      ['a=x@3', 'a[0-10]=1@3'],
      ['a=@1', 'a[0-10]=2@3'],
      ['=x@99'],
      ['a=x@14', 'a[10-20]=1@14'],
      [CRASH],
      ['a=x@9', 'a[0-10]=3@9'],
      ['b=x@15', 'b[10-20]=1@15'],
      [WIPE],
      ['a=x@9'],
      ['c=x@0'],
      ['a=x@19', 'a[10-20]=2@19'],
    ]);
  });

  test('a record may be late for some of its windows only', async () => {
    await tell(counts(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })), [
      ['a=x@7', 'a[0-10]=1@7', 'a[5-15]=1@7'],
      ['a=x@12', 'a[5-15]=2@12', 'a[10-20]=1@12'],
      ['a=x@8', 'a[5-15]=3@12'],
    ]);
  });

  test('late records are told in metrics, one for each window', async () => {
    await using driver = await TopologyTestDriver.start(counts(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })));
    const input = driver.createInputTopic('in', text);
    await input.pipeInput('a', 'x', 30);
    await input.pipeInput('a', 'x', 7);
    await input.pipeInput(null, 'x', 7);
    const metrics = Object.entries(driver.metrics()).filter(([name]) => name.includes('counts.'));
    expect(Object.fromEntries(metrics.map(([name, value]) => [name.slice(name.indexOf('counts.')), value]))).toEqual({ 'counts.dropped': 1, 'counts.late': 2 });
  });

  test('null removes a result; the next record of the window begins anew, with its own time', async () => {
    const builder = new StreamsBuilder();
    const windowed = group(builder).windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }));
    const table = windowed.aggregate<string | null>({ ...joined, add: (value, all) => (value === 'stop' ? null : `${all}${value}`) });
    await tell(written(builder, table), [
      ['a=x@8', 'a[0-10]=x@8'],
      ['a=stop@7', 'a[0-10]=null@8'],
      ['a=y@2', 'a[0-10]=y@2'],
    ]);
  });

  test('reduce drops records without a value, which do not move time either', async () => {
    const builder = new StreamsBuilder();
    const table = group(builder).windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).reduce((one, two) => `${one}${two}`, { name: 'all' });
    await tell(written(builder, table), [['a=x@8', 'a[0-10]=x@8'], ['a=@50'], ['a=y@9', 'a[0-10]=xy@9']]);
  });

  test('the time of a record that fails does not count', async () => {
    const builder = new StreamsBuilder();
    const table = group(builder).windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).aggregate(joined);
    table.toStream().foreach((value) => {
      if (value?.includes('bad') === true) throw new Error('bad');
    });
    const topology = written(builder, table);
    await tell(topology, [['a=x@1', 'a[0-10]=x@1'], ['a=bad@999'], ['a=y@2', 'a[0-10]=xy@2']], { errors: { processing: () => 'continue' } });
  });
});

describe('a table of windowed results', () => {
  test('tells below what each update replaced: nothing, for the first', async () => {
    const builder = new StreamsBuilder();
    const counts = group(builder).windowedBy(tumbling({ sizeMs: 10, graceMs: 100 })).count({ name: 'counts' });
    counts.groupBy((count) => [String(count), ''], { name: 'by-count', ...text }).count({ name: 'counts-of-counts' }).toStream().mapValues(String).to('out', text);
    await tell(builder.build(), [
      ['a=x@1', '1=1@1'],
      ['b=x@2', '1=2@2'],
      [WIPE],
      ['a=x@3', '1=1@3', '2=1@3'],
      ['a=x@11', '1=2@11'],
    ]);
  });

  test('of sessions: every update takes back what it replaces, also one of the same single moment', async () => {
    const builder = new StreamsBuilder();
    const counts = group(builder).windowedBy(session({ gapMs: 5, graceMs: 100 })).count({ name: 'counts' });
    counts.groupBy((count, { key }) => [key, String(count)], { name: 'by-key', ...text }).aggregate({
      name: 'sums',
      initial: () => 0,
      add: (value, sum) => sum + Number(value),
      subtract: (value, sum) => sum - Number(value),
      value: Serdes.long(),
    }).toStream().mapValues(String).to('out', text);
    await tell(builder.build(), [
      ['a=x@10', 'a=1@10'],
      ['a=x@10', 'a=2@10'],
      ['a=x@20', 'a=3@20'],
      ['a=x@15', 'a=1@20', 'a=0@20', 'a=4@20'],
    ]);
  });

  test('of a sliding window that begins from the aggregate of another: nothing was replaced (Kafka Streams says, the other)', async () => {
    const builder = new StreamsBuilder();
    const all = group(builder).windowedBy(sliding({ differenceMs: 10, graceMs: 100 })).reduce((one, two) => one + two, { name: 'all' });
    all.groupBy((value) => [value, value], { name: 'by-value', ...text }).count({ name: 'windows' }).toStream().mapValues(String).to('out', text);
    await tell(builder.build(), [
      ['a=x@20', 'x=1@20'],
      ['a=y@25', 'y=1@25', 'xy=1@25'],
    ]);
  });

  test('can be filtered and mapped; a filter keeps silent about what was not in it', async () => {
    const builder = new StreamsBuilder();
    const table = group(builder).windowedBy(tumbling({ sizeMs: 10, graceMs: 100 })).count({ name: 'counts' }).filter((count) => count % 3 === 0).mapValues((count) => `${count}!`);
    await tell(written(builder, table), [['a=x@1'], ['a=x@2'], ['a=x@3', 'a[0-10]=3!@3'], ['a=x@4', 'a[0-10]=null@4'], ['a=x@5']]);
  });

  test.each<[string, TimeWindows | SlidingWindows | SessionWindows, string]>([
    ['tumbling', tumbling({ sizeMs: 10, graceMs: 100 }), 'a[0-10]'],
    ['sliding', sliding({ differenceMs: 10, graceMs: 100 }), 'a[0-10]'],
    ['session', session({ gapMs: 10, graceMs: 100 }), 'a[3-3]'],
  ])('can be joined window by window: %s', async (_kind, windows, window) => {
    const builder = new StreamsBuilder();
    const of = (topic: string): KTable<Windowed<string>, number> => {
      const by = group(builder, topic);
      return windows.kind === 'session' ? by.windowedBy(windows).count({ name: topic }) : by.windowedBy(windows as TimeWindows).count({ name: topic });
    };
    await tell(written(builder, of('left').join(of('right'), (left, right) => `${left}/${right}`)), [
      ['left: a=x@3'],
      ['right: b=x@3'],
      [WIPE],
      ['right: a=x@3', `${window}=1/1@3`],
      ['left: a=x@3', `${window}=2/1@3`],
    ]);
  });
});

describe('sessions', () => {
  test('one that ends just gap and grace ago is still open, and extended', async () => {
    const builder = new StreamsBuilder();
    const topology = written(builder, group(builder).windowedBy(session({ gapMs: 5, graceMs: 10 })).count({ name: 'counts' }));
    await tell(topology, [
      ['a=x@10', 'a[10-10]=1@10'],
      ['b=x@25', 'b[25-25]=1@25'],
      ['a=x@10', 'a[10-10]=2@10'],
      ['a=x@8', 'a[10-10]=null@10', 'a[8-10]=3@10'],
      [WIPE],
      ['a=x@9', 'a[8-10]=null@10', 'a[8-10]=4@10'],
      ['b=x@26', 'b[25-25]=null@25', 'b[25-26]=2@26'],
      ['a=x@10'],
    ]);
  });
});

test('sessions whose merged value is gone begin anew with the next one', async () => {
  const builder = new StreamsBuilder();
  const joinUnlessStop = (one: string, two: string): string => (two === 'stop' ? null : `${one}${two}`) as string;
  const table = group(builder).windowedBy(session({ gapMs: 5, graceMs: 100 })).reduce(joinUnlessStop, { name: 'all' });
  await tell(written(builder, table), [
    ['a=x@0', 'a[0-0]=x@0'],
    ['a=stop@10', 'a[10-10]=stop@10'],
    ['a=y@5', 'a[0-0]=null@0', 'a[10-10]=null@10', 'a[0-10]=y@10'],
    ['a=stop@5', 'a[0-10]=null@10', 'a[0-10]=null@10'],
    ['a=z@5', 'a[5-5]=z@5'],
  ]);
});

describe('windows of several groups', () => {
  const cogrouped = (windows: TimeWindows, retention: { retentionMs?: number } = {}): Topology => {
    const builder = new StreamsBuilder();
    const add = (value: string | null, all: string): string => `${all}${value}`;
    const table = group(builder, 'left').cogroup(add).cogroup(group(builder, 'right'), add).windowedBy(windows).aggregate({ name: 'all', initial: () => '', value: Serdes.string(), ...retention });
    return written(builder, table);
  };
  const story: Story = [
    ['left: a=x@1', 'a[0-10]=x@1'],
    ['left: a=y@100', 'a[100-110]=y@100'],
    [WIPE],
  ];

  test('a group that lags behind adds to a window that the other has long left', async () => {
    await tell(cogrouped(tumbling({ sizeMs: 10, graceMs: 0 })), [...story, ['right: a=z@5', 'a[0-10]=xz@5'], ['left: a=x@5'], ['right: a=z@9', 'a[0-10]=xzz@9']]);
  });

  test('with a retention, windows are only kept that long', async () => {
    await tell(cogrouped(tumbling({ sizeMs: 10, graceMs: 0 }), { retentionMs: 50 }), [...story, ['right: a=z@5', 'a[0-10]=z@5']]);
  });

  test('what is aggregated of them can be joined (Kafka Streams cannot read it)', async () => {
    const builder = new StreamsBuilder();
    const [one, two] = [group(builder, 'one'), group(builder, 'two')];
    const both = one.cogroup<string>((value, all) => `${all}${value}`).cogroup(two, (value, all) => `${value}${all}`);
    const table = both.windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).aggregate({ name: 'both', initial: () => '', value: Serdes.string() });
    await tell(written(builder, table.join(table.mapValues((all) => all.length), (all, length) => `${all}${length}`)), [
      ['one: a=x@1', 'a[0-10]=x1@1', 'a[0-10]=x1@1'],
      ['two: a=y@3', 'a[0-10]=yx2@3', 'a[0-10]=yx2@3'],
    ]);
  });

  test('what is closed for all groups is forgotten', async () => {
    await using driver = await TopologyTestDriver.start(cogrouped(tumbling({ sizeMs: 10, graceMs: 0 })));
    const [left, right] = [driver.createInputTopic('left', text), driver.createInputTopic('right', text)];
    const kept = async (): Promise<number> => {
      let count = 0;
      for await (const _row of driver.store(driver.storeSpec('all-kept') as KeyValueStoreSpec<unknown, unknown>).scan()) count++;
      return count;
    };
    for (let time = 0; time < 100; time += 10) await left.pipeInput('a', 'x', time);
    expect(await kept()).toBe(10);
    await right.pipeInput('a', 'x', 55);
    expect(await kept()).toBe(5);
    await right.pipeInput('a', 'x', 200); // the left group may still add to the window from 90
    expect(await kept()).toBe(2);
    await left.pipeInput('a', 'x', 205);
    expect(await kept()).toBe(1);
  });
});

describe('emitted when it closes', () => {
  const final = (windows: TimeWindows): Topology => {
    const builder = new StreamsBuilder();
    return written(builder, group(builder).windowedBy(windows).aggregate({ ...joined, emit: 'on-close' }));
  };

  test('a window comes out once, however far time jumps, and however often the program starts again', async () => {
    await tell(final(tumbling({ sizeMs: 10, graceMs: 5 })), [
      ['a=x@1'],
      ['b=y@12'],
      [CRASH],
      ['a=y@2'],
      ['c=z@1000', 'a[0-10]=xy@2', 'b[10-20]=y@12'],
      [WIPE],
      ['a=z@3'],
      ['c=z@1001'],
      ['c=z@1015', 'c[1000-1010]=zz@1001'],
    ]);
  });

  test('a record that fails below has let nothing out', async () => {
    const builder = new StreamsBuilder();
    const table = group(builder).windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).aggregate({ ...joined, emit: 'on-close' });
    let failures = 1;
    table.toStream().foreach(() => {
      if (failures-- > 0) throw new Error('once');
    });
    await tell(written(builder, table), [['a=x@1'], ['a=y@50'], ['b=z@60', 'a[0-10]=x@1']], { errors: { processing: () => 'continue' } });
  });

  test('is looked for at most once in emitIntervalMs, across a crash too', async () => {
    await using driver = await TopologyTestDriver.start(final(tumbling({ sizeMs: 10, graceMs: 0 })), { emitIntervalMs: 1_000, commitIntervalMs: 0 });
    const [input, output] = [driver.createInputTopic('in', text), driver.createOutputTopic('out', text)];
    await input.pipeInput('a', 'x', 0);
    await input.pipeInput('a', 'y', 20);
    await driver.crash({ wipeState: true });
    await driver.advanceWallClockTime(999);
    await input.pipeInput('a', 'z', 40);
    expect(output.readValues()).toEqual([]);
    await driver.advanceWallClockTime(1);
    await input.pipeInput('b', 'z', 40);
    expect(output.readValues()).toEqual(['x', 'y']);
  });
});

test('stores are named after the operator', () => {
  const storesOf = (topology: Topology): string[] => topology.subtopologies.flatMap(({ stores }) => stores.map(({ name }) => name)).sort();
  const builder = new StreamsBuilder();
  const by = group(builder);
  by.windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count({ name: 'updates' });
  by.windowedBy(session({ gapMs: 1, graceMs: 0 })).count({ name: 'finals', emit: 'on-close' });
  const [left, right] = [group(builder, 'left'), group(builder, 'right')];
  left.cogroup<number>(() => 1).cogroup(right, () => 2).windowedBy(sliding({ differenceMs: 1, graceMs: 0 })).aggregate({ name: 'both', initial: () => 0, value: Serdes.long() });
  expect(storesOf(builder.build())).toEqual(['both', 'both-kept', 'both-kept-keys', 'both-time', 'finals', 'finals-time', 'finals-waiting', 'updates', 'updates-time']);
});
