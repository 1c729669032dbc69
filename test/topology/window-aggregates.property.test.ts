// Windowed aggregates under attack: random records of a few keys, out of order, at the edges of grace, with missing keys and values, against a naive account of
// the rules; crashes in between.

import { Serdes, StreamsBuilder, hopping, session, sliding, tumbling, type AnyWindows, type KTable, type SessionStore, type Topology, type Windowed, type WindowStore } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addText, INITIAL, mergeText, NaiveWindows, type Input, type Output, type Row, type Settings } from './window-reference.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
/** Only for reading results. */
const shownKeys = { key: Serdes.json<{ key: string; window: { startMs: number; endMs: number } }>(), value: Serdes.string() };

const small = fc.integer({ min: 0, max: 8 });
const atLeastOne = fc.integer({ min: 1, max: 8 });
const KINDS = {
  tumbling: fc.record({ sizeMs: atLeastOne, graceMs: small }).map(tumbling),
  hopping: fc.tuple(atLeastOne, atLeastOne, small).map(([one, other, graceMs]) => hopping({ sizeMs: Math.max(one, other), advanceMs: Math.min(one, other), graceMs })),
  sliding: fc.record({ differenceMs: atLeastOne, graceMs: small }).map(sliding),
  session: fc.record({ gapMs: small, graceMs: small }).map(session),
} satisfies Record<string, fc.Arbitrary<AnyWindows>>;

interface Step {
  readonly record: Input;
  /** The wall clock moves before it, ms. */
  readonly passes: number;
  readonly crash: 'none' | 'crash' | 'wipe';
}

const record: fc.Arbitrary<Omit<Input, 'cause'>> = fc.record({
  key: fc.constantFrom('a', 'a', 'b', 'ab', '￿', '𝒳', null),
  value: fc.constantFrom('x', 'y', 'z', 'x', null),
  // Mostly near one another, so that windows and their graces meet; sometimes far ahead.
  timestamp: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 0, max: 24 }) }, { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) }, { weight: 1, arbitrary: fc.integer({ min: 60, max: 400 }) }),
});
const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.record({ record, passes: fc.constantFrom(0, 0, 1, 5), crash: fc.constantFrom<Step['crash']>('none', 'none', 'none', 'none', 'none', 'none', 'crash', 'wipe') }), { maxLength: 40 })
  .map((list) => list.map((step, at) => ({ ...step, record: { ...step.record, cause: `r${at}` } })));

const settings = (shortestMs: number): fc.Arbitrary<Settings> =>
  fc.record({
    emit: fc.constantFrom('on-update' as const, 'on-close' as const),
    retentionMs: fc.option(fc.integer({ min: shortestMs, max: shortestMs + 30 }), { nil: undefined }),
    emitIntervalMs: fc.constantFrom(0, 0, 4),
  });

function shortest(windows: AnyWindows): number {
  return windows.graceMs + (windows.kind === 'time' ? windows.sizeMs : windows.kind === 'sliding' ? 2 * windows.differenceMs : windows.gapMs);
}

function topologyOf(windows: AnyWindows, { emit, retentionMs }: Settings): Topology {
  const builder = new StreamsBuilder();
  const group = builder.stream('in', text).groupByKey({ name: 'by-key', ...text });
  const options = {
    name: 'results',
    emit,
    ...(retentionMs === undefined ? {} : { retentionMs }),
    initial: () => INITIAL,
    add: (value: string | null, aggregate: string) => addText(aggregate, value),
    merge: mergeText,
    value: Serdes.string(),
  };
  const table: KTable<Windowed<string>, string> =
    windows.kind === 'time' ? group.windowedBy(windows).aggregate(options) : windows.kind === 'sliding' ? group.windowedBy(windows).aggregate(options) : group.windowedBy(windows).aggregate(options);
  table.toStream().to('out', shownKeys as never);
  return builder.build();
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

for (const [kind, arbitrary] of Object.entries(KINDS)) {
  test(`${kind}: results, their order, timestamps and headers, and what the store shows follow the rules, crashes or not`, { timeout: 120_000 }, async () => {
    const all = (arbitrary as fc.Arbitrary<AnyWindows>).chain((windows) => fc.tuple(fc.constant(windows), settings(shortest(windows))));
    const property = fc.asyncProperty(all, steps, async ([windows, own], list) => {
      await using driver = await TopologyTestDriver.start(topologyOf(windows, own), { commitIntervalMs: 0, emitIntervalMs: own.emitIntervalMs });
      const input = driver.createInputTopic('in', text);
      const output = driver.createOutputTopic('out', shownKeys);
      const naive = new NaiveWindows(windows, own);
      for (const { record: each, passes, crash } of list) {
        if (crash !== 'none') await driver.crash({ wipeState: crash === 'wipe' });
        await driver.advanceWallClockTime(passes);
        await input.pipeInput(each.key, each.value, each.timestamp, [['cause', Buffer.from(each.cause)]]);
        const got = output.readRecords().map(({ key, value, timestamp, headers }): Output => {
          const cause = headers[0]?.[1]?.toString();
          return { key: key!.key, window: [key!.window.startMs, key!.window.endMs], value, timestamp, ...(cause === undefined ? {} : { cause }) };
        });
        expect(got).toEqual(naive.take(each, driver.wallClockTime));
      }
      expect(await shownBy(driver, windows)).toEqual(naive.shown());
    });
    await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 200) });
  });
}
