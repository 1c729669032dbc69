// Joins of streams: edges of the window, what waits and when it comes out, and what a failure or a restart must not change.

import { describe, expect, test } from 'vitest';
import { InvalidWindowError, partitionFor, Serdes, StreamsBuilder, type JoinWindow, type KStream } from 'millrace';
import { TopologyTestDriver, type TestDriverOptions } from 'millrace/testing';

const string = Serdes.string();
const text = { key: string, value: string };
type Kind = 'inner' | 'left' | 'outer';
type Input = readonly [side: 'left' | 'right', key: string | null, value: string | null, timestamp: number];

function topologyOf(kind: Kind, window: JoinWindow, change: (stream: KStream<string | null, string | null>) => KStream<string | null, string | null> = (stream) => stream) {
  const builder = new StreamsBuilder();
  const [left, right] = [change(builder.stream('left', text)), change(builder.stream('right', text))];
  const options = { name: 'j', window, key: string, value: string, otherValue: string };
  const pair = (one: string | null, other: string | null): string => {
    if (one === 'bad' || other === 'bad') throw new Error('a bad value');
    return `${one}|${other}`;
  };
  const joined: KStream<string | null, string> = kind === 'inner' ? left.join(right, pair, options) : kind === 'left' ? left.leftJoin(right, pair, options) : left.outerJoin(right, pair, options);
  joined.to('out', text);
  return builder.build();
}

/** Value and timestamp of what comes out at each input. */
async function run(kind: Kind, window: JoinWindow, inputs: readonly Input[], options: TestDriverOptions = {}): Promise<string[][]> {
  await using driver = await TopologyTestDriver.start(topologyOf(kind, window), options);
  const out = driver.createOutputTopic('out', text);
  const results: string[][] = [];
  for (const [side, key, value, timestamp] of inputs) {
    await driver.createInputTopic(side, text).pipeInput(key, value, timestamp);
    results.push(out.readRecords().map((record) => `${record.value}@${record.timestamp}`));
  }
  return results;
}

describe('partners', () => {
  test('at the very edge of the window join, however far their side has moved on (Kafka Streams misses them)', async () => {
    expect(await run('inner', { beforeMs: 0, afterMs: 10, graceMs: 0 }, [['left', 'a', 'A', 50], ['left', 'b', 'B', 60], ['right', 'a', 'x', 60]])).toEqual([[], [], ['A|x@60']]);
    expect(await run('inner', { beforeMs: 10, afterMs: 0, graceMs: 0 }, [['right', 'a', 'x', 50], ['right', 'b', 'y', 60], ['left', 'a', 'A', 60]])).toEqual([[], [], ['A|x@60']]);
    expect(await run('inner', { beforeMs: 0, afterMs: 0, graceMs: 0 }, [['left', 'a', 'A', 5], ['right', 'a', 'x', 5], ['right', 'a', 'y', 4]])).toEqual([[], ['A|x@5'], []]);
  });

  test('one millisecond further they do not', async () => {
    expect(await run('inner', { beforeMs: 0, afterMs: 10, graceMs: 0 }, [['left', 'a', 'A', 50], ['left', 'b', 'B', 61], ['right', 'a', 'x', 60]])).toEqual([[], [], []]);
    expect(await run('inner', { beforeMs: 0, afterMs: 10, graceMs: 1 }, [['left', 'a', 'A', 50], ['left', 'b', 'B', 61], ['right', 'a', 'x', 60]])).toEqual([[], [], ['A|x@60']]);
  });

  test('may all lie on one side of a record', async () => {
    expect(await run('inner', { beforeMs: -5, afterMs: 10, graceMs: 0 }, [['left', 'a', 'A', 20], ['right', 'a', 'w', 24], ['right', 'a', 'x', 25], ['right', 'a', 'y', 30], ['right', 'a', 'z', 31]])).toEqual([[], [], ['A|x@25'], ['A|y@30'], []]);
  });

  test('come in order of time, then of arrival, and equal ones all count', async () => {
    expect(await run('inner', { beforeMs: 9, afterMs: 9, graceMs: 9 }, [['right', 'a', 'x', 7], ['right', 'a', 'y', 3], ['right', 'a', 'y', 3], ['left', 'a', 'A', 5]])).toEqual([[], [], [], ['A|y@5', 'A|y@5', 'A|x@7']]);
  });
});

describe('records that wait', () => {
  test('come out when their own time is over, whatever waits before them (Kafka Streams can skip that look)', async () => {
    const window = { beforeMs: 0, afterMs: 20, graceMs: 0 };
    expect(await run('outer', window, [['left', 'k', 'A', 0], ['right', 'm', 'x', 5], ['right', 'n', 'y', 6], ['right', 'n', 'z', 20], ['left', 'p', 'B', 21]])).toEqual([[], [], ['null|x@5'], ['null|y@6'], ['A|null@0', 'null|z@20']]);
  });

  test('come out after a look that left others waiting (Kafka Streams forgets the earliest of those)', async () => {
    const window = { beforeMs: 5, afterMs: 5, graceMs: 0 };
    const inputs: Input[] = [['left', 'a', 'A', 0], ['left', 'b', 'B', 2], ['left', 'c', 'C', 4], ['left', 'd', 'D', 6], ['left', 'e', 'E', 8], ['left', 'f', 'F', 10]];
    expect(await run('left', window, inputs)).toEqual([[], [], [], ['A|null@0'], ['B|null@2'], ['C|null@4']]);
  });

  test('no longer wait once they have a partner; one that has come out alone can still get one', async () => {
    const window = { beforeMs: 5, afterMs: 5, graceMs: 5 };
    expect(await run('left', window, [['left', 'a', 'A', 10], ['right', 'a', 'x', 12], ['left', 'z', 'Z', 100]])).toEqual([[], ['A|x@12'], []]);
    expect(await run('left', window, [['left', 'a', 'A', 10], ['right', 'z', 'z', 21], ['left', 'z', 'Z', 21], ['right', 'a', 'x', 12]])).toEqual([[], ['A|null@10'], ['Z|z@21'], ['A|x@12']]);
  });

  test('do not wait at all when no partner in time can come, or when they have no key', async () => {
    expect(await run('outer', { beforeMs: 1, afterMs: 1, graceMs: 50 }, [['left', 'a', 'A', 10], ['right', 'b', 'x', 8], ['right', null, 'y', 3], ['left', null, 'B', 4], ['left', null, null, 5]])).toEqual([[], ['null|x@8'], ['null|y@3'], ['B|null@4'], []]);
    expect(await run('left', { beforeMs: 1, afterMs: 1, graceMs: 0 }, [['right', null, 'y', 3], ['left', null, 'B', 4]])).toEqual([[], ['B|null@4']]);
  });

  test('are moved along by records that are dropped, with or without a repartition topic', async () => {
    const inputs: Input[] = [['left', 'a', 'A', 10], ['right', null, 'x', 100], ['left', 'a', 'B', 20], ['left', 'z', null, 200], ['left', 'z', 'Z', 200]];
    const expected = [[], [], ['B|null@20'], [], ['A|null@10']];
    expect(await run('left', { beforeMs: 5, afterMs: 5, graceMs: 0 }, inputs)).toEqual(expected);
    await using driver = await TopologyTestDriver.start(topologyOf('left', { beforeMs: 5, afterMs: 5, graceMs: 0 }, (stream) => stream.selectKey((_value, key) => key)));
    const out = driver.createOutputTopic('out', text);
    for (const [at, [side, key, value, timestamp]] of inputs.entries()) {
      await driver.createInputTopic(side, text).pipeInput(key, value, timestamp);
      expect(out.readRecords().map((record) => `${record.value}@${record.timestamp}`)).toEqual(expected[at]);
    }
  });

  test('wait in each task for the time of that task', async () => {
    await using driver = await TopologyTestDriver.start(topologyOf('left', { beforeMs: 1, afterMs: 1, graceMs: 0 }), { partitions: 2 });
    const left = driver.createInputTopic('left', text);
    const out = driver.createOutputTopic('out', text);
    const keyIn = (partition: number): string => ['a', 'b', 'c', 'd', 'e'].find((key) => partitionFor(Buffer.from(key), 2) === partition)!;
    for (const partition of [0, 1]) await left.pipeInput(keyIn(partition), `of ${partition}`, 10);
    await left.pipeInput(keyIn(0), 'later', 1_000);
    expect(out.readValues()).toEqual(['of 0|null']);
    await left.pipeInput(keyIn(1), 'a little later', 11);
    expect(out.readValues()).toEqual([]);
    await left.pipeInput(keyIn(1), 'later', 12);
    expect(out.readValues()).toEqual(['of 1|null']);
  });
});

describe('looks held back', () => {
  const window = { beforeMs: 1, afterMs: 1, graceMs: 0 };

  test('are made up for by the next record of a later time', async () => {
    await using driver = await TopologyTestDriver.start(topologyOf('left', window), { emitIntervalMs: 100 });
    const left = driver.createInputTopic('left', text);
    const out = driver.createOutputTopic('out', text);
    await left.pipeInput('a', 'A', 10);
    await left.pipeInput('b', 'B', 20);
    expect(out.readValues()).toEqual([]);
    await driver.advanceWallClockTime(100);
    expect(out.readValues()).toEqual([]);
    await left.pipeInput('c', 'C', 19);
    expect(out.readValues()).toEqual([]);
    await left.pipeInput('d', 'D', 20);
    expect(out.readValues()).toEqual(['A|null']);
  });

  test('are held back after a restart as before it, but never by a clock that was ahead', async () => {
    await using driver = await TopologyTestDriver.start(topologyOf('left', window), { emitIntervalMs: 100, wallClockStartMs: 50_000 });
    const left = driver.createInputTopic('left', text);
    const out = driver.createOutputTopic('out', text);
    await left.pipeInput('a', 'A', 10);
    await driver.crash({ wipeState: true });
    await left.pipeInput('b', 'B', 20);
    expect(out.readValues()).toEqual([]);
    await driver.advanceWallClockTime(-40_000);
    await left.pipeInput('c', 'C', 30);
    expect(out.readValues()).toEqual(['A|null', 'B|null']);
  });
});

test('a record that fails has moved nothing and is in no store', async () => {
  const window = { beforeMs: 5, afterMs: 5, graceMs: 0 };
  const options: TestDriverOptions = { errors: { processing: () => 'continue' } };
  const inputs: Input[] = [['left', 'a', 'A', 10], ['right', 'b', 'x', 14], ['left', 'b', 'bad', 16], ['left', 'c', 'C', 15], ['right', 'b', 'y', 16]];
  expect(await run('left', window, inputs, options)).toEqual([[], [], [], [], ['A|null@10']]);
  // Its joiner throws in the look: what it looked at still waits.
  const waitingBad: Input[] = [['left', 'a', 'bad', 10], ['left', 'b', 'B', 50], ['right', 'b', 'x', 15], ['right', 'a', 'x', 12], ['left', 'c', 'C', 50]];
  expect(await run('left', window, waitingBad, options)).toEqual([[], [], [], [], []]);
});

test('state has names of its own: stores per side, those that wait, and stream time', async () => {
  const names = (kind: Kind): string[] => topologyOf(kind, { beforeMs: 1, afterMs: 1, graceMs: 1 }).subtopologies.flatMap(({ stores }) => stores.map(({ name }) => name)).sort();
  expect(names('inner')).toEqual(['j-left', 'j-right']);
  expect(names('left')).toEqual(['j-left', 'j-left-waiting', 'j-right', 'j-time']);
  expect(names('outer')).toEqual(['j-left', 'j-left-waiting', 'j-right', 'j-right-waiting', 'j-time']);
});

test.each<[string, JoinWindow]>([
  ['an empty window', { beforeMs: -6, afterMs: 5, graceMs: 0 }],
  ['a fraction of a millisecond', { beforeMs: 0.5, afterMs: 5, graceMs: 0 }],
  ['no number', { beforeMs: Number.NaN, afterMs: 5, graceMs: 0 }],
  ['a negative grace period', { beforeMs: 5, afterMs: 5, graceMs: -1 }],
])('%s is refused when the join is made', (_name, window) => {
  expect(() => topologyOf('left', window)).toThrow(InvalidWindowError);
});
