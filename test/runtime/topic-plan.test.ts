// How many partitions everything has, and what the topics of the application's own are like.

import { describe, expect, test } from 'vitest';
import { Serdes, Stores, StreamsBuilder, TopologyError, type Topology } from 'millrace';
import { planTopics, TOMBSTONES_KEPT_MS, type TopicPlan } from '../../src/runtime/topic-plan.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const DAY = 86_400_000;
const large = { 'max.message.bytes': String(16 * 1024 * 1024) };
const window = { beforeMs: 10, afterMs: 20, graceMs: 5 };
const pair = (a: string | null, b: string | null): string => `${a}${b}`;

function plan(topology: Topology, counts: Record<string, number>): TopicPlan {
  return planTopics(topology, 'app', new Map(Object.entries(counts)), 3);
}

function problemsOf(topology: Topology, counts: Record<string, number>): readonly string[] {
  try {
    plan(topology, counts);
  } catch (error) {
    expect(error).toBeInstanceOf(TopologyError);
    return (error as TopologyError).problems;
  }
  return [];
}

function build(define: (builder: StreamsBuilder) => void): Topology {
  const builder = new StreamsBuilder();
  define(builder);
  return builder.build();
}

describe('counts', () => {
  test('a repartition topic is as wide as the widest input of what writes it, unless told otherwise', () => {
    const topology = (partitions?: number) =>
      build((builder) => {
        const both = builder.stream('narrow', text).merge(builder.stream('wide', text));
        both.groupBy((value) => value!, { name: 'by-value', ...text, ...(partitions === undefined ? {} : { partitions }) }).count({ name: 'counts' });
      });
    expect(plan(topology(), { narrow: 2, wide: 5 }).partitions.get('app-by-value-repartition')).toBe(5);
    expect(plan(topology(3), { narrow: 2, wide: 5 }).partitions.get('app-by-value-repartition')).toBe(3);
  });

  test('one that is joined takes its partner\'s count, and chains of them settle', () => {
    const topology = build((builder) => {
      const left = builder.stream('left', text).selectKey((value) => value).repartition({ name: 'first', ...text }).selectKey((value) => value).repartition({ name: 'second', ...text });
      left.join(builder.stream('right', text), pair, { name: 'pair', window, ...text, otherValue: text.value }).to('out', text);
    });
    const { partitions, tasks } = plan(topology, { left: 7, right: 4, out: 1 });
    expect([partitions.get('app-first-repartition'), partitions.get('app-second-repartition')]).toEqual([7, 4]);
    expect(tasks.map(({ name }) => name)).toHaveLength(7 + 7 + 4);
  });

  test('when both sides are repartitioned they meet at the wider count', () => {
    const topology = build((builder) => {
      const [left, right] = ['left', 'right'].map((topic) => builder.stream(topic, text).selectKey((value) => value!));
      left!.join(right!, pair, { name: 'pair', window, ...text, otherValue: text.value }).to('out', text);
    });
    const { partitions } = plan(topology, { left: 2, right: 6, out: 1 });
    expect([partitions.get('app-pair-left-repartition'), partitions.get('app-pair-right-repartition')]).toEqual([6, 6]);
  });

  test('a side whose count is set decides, wherever it stands', () => {
    const topology = build((builder) => {
      const left = builder.stream('left', text).repartition({ name: 'free', ...text });
      const right = builder.stream('right', text).repartition({ name: 'fixed', ...text, partitions: 3 });
      left.join(right, pair, { name: 'pair', window, ...text, otherValue: text.value }).to('out', text);
    });
    const { partitions } = plan(topology, { left: 2, right: 6, out: 1 });
    expect([partitions.get('app-free-repartition'), partitions.get('app-fixed-repartition')]).toEqual([3, 3]);
  });

  test('a chain of joins has one count, that of the input which cannot be changed', () => {
    const topology = build((builder) => {
      const first = builder.stream('a', text).repartition({ name: 'first', ...text });
      const second = builder.stream('b', text).repartition({ name: 'second', ...text });
      const options = { window, ...text, otherValue: text.value };
      first.join(second, pair, { name: 'one', ...options }).to('out', text);
      second.join(builder.stream('c', text), pair, { name: 'two', ...options }).to('out', text);
    });
    const { partitions } = plan(topology, { a: 2, b: 3, c: 4, out: 1 });
    expect([partitions.get('app-first-repartition'), partitions.get('app-second-repartition')]).toEqual([4, 4]);
  });

  test('outcomes that are merged with what is escalated settle all the same', () => {
    const topology = build((builder) => {
      const store = Stores.keyValue({ name: 'shared', ...text });
      const process = () => ({ process: () => {} });
      const orders = builder.stream('orders', text).filter((value) => value !== null);
      orders.escalate({ name: 'saga', workflow: 'w', workflowId: String, command: () => ({ kind: 'k', payload: null }) }).process(process, { name: 'p', stores: [store] });
      orders.process(process, { name: 'q', stores: [store] });
    });
    const { partitions, tasks } = plan(topology, { orders: 4 });
    expect([partitions.get('app-saga-commands'), partitions.get('app-saga-outcomes'), tasks.length]).toEqual([4, 4, 4]);
  });

  test('outcomes have as many partitions as their commands', () => {
    const topology = build((builder) => {
      const orders = builder.stream('orders', text);
      orders.escalate({ name: 'saga', workflow: 'w', workflowId: String, command: () => ({ kind: 'k', payload: null }) });
    });
    const { partitions, owned } = plan(topology, { orders: 4 });
    expect([partitions.get('app-saga-commands'), partitions.get('app-saga-outcomes')]).toEqual([4, 4]);
    expect(owned.find(({ topic }) => topic === 'app-saga-outcomes')?.config).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': String(7 * DAY), 'message.timestamp.type': 'LogAppendTime', ...large });
  });
});

describe('problems', () => {
  test('all missing topics are named at once', () => {
    const topology = build((builder) => {
      builder.stream('a', text).to('b', text);
      builder.stream('c', text).to('a2', text);
    });
    const problems = problemsOf(topology, { c: 1 });
    expect(problems).toHaveLength(3);
    for (const topic of ['a', 'b', 'a2']) expect(problems.join('\n')).toContain(`"${topic}" does not exist: create it first`);
  });

  test('all joins that do not fit together are named at once, with every count', () => {
    const topology = build((builder) => {
      const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((topic) => builder.stream(topic, text));
      a!.join(b!, pair, { name: 'one', window, ...text, otherValue: text.value }).to('out', text);
      c!.join(d!, pair, { name: 'two', window, ...text, otherValue: text.value }).to('out', text);
    });
    const problems = problemsOf(topology, { a: 1, b: 2, c: 3, d: 4, out: 1 });
    expect(problems).toEqual([expect.stringContaining('a (1), b (2)'), expect.stringContaining('c (3), d (4)')]);
  });

  test('a repartition count that is set and does not fit its join partner is one of them', () => {
    const topology = build((builder) => {
      const left = builder.stream('left', text).repartition({ name: 'fixed', ...text, partitions: 3 });
      left.join(builder.stream('right', text), pair, { name: 'pair', window, ...text, otherValue: text.value }).to('out', text);
    });
    expect(problemsOf(topology, { left: 1, right: 2, out: 1 })).toEqual([expect.stringContaining('app-fixed-repartition (3), right (2)')]);
  });

  test('streams that are merged and then grouped by the key they came with must fit together too, and one source\'s topics', () => {
    const merged = (group: (stream: ReturnType<StreamsBuilder['stream']>) => unknown) => build((builder) => void group(builder.stream('a', text).merge(builder.stream('b', text)) as never));
    const unlike = { a: 2, b: 3, out: 1 };
    const misfit = [expect.stringMatching(/must have the same number of partitions.*a \(2\), b \(3\)\. Repartition one side/)];
    expect(problemsOf(merged((stream) => stream.groupByKey({ name: 'by-key', ...text } as never).count({ name: 'counts' })), unlike)).toEqual(misfit);
    expect(problemsOf(merged((stream) => stream.toTable({ name: 'latest', ...text } as never)), unlike)).toEqual(misfit);
    expect(problemsOf(build((builder) => void builder.stream(['a', 'b'], text).groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' })), unlike)).toEqual(misfit);
    expect(problemsOf(merged((stream) => stream.groupBy((value) => value as string, { name: 'by-value', ...text } as never).count({ name: 'counts' })), unlike)).toEqual([]);
    expect(problemsOf(merged((stream) => stream.to('out', text as never)), unlike)).toEqual([]);
  });

  test('a join behind a merge holds all merged topics to the other side, and a chain of joins all of its ends', () => {
    const topology = build((builder) => {
      const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((topic) => builder.stream(topic, text));
      const options = { window, ...text, otherValue: text.value };
      a!.merge(b!).join(c!, pair, { name: 'one', ...options }).to('out', text);
      c!.join(d!.repartition({ name: 'free', ...text }), pair, { name: 'two', ...options }).to('out', text);
    });
    expect(problemsOf(topology, { a: 2, b: 3, c: 2, d: 7, out: 1 })).toEqual([expect.stringContaining('a (2), b (3), c (2)')]);
    expect(problemsOf(topology, { a: 2, b: 2, c: 2, d: 7, out: 1 })).toEqual([]);
  });

  test('counts that are set for two ends of a chain, and differ, are refused when it is built', () => {
    const chained = (): Topology =>
      build((builder) => {
        const [a, b, c] = [3, undefined, 4].map((partitions, index) => builder.stream(`in${index}`, text).repartition({ name: `r${index}`, ...text, ...(partitions === undefined ? {} : { partitions }) }));
        const options = { window, ...text, otherValue: text.value };
        a!.join(b!, pair, { name: 'one', ...options }).to('out', text);
        b!.join(c!, pair, { name: 'two', ...options }).to('out', text);
      });
    expect(chained).toThrow(/<app>-r0-repartition \(3\), <app>-r2-repartition \(4\)\. Give one number/);
  });

  test('topics of its own are not for others to read or write', () => {
    const topology = build((builder) => {
      const lines = builder.stream('lines', text);
      lines.groupBy((value) => value!, { name: 'words', ...text }).count({ name: 'counts' });
      lines.to('app-words-repartition', text);
      builder.stream('app-counts-changelog', text).to('other-words-repartition', text);
    });
    expect(problemsOf(topology, { lines: 1, 'app-words-repartition': 1, 'app-counts-changelog': 1 })).toEqual([
      expect.stringMatching(/"app-words-repartition" is an internal topic of this very application/),
      expect.stringMatching(/"app-counts-changelog" is the changelog of the store "counts"/),
      expect.stringMatching(/"other-words-repartition" does not exist/),
    ]);
  });

  test('topics that are missing do not hide others that do not fit together', () => {
    const topology = build((builder) => {
      const [a, b] = ['a', 'b'].map((topic) => builder.stream(topic, text));
      a!.join(b!, pair, { name: 'one', window, ...text, otherValue: text.value }).to('out', text);
    });
    expect(problemsOf(topology, { a: 1, b: 2 })).toEqual([expect.stringContaining('"out" does not exist'), expect.stringContaining('a (1), b (2)')]);
  });
});

describe('tasks', () => {
  test('each has one partition of every input that is wide enough', () => {
    const topology = build((builder) => builder.stream('narrow', text).merge(builder.stream('wide', text)).foreach(() => {}));
    const { tasks } = plan(topology, { narrow: 1, wide: 3 });
    expect(tasks.map(({ name, inputs }) => [name, inputs.map(({ topic, partition }) => `${topic}-${partition}`)])).toEqual([
      ['0_0', ['narrow-0', 'wide-0']],
      ['0_1', ['wide-1']],
      ['0_2', ['wide-2']],
    ]);
  });

  test('every input partition belongs to exactly one', () => {
    const topology = build((builder) => {
      builder.stream('lines', text).groupBy((value) => value!, { name: 'words', ...text }).count({ name: 'counts' }).toStream().to('out', { key: text.key, value: Serdes.long() });
      builder.stream('other', text).foreach(() => {});
    });
    const { tasks, partitions } = plan(topology, { lines: 3, other: 2, out: 1 });
    const inputs = tasks.flatMap((task) => task.inputs.map(({ topic, partition }) => `${topic}-${partition}`));
    expect(new Set(inputs).size).toBe(inputs.length);
    expect(inputs).toHaveLength(3 + 2 + partitions.get('app-words-repartition')!);
  });
});

describe('topics of its own', () => {
  const stores = [
    Stores.keyValue({ name: 'forever', ...text }),
    Stores.keyValue({ name: 'aging', ...text, ttlMs: 5_000 }),
    Stores.window({ name: 'windows', ...text, retentionMs: 7_000 }),
    Stores.timers({ name: 'timers' }),
  ];
  const topology = build((builder) => builder.stream('in', text).repartition({ name: 're', ...text }).process(() => ({ process: () => {} }), { name: 'p', stores }));
  const { owned } = plan(topology, { in: 2 });
  const configOf = (topic: string) => owned.find((spec) => spec.topic === topic)?.config;

  test('have the replication asked for, and a changelog partition for each task', () => {
    expect(owned.map(({ topic, partitions, replicationFactor }) => [topic, partitions, replicationFactor])).toEqual(
      ['app-re-repartition', 'app-forever-changelog', 'app-aging-changelog', 'app-windows-changelog', 'app-timers-changelog'].map((topic) => [topic, 2, 3]),
    );
  });

  test('a changelog is compacted; entries that die of age are removed a day later than from their store', () => {
    const tombstones = { 'delete.retention.ms': String(TOMBSTONES_KEPT_MS) };
    expect(configOf('app-forever-changelog')).toMatchObject({ 'cleanup.policy': 'compact', ...tombstones, ...large });
    expect(configOf('app-timers-changelog')).toMatchObject({ 'cleanup.policy': 'compact', ...tombstones, ...large });
    expect(configOf('app-aging-changelog')).toMatchObject({ 'cleanup.policy': 'compact,delete', 'retention.ms': String(5_000 + DAY), 'message.timestamp.type': 'LogAppendTime' });
    expect(configOf('app-windows-changelog')).toMatchObject({ 'cleanup.policy': 'compact,delete', 'retention.ms': String(7_000 + DAY) });
  });

  test('a repartition topic keeps everything until it is purged after a commit', () => {
    expect(configOf('app-re-repartition')).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '-1', ...large });
  });
});
