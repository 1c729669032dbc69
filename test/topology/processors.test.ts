// The Processor API inside the DSL: keys, stores, the rows of tables, time, and punctuators on both clocks.

import { describe, expect, test } from 'vitest';
import { InvalidRecordError, Serdes, Stores, StreamsBuilder, tumbling, type Headers, type KTable, type Processor, type ProcessorContext, type ProcessorSupplier, type Schedule, type Topology } from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

type Key = string | null;
type Context = ProcessorContext<any, any>;
type Any = ProcessorSupplier<any, any, any, any>;

/** A processor from what it does at the start and with each record. */
function processor(begin: (context: Context) => Processor<any, any, any, any>['process'] | void): Any {
  return () => {
    let step: Processor<any, any, any, any>['process'] | void;
    return { init: (context) => void (step = begin(context)), process: (record) => step?.(record) };
  };
}

/** From topic "in" by way of a processor to topic "out". */
function topologyOf(supplier: Any, options: { stores?: readonly any[]; tables?: (builder: StreamsBuilder) => readonly KTable<any, any>[]; keepsKeys?: boolean } = {}): Topology {
  const builder = new StreamsBuilder();
  const own = { name: 'p', stores: options.stores ?? [], tables: options.tables?.(builder) ?? [] };
  const stream = builder.stream('in', text);
  (options.keepsKeys === true ? stream.processValues(supplier, own) : stream.process(supplier, own)).to('out', text);
  return builder.build();
}

type Step = readonly [key: Key, value: Key, timestamp?: number] | { readonly advanceMs: number } | 'CRASH';

/** What comes out, as `key=value@timestamp`, step by step. */
async function play(topology: Topology, steps: readonly Step[], options: TestDriverOptions = {}): Promise<string[][]> {
  await using driver = await TopologyTestDriver.start(topology, options);
  const input = driver.createInputTopic('in', text);
  const output = driver.createOutputTopic('out', text);
  const lines = (): string[] => output.readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`);
  const all: string[][] = [];
  const before = lines();
  if (before.length > 0) all.push(['before', ...before]);
  for (const step of steps) {
    if (step === 'CRASH') await driver.crash({ wipeState: all.length % 2 === 0 });
    else if ('advanceMs' in step) await driver.advanceWallClockTime(step.advanceMs);
    else await input.pipeInput(step[0], step[1], step[2] ?? 0);
    all.push(lines());
  }
  return all;
}

describe('keys', () => {
  const renaming = processor((context) => (record) => context.forward({ ...record, key: `${record.key}!` }));

  test('process may change them', async () => {
    expect(await play(topologyOf(renaming), [['a', 'x', 4]])).toEqual([['a!=x@4']]);
  });

  test('processValues may not: the error names both keys, and what to do', async () => {
    await expect(play(topologyOf(renaming, { keepsKeys: true }), [['a', 'x']])).rejects.toThrow(/"p" was added with processValues.*the key "a!" while it processes one with the key "a".*\{ \.\.\.record, value \}.*add it with process/);
  });

  test('processValues passes any value, any number of records, any timestamp and headers; null keys and values too', async () => {
    const twice = processor((context) => (record) => {
      for (const end of ['1', '2']) context.forward({ ...record, value: `${record.value}${end}`, timestamp: record.timestamp + 1 });
    });
    expect(await play(topologyOf(twice, { keepsKeys: true }), [['a', 'x', 4], [null, null, 5]])).toEqual([['a=x1@5', 'a=x2@5'], ['null=null1@6', 'null=null2@6']]);
  });

  test('a punctuator of processValues has no record in hand, and says which key it means', async () => {
    const ticking = processor((context) => {
      context.schedule({ intervalMs: 10, type: 'stream-time' }, (now) => context.forward({ key: 'tick', value: 'now', timestamp: now, headers: [] }));
      return (record) => context.forward(record);
    });
    expect(await play(topologyOf(ticking, { keepsKeys: true }), [['a', 'x', 4]])).toEqual([['a=x@4', 'tick=now@4']]);
  });

  test('the check is over when a record has thrown', async () => {
    const store = Stores.keyValue({ name: 'store', ...text });
    const failing = processor((context) => {
      context.schedule({ intervalMs: 10, type: 'wall-clock' }, (now) => context.forward({ key: 'other', value: 'tick', timestamp: now, headers: [] }));
      return ({ key }) => {
        context.store(store).put(key, 'never kept');
        throw new InvalidRecordError('no');
      };
    });
    const topology = topologyOf(failing, { keepsKeys: true, stores: [store] });
    expect(await play(topology, [['a', 'x', 4], { advanceMs: 10 }], { deadLetterTopic: 'dead' })).toEqual([[], ['other=tick@10']]);
  });
});

describe('headers', () => {
  test('are seen, added and removed in process, and go with the record from there; what a punctuator forwards has those it gives', async () => {
    const headers: Headers = [['a', Buffer.from('1')], ['b', null]];
    const marking = processor((context) => {
      context.schedule({ intervalMs: 10, type: 'stream-time' }, (now) => context.forward({ key: 'tick', value: 'x', timestamp: now, headers: [] }));
      return (record) => context.forward({ ...record, headers: [...record.headers.filter(([name]) => name !== 'b'), ['seen', Buffer.from('yes')]] });
    });
    const builder = new StreamsBuilder();
    builder.stream('in', text).process<string, string>(marking, { name: 'p' }).groupByKey({ name: 'by', ...text }).count({ name: 'counts' }).toStream().to('out', long);
    await using driver = await TopologyTestDriver.start(builder.build());
    await driver.createInputTopic('in', text).pipeInput('k', 'v', 3, headers);
    expect(driver.createOutputTopic('out', long).readRecords()).toEqual([
      { key: 'k', value: 1, timestamp: 3, headers: [['a', Buffer.from('1')], ['seen', Buffer.from('yes')]] },
      { key: 'tick', value: 1, timestamp: 3, headers: [] },
    ]);
  });
});

describe('timestamps', () => {
  test.each([-1, 0.5, Number.NaN, undefined])('of %s are refused when a processor forwards them, from a record and from a punctuator', async (timestamp) => {
    const wrong = { key: 'k', value: 'v', timestamp: timestamp as number, headers: [] };
    for (const keepsKeys of [true, false]) {
      const forwarding = processor((context) => () => context.forward(wrong));
      await expect(play(topologyOf(forwarding, { keepsKeys }), [['k', 'v']])).rejects.toThrow(/"p" forwards a record with the timestamp .*whole milliseconds/);
      const punctuating = processor((context) => void context.schedule({ intervalMs: 1, type: 'stream-time' }, () => context.forward(wrong)));
      await expect(play(topologyOf(punctuating, { keepsKeys }), [['k', 'v']])).rejects.toThrow(/stopped at a stream-time punctuator: .*with the timestamp/);
    }
  });
});

describe('whatever takes time', () => {
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test.each<[string, Any]>([
    ['process', processor((context) => async (record) => {
      await later();
      context.forward(record);
    })],
    ['a punctuator', processor((context) => {
      context.schedule({ intervalMs: 1, type: 'stream-time' }, async (nowMs) => {
        await later();
        context.forward({ key: 'late', value: 'late', timestamp: nowMs, headers: [] });
      });
      return () => {};
    })],
  ])('%s is not waited for, so it may not answer with a promise, nor forward anything afterwards', async (_, supplier) => {
    await using driver = await TopologyTestDriver.start(topologyOf(supplier));
    await expect(driver.createInputTopic('in', text).pipeInput('a', 'v', 1)).rejects.toThrow(/"p".*promise.*escalate/s);
    await later();
    await later();
    expect(driver.createOutputTopic('out', text).readRecords()).toEqual([]);
  });

  test('where the errors setting goes on without the record, what it forwards afterwards still goes nowhere', async () => {
    const refused: string[] = [];
    const supplier = processor((context) => async (record) => {
      await later();
      try {
        context.forward(record);
      } catch (error) {
        refused.push((error as Error).message);
      }
    });
    await using driver = await TopologyTestDriver.start(topologyOf(supplier), { errors: { processing: () => 'continue' } });
    await driver.createInputTopic('in', text).pipeInput('a', 'v', 1);
    await later();
    await later();
    expect(refused).toEqual([expect.stringMatching(/"p" forwards a record after it has returned/)]);
    expect(driver.createOutputTopic('out', text).readRecords()).toEqual([]);
  });
});

describe('forwardTo', () => {
  test('reaches the child of that name only, and names those there are when there is none', async () => {
    const choosing = processor((context) => (record) => context.forwardTo(record.value, record));
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', text).process<string, string>(choosing, { name: 'p' });
    for (const name of ['left', 'right']) stream.processValues<string>(processor((context) => (record) => context.forward(record)), { name }).to(`out-${name}`, text);
    await using driver = await TopologyTestDriver.start(builder.build());
    const input = driver.createInputTopic('in', text);
    await input.pipeInput('a', 'right');
    expect(['left', 'right'].map((name) => driver.createOutputTopic(`out-${name}`, text).readValues())).toEqual([[], ['right']]);
    await expect(input.pipeInput('a', 'middle')).rejects.toThrow(/"p" has no child "middle": it has left, right/);
  });
});

describe('stores', () => {
  const store = Stores.keyValue({ name: 'kv', ...text });
  const putting = processor((context) => ({ key, value }) => context.store(store).put(key, value));

  test('are shared by the processors that list them, also across sources', async () => {
    const builder = new StreamsBuilder();
    builder.stream('writes', text).process(putting, { name: 'write', stores: [store] });
    builder.stream('in', text).processValues<string>(processor((context) => (record) => context.forward({ ...record, value: String(context.store(store).get(record.key)) })), { name: 'read', stores: [store] }).to('out', text);
    const topology = builder.build();
    expect(topology.subtopologies).toHaveLength(1);
    await using driver = await TopologyTestDriver.start(topology);
    await driver.createInputTopic('writes', text).pipeInput('a', 'x');
    for (const wipeState of [false, true]) {
      await driver.crash({ wipeState });
      await driver.createInputTopic('in', text).pipeInput('a', 'what is there?');
    }
    expect(driver.createOutputTopic('out', text).readValues()).toEqual(['x', 'x']);
  });

  test('that are not listed are refused, even where the same task has them', async () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', text);
    stream.process(putting, { name: 'write', stores: [store] });
    stream.process(putting, { name: 'forgetful', stores: [Stores.keyValue({ name: 'other', ...text })] });
    await using driver = await TopologyTestDriver.start(builder.build());
    await expect(driver.createInputTopic('in', text).pipeInput('a', 'x')).rejects.toThrow(/"kv" is not connected to the processor "forgetful": list it under "stores".*Connected are: other/);
  });
});

describe('rows of tables', () => {
  const reading = (table: KTable<string, any>): Any =>
    processor((context) => (record) => {
      const row = context.table(table).get(record.key);
      context.forward({ ...record, value: row === undefined ? 'none' : `${row.value}@${row.timestamp}` });
    });
  /** What a processor reads of a table that is made of topic "rows". */
  async function read(derive: (rows: KTable<string, number>, builder: StreamsBuilder) => KTable<string, any>, isListed = true): Promise<Key[]> {
    const builder = new StreamsBuilder();
    const table = derive(builder.table('rows', { name: 'rows', ...long }), builder);
    builder.stream('in', text).processValues<string>(reading(table), { name: 'p', tables: isListed ? [table] : [] }).to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build(), { partitions: 2 });
    for (const [key, value, timestamp] of [['a', 5, 1], ['b', 6, 2], ['a', 7, 1], ['b', null, 3]] as const) await driver.createInputTopic('rows', long).pipeInput(key, value, timestamp);
    await driver.crash({ wipeState: true });
    for (const key of ['a', 'b']) await driver.createInputTopic('in', text).pipeInput(key, '?');
    return driver.createOutputTopic('out', text).readRecords().map(({ key, value }) => `${key} ${value}`).sort();
  }

  test('are read by the processors that list the table, which need not be stored otherwise', async () => {
    expect(await read((rows) => rows)).toEqual(['a 7@1', 'b none']);
    expect(await read((rows) => rows.mapValues((value) => value + 1).filter((value) => value > 5))).toEqual(['a 8@1', 'b none']);
    expect(await read((rows) => rows.filter((value) => value > 7, { name: 'own', ...long }))).toEqual(['a none', 'b none']);
    expect(await read((rows) => rows.groupBy((value, key) => [key, value], { name: 'by', ...long }).count({ name: 'counts' }))).toEqual(['a 1@1', 'b 0@3']);
  });

  test('of windowed tables are read by key and window, those of versioned tables as of a time, those of global tables without being listed', async () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', text);
    const counts = stream.groupByKey({ name: 'by', ...text }).windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).count({ name: 'counts' });
    const versions = stream.toTable({ name: 'versions', ...text, historyMs: 100 });
    const global = builder.globalTable('countries', { name: 'countries', ...text });
    const supplier = processor((context) => (record) => {
      const count = context.table(counts).get({ key: record.key, window: { startMs: 0, endMs: 10 } })?.value;
      const [before, now] = [context.table(versions).getAsOf(record.key, 3)?.value, context.table(versions).get(record.key)?.value];
      context.forward({ ...record, value: `${count} ${before} ${now} ${context.table(global).get(record.key)?.value}` });
    });
    stream.processValues<string>(supplier, { name: 'p', tables: [counts, versions] }).to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build());
    await driver.createInputTopic('countries', text).pipeInput('a', 'Austria');
    for (const [key, value, timestamp] of [['a', 'x', 2], ['a', 'y', 5], ['b', 'z', 15]] as const) await driver.createInputTopic('in', text).pipeInput(key, value, timestamp);
    expect(driver.createOutputTopic('out', text).readValues()).toEqual(['1 x x Austria', '2 x y Austria', 'undefined undefined z undefined']);
  });

  test('of a table that is not listed are an error that says so', async () => {
    await expect(read((rows) => rows, false)).rejects.toThrow(/reads the table at "rows" without saying so: list it under "tables"/);
  });

  test('must be partitioned as the stream is', async () => {
    const topology = topologyOf(processor(() => undefined), { tables: (builder) => [builder.table('rows', { name: 'rows', ...long })] });
    await expect(TopologyTestDriver.start(topology, { partitions: { in: 2, rows: 3 } })).rejects.toThrow(/in \(2\), rows \(3\)|rows \(3\), in \(2\)/);
  });
});

describe('context', () => {
  test('stream time is that of the task, the record in hand included, and −1 before the first; the wall clock is the driver\'s; a punctuator has no source', async () => {
    const seen: unknown[] = [];
    const watching = processor((context) => {
      const look = (what: string): void => void seen.push([what, context.streamTime(), context.wallClockTime(), context.source()?.offset]);
      look('init');
      context.schedule({ intervalMs: 100, type: 'wall-clock' }, () => look('wall'));
      context.schedule({ intervalMs: 10, type: 'stream-time' }, () => look('stream'));
      return () => look('record');
    });
    await play(topologyOf(watching), [{ advanceMs: 100 }, ['a', 'x', 25], ['a', 'x', 3], { advanceMs: 100 }, 'CRASH'], { wallClockStartMs: 1_000 });
    expect(seen).toEqual([
      ['init', -1, 1_000, undefined],
      ['wall', -1, 1_100, undefined],
      ['record', 25, 1_100, 0],
      ['stream', 25, 1_100, undefined],
      ['record', 25, 1_100, 1],
      ['wall', 25, 1_200, undefined],
      ['init', 25, 1_200, undefined],
    ]);
  });
});

/** Forwards its name at each call: `name@now`. */
function punctual(...schedules: readonly (readonly [name: string, intervalMs: number, type: 'stream-time' | 'wall-clock', startAtMs?: number])[]): Any {
  return processor((context) => {
    for (const [name, intervalMs, type, startAtMs] of schedules) {
      const options = { intervalMs, type, ...(startAtMs === undefined ? {} : { startAtMs }) };
      context.schedule(options, (now) => context.forward({ key: name, value: 'tick', timestamp: now, headers: [] }));
    }
    return (record) => context.forward(record);
  });
}

const ticks = (steps: readonly string[][]): string[] => steps.map((lines) => lines.filter((line) => line.includes('=tick')).map((line) => line.replace('=tick', '')).join(' '));
const records = (...times: readonly (number | 'CRASH')[]): Step[] => times.map((time) => (time === 'CRASH' ? time : ['k', 'v', time]));

describe('stream-time punctuators', () => {
  test.each<[string, Any, Step[], string[]]>([
    ['fire at multiples of the interval from 0, the first at once, several missed ones once', punctual(['t', 10, 'stream-time']), records(3, 9, 10, 10, 19, 57, 59, 60), ['t@3', '', 't@10', '', '', 't@57', '', 't@60']],
    ['fire at 0', punctual(['t', 10, 'stream-time']), records(0, 0), ['t@0', '']],
    ['anchored: not before the start', punctual(['t', 10, 'stream-time', 25]), records(3, 24, 25, 34, 35, 60), ['', '', 't@25', '', 't@35', 't@60']],
    ['anchored: due times are start + n × interval', punctual(['t', 7, 'stream-time', 3]), records(2, 4, 9, 10, 30, 31), ['', 't@4', '', 't@10', 't@30', 't@31']],
    ['do not go back with late records', punctual(['t', 10, 'stream-time']), records(30, 10, 35, 39, 40), ['t@30', '', '', '', 't@40']],
    ['by due time; equal ones in the order of scheduling', punctual(['a', 10, 'stream-time'], ['b', 5, 'stream-time'], ['c', 10, 'stream-time']), records(1, 5, 10, 29), ['a@1 b@1 c@1', 'b@5', 'a@10 b@10 c@10', 'b@29 a@29 c@29']],
    ['are not fired again after a crash', punctual(['t', 10, 'stream-time'], ['u', 10, 'stream-time', 5]), records(12, 'CRASH', 12, 14, 15, 'CRASH', 20), ['t@12 u@12', '', '', '', 'u@15', '', 't@20']],
  ])('%s', async (_what, supplier, steps, expected) => {
    expect(ticks(await play(topologyOf(supplier), steps))).toEqual(expected);
  });

  test('fire after the record that moved time, and after everything that it led to in its task', async () => {
    expect(await play(topologyOf(punctual(['t', 10, 'stream-time'])), records(3, 10))).toEqual([['k=v@3', 't=tick@3'], ['k=v@10', 't=tick@10']]);
  });

  test('are looked at after records of internal topics too', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', text).repartition({ name: 'again', ...text }).process<string, string>(punctual(['t', 10, 'stream-time']), { name: 'p' }).to('out', text);
    const topology = builder.build();
    for (const options of [{}, { oneTask: true, recordsPerRound: 1, commitIntervalMs: 0 }]) {
      expect(ticks(await play(topology, records(3, 9, 10), options))).toEqual(['t@3', '', 't@10']);
    }
  });

  test('may write to stores, and what they forward is processed before the next fires', async () => {
    const log = Stores.keyValue({ name: 'log', ...text });
    const logging = processor((context) => {
      for (const name of ['a', 'b']) {
        context.schedule({ intervalMs: 10, type: 'stream-time' }, (now) => {
          const store = context.store(log);
          store.put('all', `${store.get('all') ?? ''}${name}@${now} `);
          context.forward({ key: name, value: store.get('all')!, timestamp: now, headers: [] });
        });
      }
    });
    expect(await play(topologyOf(logging, { stores: [log] }), [['k', 'v', 3], 'CRASH', ['k', 'v', 10]])).toEqual([['a=a@3 @3', 'b=a@3 b@3 @3'], [], ['a=a@3 b@3 a@10 @10', 'b=a@3 b@3 a@10 b@10 @10']]);
  });
});

describe('wall-clock punctuators', () => {
  const advances = (...times: readonly number[]): Step[] => times.map((advanceMs) => ({ advanceMs }));

  test.each<[string, Any, Step[], string[]]>([
    ['fire at the start + n × interval, once per advance, with the time of the call', punctual(['t', 10, 'wall-clock']), advances(9, 1, 9, 1, 35, 4, 1), ['', 't@1010', '', 't@1020', 't@1055', '', 't@1060']],
    ['anchored in the future: then first', punctual(['t', 10, 'wall-clock', 1_025]), advances(20, 5, 10, 9, 1), ['', 't@1025', 't@1035', '', 't@1045']],
    ['anchored in the past: at the next of its times', punctual(['t', 100, 'wall-clock', 930]), advances(29, 1, 99, 1), ['', 't@1030', '', 't@1130']],
    ['anchored in the past, one of whose times is now: at the next', punctual(['t', 100, 'wall-clock', 900]), advances(99, 1), ['', 't@1100']],
    ['anchored now: as soon as the clock moves', punctual(['t', 100, 'wall-clock', 1_000]), advances(1, 98, 1), ['t@1001', '', 't@1100']],
    ['by due time; equal ones in the order of scheduling', punctual(['a', 30, 'wall-clock'], ['b', 20, 'wall-clock'], ['c', 30, 'wall-clock']), advances(35, 5, 20), ['b@1035 a@1035 c@1035', 'b@1040', 'a@1060 b@1060 c@1060']],
  ])('%s', async (_what, supplier, steps, expected) => {
    expect(ticks(await play(topologyOf(supplier), steps, { wallClockStartMs: 1_000 }))).toEqual(expected);
  });

  test('do not hang on records, nor records on them', async () => {
    expect(await play(topologyOf(punctual(['t', 10, 'wall-clock'])), [['k', 'v', 500], { advanceMs: 10 }])).toEqual([['k=v@500'], ['t=tick@10']]);
  });
});

describe('a schedule', () => {
  test('ends when it is cancelled: by its own punctuator, by another that is due at the same time, by a record, twice', async () => {
    const cancelling = processor((context) => {
      const schedules = new Map<string, Schedule>();
      const at = (name: string, intervalMs: number, then: (calls: number) => void): void => {
        let calls = 0;
        schedules.set(name, context.schedule({ intervalMs, type: 'stream-time' }, (now) => {
          context.forward({ key: name, value: 'tick', timestamp: now, headers: [] });
          then(++calls);
        }));
      };
      at('twice', 10, (calls) => calls === 2 && schedules.get('twice')!.cancel());
      at('killer', 20, (calls) => calls === 2 && schedules.get('victim')!.cancel());
      at('victim', 20, () => {});
      return ({ value }) => value !== 'v' && schedules.get(value)?.cancel();
    });
    const steps = await play(topologyOf(cancelling), [['k', 'v', 0], ['k', 'v', 10], ['k', 'v', 20], ['k', 'killer', 39], ['k', 'killer', 60]]);
    expect(ticks(steps)).toEqual(['twice@0 killer@0 victim@0', 'twice@10', 'killer@20', '', '']);
  });

  test('that a punctuator makes begins after this call', async () => {
    const making = processor((context) => {
      const first = context.schedule({ intervalMs: 10, type: 'wall-clock' }, (now) => {
        first.cancel();
        context.schedule({ intervalMs: 5, type: 'wall-clock' }, (later) => context.forward({ key: `made@${now}`, value: 'tick', timestamp: later, headers: [] }));
      });
    });
    expect(ticks(await play(topologyOf(making), [{ advanceMs: 12 }, { advanceMs: 4 }, { advanceMs: 1 }]))).toEqual(['', '', 'made@12@17']);
  });

  test.each([{ intervalMs: 0 }, { intervalMs: 1.5 }, { intervalMs: 10, startAtMs: -1 }, { intervalMs: 10, startAtMs: 0.5 }])('that is no time (%s) is refused', async (options) => {
    const wrong = processor((context) => void context.schedule({ ...options, type: 'stream-time' }, () => {}));
    await expect(TopologyTestDriver.start(topologyOf(wrong))).rejects.toThrow(/A punctuator has (intervalMs|startAtMs) .*give whole milliseconds/);
  });
});
