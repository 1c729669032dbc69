// suppress as stories, and where it does not fit.

import { describe, expect, test } from 'vitest';
import {
  Serdes,
  session,
  StreamsBuilder,
  SuppressionFullError,
  TopologyError,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  type KTable,
  type Topology,
  type Windowed,
} from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };
const CRASH = 'crash, and local state is gone';

/** Records read `key=value@time`; so do results. */
async function tell(topology: Topology, story: readonly (readonly [record: string, ...out: string[]])[], options: TestDriverOptions = {}): Promise<void> {
  await using driver = await TopologyTestDriver.start(topology, { commitIntervalMs: 0, ...options });
  const [input, output] = [driver.createInputTopic('in', text), driver.createOutputTopic('out', text)];
  for (const [record, ...expected] of story) {
    if (record === CRASH) await driver.crash({ wipeState: true });
    else {
      const [, key, value, time] = /^(\w+)=(\w*)@(\d+)$/.exec(record)!;
      await input.pipeInput(key!, value === '' ? null : value!, Number(time));
    }
    expect({ [record]: output.readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`) }).toEqual({ [record]: expected });
  }
}

function counts(builder: StreamsBuilder, windows: Parameters<typeof tumbling>[0] | Parameters<typeof session>[0], name = 'counts'): KTable<Windowed<string>, number> {
  const group = builder.stream(name === 'counts' ? 'in' : name, text).groupByKey({ name: `${name}-by-key`, ...text });
  return 'sizeMs' in windows ? group.windowedBy(tumbling(windows)).count({ name }) : group.windowedBy(session(windows)).count({ name });
}

function written(builder: StreamsBuilder, table: KTable<Windowed<string>, number>): Topology {
  table.toStream((_value, { key, window }) => `${key}[${window.startMs}-${window.endMs}]`).mapValues((value) => value?.toString() ?? null).to('out', text);
  return builder.build();
}

const final = { name: 'final', value: Serdes.long() };

describe('until windows close', () => {
  test('the last result of each window comes out once, in the order in which windows end, across crashes', async () => {
    const builder = new StreamsBuilder();
    await tell(written(builder, counts(builder, { sizeMs: 10, graceMs: 5 }).suppress(untilWindowCloses(), final)), [
      ['b=x@3'],
      ['a=x@12'],
      ['a=x@4'],
      [CRASH],
      ['a=x@5'],
      ['c=x@999', 'a[0-10]=2@5', 'b[0-10]=1@3', 'a[10-20]=1@12'],
      [CRASH],
      ['a=x@5'],
    ]);
  });

  test('knows the grace through filters and mapped values, and of a join the longer one', async () => {
    const builder = new StreamsBuilder();
    const left = counts(builder, { sizeMs: 10, graceMs: 0 }).filter(() => true).mapValues((count) => count);
    const right = counts(builder, { sizeMs: 10, graceMs: 20 }, 'others');
    const both = left.outerJoin(right, (one, other) => (one ?? 0) + (other ?? 0));
    await tell(written(builder, both.suppress(untilWindowCloses(), final)), [['a=x@1'], ['b=x@29'], ['b=x@30', 'a[0-10]=1@1']]);
  });

  test('a session comes out a millisecond before its last record may come, as in Kafka Streams: such a record makes a second result', async () => {
    const builder = new StreamsBuilder();
    await tell(written(builder, counts(builder, { gapMs: 5, graceMs: 0 }).suppress(untilWindowCloses(), final)), [
      ['a=x@10'],
      ['b=x@15', 'a[10-10]=1@10'],
      ['a=x@10', 'a[10-10]=2@10'],
      ['b=x@16'],
      ['a=x@10'],
    ]);
  });

  test('does not fit a table without windows', () => {
    const rows = new StreamsBuilder().table('in', { name: 'rows', ...text }) as unknown as KTable<Windowed<string>, string>;
    expect(() => rows.suppress(untilWindowCloses(), { name: 'final', ...text } as never)).toThrow(TopologyError);
    expect(() => rows.suppress(untilWindowCloses(), { name: 'final', ...text } as never)).toThrow(/suppress "final" waits for windows to close, but the table at "rows" has none/);
  });
});

describe('until a time limit', () => {
  const held = (until: ReturnType<typeof untilTimeLimit>): Topology => {
    const builder = new StreamsBuilder();
    builder.table('in', { name: 'rows', ...text }).suppress(until, { name: 'held', ...text }).toStream().to('out', text);
    return builder.build();
  };

  test('the first update that waits counts; the last comes out, tombstones too', async () => {
    await tell(held(untilTimeLimit({ limitMs: 10 })), [
      ['a=1@5'],
      ['b=1@6'],
      ['a=2@7'],
      [CRASH],
      ['b=@14'],
      ['c=1@15', 'a=2@7'],
      ['c=2@16', 'b=null@14'],
      ['c=3@25', 'c=3@25'],
    ]);
  });

  test('when too many wait, what has waited longest comes out early', async () => {
    await tell(held(untilTimeLimit({ limitMs: 100, maxRecords: 2, whenFull: 'emit-early' })), [['b=1@5'], ['a=1@6'], [CRASH], ['a=2@7'], ['c=1@3', 'c=1@3'], ['c=2@8', 'b=1@5']]);
  });

  test('or the record fails, and leaves nothing behind', async () => {
    const full = untilTimeLimit({ limitMs: 100, maxRecords: 1, whenFull: 'fail' });
    await tell(held(full), [['a=1@5'], ['b=1@6'], ['a=2@7'], ['b=1@104'], ['a=3@105', 'a=3@105'], ['b=1@106']], { errors: { processing: () => 'continue' } });
    const errors: unknown[] = [];
    const decide = (error: unknown) => (errors.push(error), 'fail' as const);
    await expect(tell(held(full), [['a=1@5'], ['b=1@6']], { errors: { processing: decide } })).rejects.toThrow('suppress "held" would hold more than 1 keys back');
    expect(errors).toEqual([expect.any(SuppressionFullError)]);
  });

  test('does not fit a versioned table', () => {
    const rows = new StreamsBuilder().table('in', { name: 'rows', ...text, historyMs: 10 });
    expect(() => rows.suppress(untilTimeLimit({ limitMs: 1 }), { name: 'held', ...text })).toThrow(/suppress "held" hangs on a versioned table/);
  });

  test('needs to know how keys are written', () => {
    const rows = new StreamsBuilder().table('in', { name: 'rows', ...text });
    expect(() => rows.suppress(untilTimeLimit({ limitMs: 1 }), { name: 'held', value: text.value } as never)).toThrow(/suppress "held" does not know how keys are written/);
  });
});

test('what waits keeps its headers, also across a restart', async () => {
  const builder = new StreamsBuilder();
  builder.table('in', { name: 'rows', ...text }).suppress(untilTimeLimit({ limitMs: 10 }), { name: 'held', ...text }).toStream().to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const [input, output] = [driver.createInputTopic('in', text), driver.createOutputTopic('out', text)];
  const headers = [['trace', Buffer.from('1')], ['trace', null], ['', Buffer.of(0, 255)]] as const;
  await input.pipeInput('a', 'x', 0, headers);
  await driver.crash({ wipeState: true });
  await input.pipeInput('b', 'y', 10);
  expect(output.readRecords()).toEqual([{ key: 'a', value: 'x', timestamp: 0, headers }]);
});

test('a filter above it keeps silent about what was not in it: suppress must know what an update replaced', async () => {
  const builder = new StreamsBuilder();
  const rows = builder.table('in', { name: 'rows', ...text }).filter((value) => value === 'good');
  rows.suppress(untilTimeLimit({ limitMs: 0 }), { name: 'held', ...text }).toStream().to('out', text);
  await tell(builder.build(), [['a=bad@1'], ['a=good@2', 'a=good@2'], ['a=bad@3', 'a=null@3'], ['a=bad@4']]);
});

test('a row that comes out has become what comes out, for whoever looks it up in that moment (Kafka Streams shows what it was before)', async () => {
  const builder = new StreamsBuilder();
  const held = builder.table('in', { name: 'rows', ...text }).suppress(untilTimeLimit({ limitMs: 5 }), { name: 'held', ...text });
  held.toStream().leftJoin(held, (value, row) => `${value}${row}`, { name: 'with-itself', ...text }).to('out', text);
  await tell(builder.build(), [['a=x@1'], ['b=y@6', 'a=xx@1'], ['a=z@6'], ['c=w@11', 'a=zz@6', 'b=yy@6']]);
});

test('a group below is told what came out before, not what was held back in between (Kafka Streams tells the latter)', async () => {
  const builder = new StreamsBuilder();
  const counted = builder.stream('in', text).mapValues(Number).groupByKey({ name: 'by-key', ...long }).windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).reduce((a, b) => a + b, { name: 'sums' });
  const totals = counted.suppress(untilWindowCloses(), final).groupBy((sum, { key }) => [key, sum], { name: 'by-inner-key', ...long });
  totals.reduce((a, b) => a + b, (a, b) => a - b, { name: 'totals' }).toStream().mapValues(String).to('out', text);
  await tell(builder.build(), [['a=1@0'], ['a=2@1'], ['a=10@10', 'a=3@1'], ['a=20@11'], ['a=100@22', 'a=33@11']]);
});

test('counts of what came out can be counted', async () => {
  const builder = new StreamsBuilder();
  const finals = counts(builder, { sizeMs: 10, graceMs: 0 }).suppress(untilWindowCloses(), final);
  finals.groupBy((count) => [String(count), count], { name: 'by-count', ...long }).count({ name: 'counts-of-counts' }).toStream().mapValues(String).to('out', text);
  await tell(builder.build(), [['a=x@1'], ['a=x@2'], ['b=x@3'], ['c=x@20', '2=1@2', '1=1@3']]);
});
