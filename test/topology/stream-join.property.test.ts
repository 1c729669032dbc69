// Joins of streams against their rules, worked out naively: out of order, with nulls, several keys, any window, looks held back, and crashes in between.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Serdes, StreamsBuilder, type KStream } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import { NaiveStreamJoin, type JoinCase, type Piped, type Result } from './naive-stream-join.ts';

const string = Serdes.string();
const strings = { key: string, value: string };

type Action = { readonly kind: 'pipe'; readonly piped: Piped } | { readonly kind: 'advance'; readonly ms: number } | { readonly kind: 'crash'; readonly wipeState: boolean };

const kind = fc.constantFrom('inner', 'left', 'outer');
const window = fc
  .tuple(fc.integer({ min: -15, max: 20 }), fc.integer({ min: 0, max: 20 }), fc.boolean(), fc.integer({ min: 0, max: 12 }))
  .map(([one, length, isBefore, graceMs]) => (isBefore ? { beforeMs: one, afterMs: length - one, graceMs } : { beforeMs: length - one, afterMs: one, graceMs }));
const joinCase: fc.Arbitrary<JoinCase> = fc
  .tuple(kind, window, fc.constantFrom(0, 0, 1, 20))
  .map(([which, size, emitIntervalMs]) => ({ kind: which, ...size, emitIntervalMs }));

// Keys of which one begins with the other, and whose order as UTF-8 is not that of JavaScript's strings.
const key = fc.oneof({ weight: 10, arbitrary: fc.constantFrom('a', 'a', 'ab', '\u{1F600}', '\uFF5E') }, { weight: 1, arbitrary: fc.constant(null) });
const piped = fc.record({
  side: fc.constantFrom('left' as const, 'right' as const),
  key,
  value: fc.oneof({ weight: 9, arbitrary: fc.constant('v') }, { weight: 1, arbitrary: fc.constant(null) }),
  timestamp: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 20, max: 40 }), fc.constant(0)),
});
const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: piped.map((one): Action => ({ kind: 'pipe', piped: one })) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }).map((ms): Action => ({ kind: 'advance', ms })) },
    { weight: 1, arbitrary: fc.boolean().map((wipeState): Action => ({ kind: 'crash', wipeState })) },
  ),
  { minLength: 5, maxLength: 45 },
);

interface Topologies {
  readonly isSelf: boolean;
  readonly isRepartitioned: boolean;
}

function joined(topics: KStream<string | null, string | null>[], { kind: which, emitIntervalMs: _emit, ...size }: JoinCase): KStream<string | null, string> {
  const [left, right] = [topics[0]!, topics.at(-1)!];
  const options = { name: 'j', window: size, key: string, value: string, otherValue: string };
  const pair = (one: string | null, other: string | null): string => `${one}|${other}`;
  if (which === 'inner') return left.join(right, pair, options);
  return which === 'left' ? left.leftJoin(right, pair, options) : left.outerJoin(right, pair, options);
}

async function operator(join: JoinCase, steps: readonly Action[], { isSelf, isRepartitioned }: Topologies): Promise<Result[][]> {
  const builder = new StreamsBuilder();
  const streams = (isSelf ? ['left'] : ['left', 'right']).map((topic) => builder.stream(topic, strings));
  joined(isRepartitioned ? streams.map((stream) => stream.selectKey((_value, own) => own)) : streams, join).to('out', strings);
  await using driver = await TopologyTestDriver.start(builder.build(), { emitIntervalMs: join.emitIntervalMs });
  const out = driver.createOutputTopic('out', strings);
  const results: Result[][] = [];
  for (const [at, action] of steps.entries()) {
    if (action.kind === 'advance') await driver.advanceWallClockTime(action.ms);
    else if (action.kind === 'crash') await driver.crash({ wipeState: action.wipeState });
    else {
      const { side, key: ownKey, value, timestamp } = action.piped;
      const topic = driver.createInputTopic(isSelf ? 'left' : side, strings);
      await topic.pipeInput(ownKey, value === null ? null : `${value}${at}`, timestamp, [['id', Buffer.from(`${at}`)]]);
    }
    results.push(out.readRecords().map(({ key: ownKey, value, timestamp, headers }) => ({ key: ownKey, value: value!, timestamp, headersOf: headers.map(([, bytes]) => String(bytes)).join() })));
  }
  return results;
}

function naive(join: JoinCase, steps: readonly Action[], { isSelf }: Topologies): Result[][] {
  const model = new NaiveStreamJoin(join);
  let clockMs = 0;
  return steps.map((action, at) => {
    if (action.kind === 'advance') clockMs += action.ms;
    if (action.kind !== 'pipe') return [];
    const value = action.piped.value === null ? null : `${action.piped.value}${at}`;
    const sides = isSelf ? (['left', 'right'] as const) : [action.piped.side];
    return sides.flatMap((side) => model.pipe({ ...action.piped, side, value }, `${at}`, clockMs));
  });
}

it.each<[string, Topologies, number]>([
  ['two streams', { isSelf: false, isRepartitioned: false }, 250],
  ['two streams whose keys may have changed', { isSelf: false, isRepartitioned: true }, 60],
  ['a stream with itself', { isSelf: true, isRepartitioned: false }, 80],
  ['a stream whose keys may have changed with itself', { isSelf: true, isRepartitioned: true }, 40],
])('a join of %s gives what its rules say', async (_name, topologies, numRuns) => {
  await fc.assert(
    fc.asyncProperty(joinCase, actions, async (join, steps) => {
      expect(await operator(join, steps, topologies)).toEqual(naive(join, steps, topologies));
    }),
    { numRuns },
  );
});
