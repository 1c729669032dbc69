// What persists, and only that: names that nobody chose, and the order of building, do not count.

import { describe, expect, test } from 'vitest';
import { fingerprint, Serdes, Stores, StreamsBuilder, type AnyStoreSpec, type Fingerprint, type KStream } from 'millrace';

const text = { key: Serdes.string(), value: Serdes.string() };
const nothing = () => ({ process: () => {} });

function of(define: (builder: StreamsBuilder) => void): Fingerprint {
  const builder = new StreamsBuilder();
  define(builder);
  return fingerprint(builder.build());
}

function withStore(store: AnyStoreSpec): Fingerprint {
  return of((builder) => builder.stream('in', text).process(nothing, { name: 'p', stores: [store] }));
}

const counting = (define: (lines: ReturnType<StreamsBuilder['stream']>) => unknown = (lines) => lines) => (builder: StreamsBuilder): void => {
  const lines = builder.stream('lines', text);
  define(lines);
  lines.groupBy((word) => word!, { name: 'words', ...text }).count({ name: 'counts' });
};

describe('the document', () => {
  test('names what persists, and what decides where it lies', () => {
    const print = of((builder) => {
      counting()(builder);
      (builder.stream('other', text) as KStream<string, string | null>).escalate({ name: 'saga', workflow: 'w', workflowId: (_value, key) => key, command: () => ({ kind: 'k', payload: null }) });
    });
    expect(print).toEqual({
      format: 'millrace-fingerprint/1',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      stores: [
        { name: 'counts', kind: 'keyValue', key: 'string', value: 'long', changelog: '<app>-counts-changelog', partitionedBy: ['<app>-words-repartition'] },
        { name: 'saga-heard', kind: 'keyValue', key: 'string', value: 'json', changelog: '<app>-saga-heard-changelog', partitionedBy: ['<app>-saga-outcomes'] },
        { name: 'saga-sequence', kind: 'keyValue', key: 'string', value: 'json', changelog: '<app>-saga-sequence-changelog', partitionedBy: ['other'] },
      ],
      topics: [
        { topic: '<app>-saga-commands', use: 'pipe', key: 'string', value: 'json', partitions: null, asMany: ['other'], retentionMs: 604_800_000 },
        { topic: '<app>-saga-outcomes', use: 'pipe', key: 'string', value: 'json', partitions: null, asMany: ['<app>-saga-commands'], retentionMs: 604_800_000 },
        { topic: '<app>-words-repartition', use: 'repartition', key: 'string', value: 'string', partitions: null, asMany: ['lines'], retentionMs: null },
      ],
      tasks: [
        { subtopology: 0, inputs: ['lines'], stores: [] },
        { subtopology: 1, inputs: ['<app>-words-repartition'], stores: ['counts'] },
        { subtopology: 2, inputs: ['other'], stores: ['saga-sequence'] },
        { subtopology: 3, inputs: ['<app>-saga-outcomes'], stores: ['saga-heard'] },
      ],
    });
  });

  test('survives the way through a file', () => {
    const print = of(counting());
    expect(JSON.parse(JSON.stringify(print))).toEqual(print);
  });
});

describe('the digest does not change', () => {
  const digest = of(counting()).digest;

  test.each<[string, (builder: StreamsBuilder) => void]>([
    ['by one more operator, which renames those that are numbered', counting((lines) => lines.peek(() => {}).foreach(() => {}))],
    ['by one more output', counting((lines) => lines.to('out', text as never))],
    ['by an input that persists nothing, which moves the numbers of subtopologies', (builder) => {
      builder.stream('first', text).to('out', text);
      counting()(builder);
    }],
  ])('%s', (_, define) => {
    expect(of(define).digest).toBe(digest);
  });

  test('by the order in which parts are built', () => {
    const parts = ['a', 'b', 'c'].map((name) => (builder: StreamsBuilder): void => void builder.stream(name, text).groupByKey({ name, ...text }).count({ name: `${name}-counts` }));
    const [one, other] = [parts, [...parts].reverse()].map((order) => of((builder) => order.forEach((part) => part(builder))));
    expect(one!.digest).toBe(other!.digest);
    expect(one!.tasks).not.toEqual(other!.tasks);
  });

  test('by saying what is so anyway, or what is only held in memory', () => {
    const window = { name: 's', ...text, retentionMs: 60_000 };
    expect(withStore(Stores.window({ ...window, segmentMs: 30_000, retainDuplicates: false })).digest).toBe(withStore(Stores.window(window)).digest);
    expect(withStore(Stores.keyValue({ name: 's', ...text, ordered: true })).digest).toBe(withStore(Stores.keyValue({ name: 's', ...text })).digest);
  });
});

describe('the digest changes', () => {
  const window = { name: 's', ...text, retentionMs: 60_000 };
  test.each<[string, AnyStoreSpec, AnyStoreSpec]>([
    ['with a retention', Stores.window(window), Stores.window({ ...window, retentionMs: 60_001 })],
    ['with the length of segments', Stores.window(window), Stores.window({ ...window, segmentMs: 10_000 })],
    ['with keeping duplicates', Stores.window(window), Stores.window({ ...window, retainDuplicates: true })],
    ['with a session\'s retention', Stores.session(window), Stores.session({ ...window, retentionMs: 1 })],
    ['with a history', Stores.versioned({ name: 's', ...text, historyMs: 1 }), Stores.versioned({ name: 's', ...text, historyMs: 2 })],
    ['with a time to live', Stores.keyValue({ name: 's', ...text }), Stores.keyValue({ name: 's', ...text, ttlMs: 1 })],
    ['with a serde', Stores.keyValue({ name: 's', ...text }), Stores.keyValue({ name: 's', key: text.key, value: Serdes.long() })],
    ['with a name', Stores.keyValue({ name: 's', ...text }), Stores.keyValue({ name: 't', ...text })],
    ['with a kind', Stores.keyValue({ name: 's', ...text }), Stores.versioned({ name: 's', ...text, historyMs: 1 })],
  ])('%s', (_, before, after) => {
    expect(withStore(before).digest).not.toBe(withStore(after).digest);
  });

  test('with what partitions a store', () => {
    const stores = [Stores.keyValue({ name: 's', ...text })];
    const [one, other] = ['a', 'b'].map((topic) => of((builder) => builder.stream(topic, text).process(nothing, { name: 'p', stores })));
    expect(one!.digest).not.toBe(other!.digest);
  });

  test('with an internal topic\'s partitions, serdes and name', () => {
    const topic = (options: { name?: string; partitions?: number; value?: typeof text.value }): string => of((builder) => builder.stream('in', text).repartition({ name: 'r', ...text, ...options })).digest;
    const digests = [topic({}), topic({ partitions: 3 }), topic({ name: 'q' }), topic({ value: Serdes.json<string>() })];
    expect(new Set(digests).size).toBe(4);
  });
});
