// suppress under attack: random updates of tables and of windowed results, against a naive account; crashes in between.

import { Serdes, StreamsBuilder, untilTimeLimit, untilWindowCloses, type AnyWindows, type KStream, type KTable, type Windowed } from 'millrace';
import { TopologyTestDriver, type TestOutputTopic } from 'millrace/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NaiveSuppress, type SuppressRules, type Update } from './suppress-reference.ts';
import { KINDS, steps } from './window-arbitraries.ts';
import { addText, INITIAL, mergeText, NaiveWindows } from './window-reference.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
/** Only for reading results. */
const shownKeys = { key: Serdes.json<Windowed<string>>(), value: Serdes.string() };
const RUNS = Number(process.env['RUNS'] ?? 100);

const bytesOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const windowOrder = (a: Windowed<string>, b: Windowed<string>): number => bytesOrder(a.key, b.key) || a.window.endMs - b.window.endMs || a.window.startMs - b.window.startMs;

type Bound = { readonly maxRecords: number; readonly whenFull: 'emit-early' | 'fail' } | Record<never, never>;
const bound: fc.Arbitrary<Bound> = fc.oneof(fc.constant({}), fc.record({ maxRecords: fc.integer({ min: 0, max: 4 }), whenFull: fc.constantFrom('emit-early' as const, 'fail' as const) }));
const limitMs = fc.integer({ min: 0, max: 12 });

function rulesOf<K>(limit: number, given: Bound, order: (a: K, b: K) => number): SuppressRules<K> {
  return { waitsMs: limit, endOf: undefined, order, maxRecords: undefined, whenFull: 'fail', ...given };
}

function headersOf(cause: string): [string, Buffer][] {
  return [['cause', Buffer.from(cause)]];
}

function updatesFrom<K>(output: TestOutputTopic<K, string>): Update<K>[] {
  return output.readRecords().map(({ key, value, timestamp, headers }) => ({ key: key!, value, timestamp, ...(headers.length === 0 ? {} : { cause: headers[0]![1]!.toString() }) }));
}

/** One record at a time, so that one that fails is the last. */
const settings = { commitIntervalMs: 0, oneTask: true, recordsPerRound: 1 };

test('a time limit on a table: the last update of a key comes out when the first has waited long enough, or when too many wait', { timeout: 120_000 }, async () => {
  const property = fc.asyncProperty(steps, limitMs, bound, async (list, limit, given) => {
    const builder = new StreamsBuilder();
    builder.table('in', { name: 'rows', ...text }).suppress(untilTimeLimit({ limitMs: limit, ...given }), { name: 'held', ...text }).toStream().to('out', text);
    await using driver = await TopologyTestDriver.start(builder.build(), settings);
    const [input, output] = [driver.createInputTopic('in', text), driver.createOutputTopic('out', text)];
    const naive = new NaiveSuppress<string>(rulesOf(limit, given, bytesOrder));
    for (const { record, crash } of list) {
      if (crash !== 'none') await driver.crash({ wipeState: crash === 'wipe' });
      const piped = input.pipeInput(record.key, record.value, record.timestamp, headersOf(record.cause));
      const expected = record.key === null ? [] : naive.take({ key: record.key, value: record.value, timestamp: record.timestamp, cause: record.cause });
      if (expected === undefined) {
        await expect(piped).rejects.toThrow(/suppress "held" would hold more than/);
        return;
      }
      await piped;
      expect(updatesFrom(output)).toEqual(expected);
    }
  });
  await fc.assert(property, { numRuns: RUNS });
});

test('operators below read the rows, and are told the old values, that have come out', { timeout: 120_000 }, async () => {
  const property = fc.asyncProperty(steps, limitMs, fc.boolean(), async (list, limit, isFiltered) => {
    const builder = new StreamsBuilder();
    const rows = builder.table('in', { name: 'rows', ...text });
    const held = (isFiltered ? rows.filter((value) => value !== 'z') : rows).suppress(untilTimeLimit({ limitMs: limit }), { name: 'held', ...text });
    held.toStream().to('out', text);
    held.groupBy((value, key) => [value, key], { name: 'by-value', ...text }).count({ name: 'counts' }).toStream().to('counts', { key: text.key, value: Serdes.long() });
    held.join(builder.table('asked', { name: 'asked', ...text }), (value, question) => `${question}${value}`).toStream().to('answers', text);
    await using driver = await TopologyTestDriver.start(builder.build(), settings);
    const [input, output, asked, answers] = [driver.createInputTopic('in', text), driver.createOutputTopic('out', text), driver.createInputTopic('asked', text), driver.createOutputTopic('answers', text)];
    const counts = driver.createOutputTopic('counts', { key: text.key, value: Serdes.long() });
    const out = new Map<string, string>();
    const counted = new Map<string, number>();
    for (const { record, crash } of list) {
      if (crash !== 'none') await driver.crash({ wipeState: crash === 'wipe' });
      await input.pipeInput(record.key, record.value, record.timestamp);
      for (const { key, value } of output.readRecords()) value === null ? out.delete(key!) : out.set(key!, value);
      for (const { key, value } of counts.readRecords()) counted.set(key!, value!);
      for (const value of ['x', 'y', 'z']) expect(counted.get(value) ?? 0).toBe([...out.values()].filter((one) => one === value).length);
      answers.readRecords();
      if (record.key === null) continue;
      await asked.pipeInput(record.key, '?', record.timestamp);
      expect(answers.readValues()).toEqual(out.has(record.key) ? [`?${out.get(record.key)}`] : []);
    }
  });
  await fc.assert(property, { numRuns: RUNS });
});

describe.each(Object.entries(KINDS))('%s windows', (_kind, arbitrary) => {
  const shape = fc.record({ windows: arbitrary as fc.Arbitrary<AnyWindows>, until: fc.constantFrom('window-closes' as const, 'time-limit' as const), limit: limitMs, given: bound });

  test('one result when the window closes, or updates under a time limit', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(shape, steps, async ({ windows, until, limit, given }, list) => {
      const isFinal = until === 'window-closes';
      const strict = isFinal && 'maxRecords' in given ? ({ ...given, whenFull: 'fail' } as const) : isFinal ? {} : given;
      const builder = new StreamsBuilder();
      const results = aggregated(builder.stream('in', text), windows);
      const held = results.suppress(isFinal ? untilWindowCloses(strict as never) : untilTimeLimit({ limitMs: limit, ...given }), { name: 'held', value: Serdes.string() });
      held.toStream().to('out', shownKeys as never);
      await using driver = await TopologyTestDriver.start(builder.build(), settings);
      const [input, output] = [driver.createInputTopic('in', text), driver.createOutputTopic('out', shownKeys)];
      const naiveWindows = new NaiveWindows(windows, { emit: 'on-update', retentionMs: undefined, emitIntervalMs: 0 });
      const closing = { waitsMs: windows.graceMs + (windows.kind === 'session' ? windows.gapMs : 0), endOf: (key: Windowed<string>) => key.window.endMs };
      const naive = new NaiveSuppress<Windowed<string>>({ ...rulesOf(limit, strict, windowOrder), ...(isFinal ? closing : {}) });
      for (const { record, crash } of list) {
        if (crash !== 'none') await driver.crash({ wipeState: crash === 'wipe' });
        const piped = input.pipeInput(record.key, record.value, record.timestamp, headersOf(record.cause));
        const expected: Update<Windowed<string>>[] = [];
        for (const { key, window, ...update } of naiveWindows.take(record, 0)) {
          const out = naive.take({ key: { key, window: { startMs: window[0], endMs: window[1] } }, ...update });
          if (out === undefined) {
            await expect(piped).rejects.toThrow(/suppress "held" would hold more than/);
            return;
          }
          expected.push(...out);
        }
        await piped;
        expect(updatesFrom(output)).toEqual(expected);
      }
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});

function aggregated(stream: KStream<string | null, string | null>, windows: AnyWindows): KTable<Windowed<string>, string> {
  const group = stream.groupByKey({ name: 'by-key', ...text });
  const add = (value: string | null, aggregate: string | null): string | null => addText(aggregate!, value);
  const options = { name: 'results', initial: (): string | null => INITIAL, add, merge: (one: string | null, two: string | null) => mergeText(one!, two!), value: Serdes.string() };
  switch (windows.kind) {
    case 'time':
      return group.windowedBy(windows).aggregate(options);
    case 'sliding':
      return group.windowedBy(windows).aggregate(options);
    case 'session':
      return group.windowedBy(windows).aggregate(options);
  }
}
