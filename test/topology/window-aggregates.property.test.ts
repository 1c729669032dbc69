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

const functions = { initial: () => INITIAL, merge: mergeText, value: Serdes.string() };
const add = (value: string | null, aggregate: string): string => addText(aggregate, value);

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
  const cogrouped = rest.reduce((all, group) => all.cogroup(group, add), first!.cogroup(add));
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

const RUNS = Number(process.env['RUNS'] ?? 150);

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
