// Windowed aggregates under attack: random records of a few keys, out of order, at the edges of grace, with missing keys and values, against a naive account of
// the rules; crashes in between.

import { Serdes, StreamsBuilder, type AnyWindows, type KTable, type SessionStore, type Topology, type Windowed, type WindowStore } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KINDS, settings, steps, type Step } from './window-arbitraries.ts';
import { addText, INITIAL, mergeText, NaiveWindows, type Output, type Row, type Settings } from './window-reference.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
/** Only for reading results. */
const shownKeys = { key: Serdes.json<{ key: string; window: { startMs: number; endMs: number } }>(), value: Serdes.string() };

const functions = { initial: (): string | null => INITIAL, merge: (one: string | null, two: string | null) => mergeText(one!, two!), value: Serdes.string() };
const add = (value: string | null, aggregate: string | null): string | null => addText(aggregate!, value);

function optionsOf({ retentionMs }: Settings): { name: string; retentionMs?: number } {
  return { name: 'results', ...(retentionMs === undefined ? {} : { retentionMs }) };
}

function written(builder: StreamsBuilder, table: KTable<Windowed<string>, string>): Topology {
  table.toStream().to('out', shownKeys as never);
  return builder.build();
}

function ofOneGroup(windows: AnyWindows, own: Settings): Topology {
  const builder = new StreamsBuilder();
  const group = builder.stream('in-0', text).groupByKey({ name: 'by-key', ...text });
  const options = { ...optionsOf(own), emit: own.emit, ...functions, add };
  switch (windows.kind) {
    case 'time':
      return written(builder, group.windowedBy(windows).aggregate(options));
    case 'sliding':
      return written(builder, group.windowedBy(windows).aggregate(options));
    case 'session':
      return written(builder, group.windowedBy(windows).aggregate(options));
  }
}

function ofSeveralGroups(windows: AnyWindows, own: Settings, inputs: number): Topology {
  const builder = new StreamsBuilder();
  const [first, ...rest] = Array.from({ length: inputs }, (_, at) => builder.stream(`in-${at}`, text).groupByKey({ name: `by-key-${at}`, ...text }));
  const cogrouped = rest.reduce((all, group) => all.cogroup(group, add), first!.cogroup<string | null>(add));
  const options = { ...optionsOf(own), ...functions };
  return written(builder, windows.kind === 'session' ? cogrouped.windowedBy(windows).aggregate(options) : cogrouped.windowedBy(windows).aggregate(options));
}

async function shownBy(driver: TopologyTestDriver, windows: AnyWindows): Promise<Row[]> {
  const spec = driver.storeSpec('results')!;
  const rows: Row[] = [];
  if (windows.kind === 'session') {
    for await (const { key, startMs, endMs, value } of (driver.store(spec) as SessionStore<string, string>).scan()) rows.push({ key, start: startMs, end: endMs, value, timestamp: endMs });
    return rows;
  }
  const lengthMs = windows.kind === 'time' ? windows.sizeMs : windows.differenceMs;
  for await (const { key, timestamp: start, value } of (driver.store(spec) as WindowStore<string, { value: string; timestamp: number }>).scan()) {
    rows.push({ key, start, end: start + lengthMs, value: value.value, timestamp: value.timestamp });
  }
  return rows;
}

async function comparePlay(topology: Topology, windows: AnyWindows, own: Settings, list: readonly Step[], inputs: number): Promise<void> {
  await using driver = await TopologyTestDriver.start(topology, { commitIntervalMs: 0, emitIntervalMs: own.emitIntervalMs });
  const output = driver.createOutputTopic('out', shownKeys);
  const naive = new NaiveWindows(windows, own, inputs);
  for (const { record: each, input, passes, crash } of list) {
    if (crash !== 'none') await driver.crash({ wipeState: crash === 'wipe' });
    await driver.advanceWallClockTime(passes);
    const at = input % inputs;
    await driver.createInputTopic(`in-${at}`, text).pipeInput(each.key, each.value, each.timestamp, [['cause', Buffer.from(each.cause)]]);
    const got = output.readRecords().map(({ key, value, timestamp, headers }): Output => {
      const cause = headers[0]?.[1]?.toString();
      return { key: key!.key, window: [key!.window.startMs, key!.window.endMs], value, timestamp, ...(cause === undefined ? {} : { cause }) };
    });
    expect(got).toEqual(naive.take(each, driver.wallClockTime, at));
  }
  expect(await shownBy(driver, windows)).toEqual(naive.shown());
}

const RUNS = Number(process.env['RUNS'] ?? 100);

describe.each(Object.entries(KINDS))('%s', (_kind, arbitrary) => {
  const all = (arbitrary as fc.Arbitrary<AnyWindows>).chain((windows) => fc.tuple(fc.constant(windows), settings(windows)));

  test('results, their order, timestamps and headers, and what the store shows follow the rules, crashes or not', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(all, steps, ([windows, own], list) => comparePlay(ofOneGroup(windows, own), windows, own, list, 1));
    await fc.assert(property, { numRuns: RUNS });
  });

  test('of several groups: each has a time of its own, and all share the windows', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(all, steps, fc.integer({ min: 2, max: 3 }), ([windows, own], list, inputs) => {
      const onUpdate = { ...own, emit: 'on-update' as const };
      return comparePlay(ofSeveralGroups(windows, onUpdate, inputs), windows, onUpdate, list, inputs);
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});

/** Which windows of a key's records there must be, and so what they hold, whatever the rules that lead there. */
const MEANINGS: Readonly<Record<string, (windows: any, times: readonly number[]) => [startMs: number, endMs: number][]>> = {
  tumbling: ({ sizeMs }, times) => times.map((time) => [time - (time % sizeMs), time - (time % sizeMs) + sizeMs]),
  hopping: ({ sizeMs, advanceMs }, times) =>
    times.flatMap((time) => Array.from({ length: Math.ceil(sizeMs / advanceMs) }, (_, back) => time - (time % advanceMs) - back * advanceMs).filter((start) => start >= 0 && start + sizeMs > time).map((start): [number, number] => [start, start + sizeMs])),
  sliding: ({ differenceMs: d }, times) =>
    times.flatMap((time) => {
      const after = times.some((other) => other > time && other <= time + 1 + d) ? [time + 1] : [];
      return [Math.max(time - d, 0), ...after].map((start): [number, number] => [start, start + d]);
    }),
  session: ({ gapMs }, times) =>
    times.map((time) => {
      const reached = new Set([time]);
      for (let before = 0; before < reached.size; ) {
        before = reached.size;
        for (const other of times) if ([...reached].some((one) => Math.abs(one - other) <= gapMs)) reached.add(other);
      }
      return [Math.min(...reached), Math.max(...reached)];
    }),
};

test.each(Object.entries(KINDS))('%s: in whatever order records come, with enough grace each window ends up with those of its time', { timeout: 120_000 }, async (kind, arbitrary) => {
  const property = fc.asyncProperty(arbitrary as fc.Arbitrary<AnyWindows>, steps, async (drawn, list) => {
    const windows = { ...drawn, graceMs: 10_000 };
    const builder = new StreamsBuilder();
    const group = builder.stream('in', text).filter((value) => value !== null).groupByKey({ name: 'by-key', ...text });
    const together = (...parts: string[]): string => parts.flatMap((part) => part.split(' ')).filter((part) => part !== '').sort().join(' ');
    const options = { name: 'results', initial: () => '', add: (value: string, all: string) => together(all, value), merge: (one: string, two: string) => together(one, two), value: Serdes.string() };
    const table: KTable<Windowed<string>, string> =
      windows.kind === 'time' ? group.windowedBy(windows).aggregate(options) : windows.kind === 'sliding' ? group.windowedBy(windows).aggregate(options) : group.windowedBy(windows).aggregate(options);
    await using driver = await TopologyTestDriver.start(written(builder, table), { commitIntervalMs: 0 });
    const taken = list.map(({ record }) => record).filter(({ key, value }) => key !== null && value !== null);
    await driver.createInputTopic('in', text).pipeInputs(taken.map(({ key, timestamp, cause }) => ({ key, value: cause, timestamp })));
    const expected = [...new Set(taken.map(({ key }) => key!))].flatMap((key) => {
      const own = taken.filter((record) => record.key === key);
      const windowsOfKey = new Map(MEANINGS[kind]!(windows, own.map(({ timestamp }) => timestamp)).map((window) => [window.join(), window]));
      return [...windowsOfKey.values()].map(([start, end]) => {
        const inside = own.filter(({ timestamp }) => timestamp >= start && (windows.kind === 'time' ? timestamp < end : timestamp <= end));
        return { key, start, end, value: together(...inside.map(({ cause }) => cause)), timestamp: Math.max(...inside.map(({ timestamp }) => timestamp)) };
      });
    });
    const order = (a: Row, b: Row): number => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.start - b.start;
    expect(await shownBy(driver, windows)).toEqual(expected.sort(order));
  });
  await fc.assert(property, { numRuns: RUNS });
});
