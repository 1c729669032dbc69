// A stream joined with a table against its rules, worked out naively: tables with and without a past, grace periods, nulls, late records, crashes in between.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const string = Serdes.string();
const strings = { key: string, value: string };

interface Join {
  readonly isLeft: boolean;
  readonly isVersioned: boolean;
  readonly isRepartitioned: boolean;
  readonly graceMs: number | undefined;
}

interface Piped {
  readonly to: 'stream' | 'table';
  readonly key: string | null;
  readonly hasValue: boolean;
  readonly timestamp: number;
}

type Action = Piped | 'crash' | 'crash and wipe';

const join: fc.Arbitrary<Join> = fc
  .record({ isLeft: fc.boolean(), isVersioned: fc.boolean(), isRepartitioned: fc.boolean(), grace: fc.constantFrom(undefined, 0, 1, 5, 15) })
  .map(({ grace, ...rest }) => ({ ...rest, graceMs: rest.isVersioned ? grace : undefined }));
const piped: fc.Arbitrary<Piped> = fc.record({
  to: fc.constantFrom('stream' as const, 'table' as const),
  key: fc.oneof({ weight: 10, arbitrary: fc.constantFrom('a', 'ab', '\u{1F600}', '\uFF5E') }, { weight: 1, arbitrary: fc.constant(null) }),
  hasValue: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  timestamp: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 20, max: 30 })),
});
const actions: fc.Arbitrary<Action[]> = fc.array(fc.oneof({ weight: 30, arbitrary: piped }, { weight: 1, arbitrary: fc.constantFrom('crash' as const, 'crash and wipe' as const) }), { minLength: 5, maxLength: 40 });

type Line = readonly [key: string | null, value: string, timestamp: number, header: string];

async function operator({ isLeft, isVersioned, isRepartitioned, graceMs }: Join, steps: readonly Action[]): Promise<Line[][]> {
  const builder = new StreamsBuilder();
  const table = builder.table('table', { name: 't', ...strings, ...(isVersioned ? { historyMs: 10_000 } : {}) });
  const source = builder.stream('stream', strings);
  const stream = isRepartitioned ? source.selectKey((_value, key) => key) : source;
  const options = { name: 'j', ...strings, ...(graceMs === undefined ? {} : { graceMs }) };
  const pair = (value: string, row: string | null): string => `${value}|${row}`;
  const out = isLeft ? stream.leftJoin(table, pair, options) : stream.join(table, pair, options);
  out.to('out', strings);
  await using driver = await TopologyTestDriver.start(builder.build());
  const lines: Line[][] = [];
  for (const [at, action] of steps.entries()) {
    if (typeof action === 'string') await driver.crash({ wipeState: action !== 'crash' });
    else await driver.createInputTopic(action.to, strings).pipeInput(action.key, action.hasValue ? `v${at}` : null, action.timestamp, [[`h${at}`, null]]);
    lines.push(driver.createOutputTopic('out', strings).readRecords().map(({ key, value, timestamp, headers }): Line => [key, value!, timestamp, headers.map(([name]) => name).join()]));
  }
  // Each of these reads from the start: what came later is what is new.
  return lines.map((all, at) => all.slice(at === 0 ? 0 : lines[at - 1]!.length));
}

function naive({ isLeft, isVersioned, graceMs = 0 }: Join, steps: readonly Action[]): Line[][] {
  const versions = new Map<string, { timestamp: number; value: string | null }[]>();
  let waiting: { key: string; value: string; timestamp: number; header: string }[] = [];
  let highest = -1;
  const rowOf = (key: string, timeMs: number): string | null => {
    const all = versions.get(key) ?? [];
    if (!isVersioned) return all.at(-1)?.value ?? null;
    return all.filter((version) => version.timestamp <= timeMs).reduce<(typeof all)[number] | undefined>((best, one) => (best === undefined || one.timestamp >= best.timestamp ? one : best), undefined)?.value ?? null;
  };
  const joined = (key: string, value: string, timestamp: number, header: string): Line[] => {
    const row = rowOf(key, timestamp);
    return row === null && !isLeft ? [] : [[key, `${value}|${row}`, timestamp, header]];
  };
  return steps.map((action, at): Line[] => {
    if (typeof action === 'string') return [];
    const { to, key, hasValue, timestamp } = action;
    const [value, header] = [`v${at}`, `h${at}`];
    if (to === 'table') {
      if (key !== null) versions.set(key, [...(versions.get(key) ?? []), { timestamp, value: hasValue ? value : null }]);
      return [];
    }
    if (!hasValue) return [];
    if (key === null) return isLeft ? [[null, `${value}|null`, timestamp, header]] : [];
    if (graceMs === 0 || timestamp < highest - graceMs) return joined(key, value, timestamp, header);
    highest = Math.max(highest, timestamp);
    waiting.push({ key, value, timestamp, header });
    const isDue = (one: { timestamp: number }): boolean => one.timestamp + graceMs <= highest;
    const due = waiting.filter(isDue).sort((a, b) => a.timestamp - b.timestamp || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    waiting = waiting.filter((one) => !isDue(one));
    return due.flatMap((one) => joined(one.key, one.value, one.timestamp, one.header));
  });
}

it('a join of a stream with a table gives what its rules say', async () => {
  await fc.assert(
    fc.asyncProperty(join, actions, async (which, steps) => {
      expect(await operator(which, steps)).toEqual(naive(which, steps));
    }),
    { numRuns: 250 },
  );
});
