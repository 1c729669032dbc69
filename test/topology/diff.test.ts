// Pairs of topologies, and what it means that one takes over from the other.

import { describe, expect, test } from 'vitest';
import { diffTopologies, fingerprint, Serdes, Stores, StreamsBuilder, type AnyStoreSpec, type TopologyDiff } from 'millrace';

const text = { key: Serdes.string(), value: Serdes.string() };
const nothing = () => ({ process: () => {} });
type Define = (builder: StreamsBuilder) => unknown;

function diff(before: Define, after: Define): TopologyDiff {
  const [old, now] = [before, after].map((define) => {
    const builder = new StreamsBuilder();
    define(builder);
    return fingerprint(builder.build());
  });
  return diffTopologies(old!, now!);
}

const withStores = (...stores: AnyStoreSpec[]): Define => (builder) => builder.stream('in', text).process(nothing, { name: 'p', stores });
const counting = (name = 'counts', by = 'words', partitions?: number): Define => (builder) =>
  builder.stream('lines', text).groupBy((word) => word!, { name: by, ...text, ...(partitions === undefined ? {} : { partitions }) }).count({ name });

/** Verdict and subject of each change; the words in one. */
const shortly = ({ changes }: TopologyDiff): string[] => changes.map(({ verdict, what }) => `${verdict} ${what}`);
const words = ({ changes }: TopologyDiff): string => changes.map(({ why, steps }) => [why, ...steps].join('\n')).join('\n');

describe('nothing of what persists has changed', () => {
  test.each<[string, Define]>([
    ['the same again', counting()],
    ['another operator, another output', (builder) => {
      const lines = builder.stream('lines', text);
      lines.peek(() => {}).to('copy', text);
      lines.groupBy((word) => word!, { name: 'words', ...text }).count({ name: 'counts' });
    }],
  ])('%s', (_, after) => {
    expect(diff(counting(), after)).toEqual({ isSafe: true, isSame: true, changes: [], orphans: [] });
  });
});

describe('stores', () => {
  const plain = Stores.keyValue({ name: 's', ...text });
  const window = { name: 's', ...text, retentionMs: 60_000 };

  test('a new one is safe, and begins empty', () => {
    const change = diff(withStores(plain), withStores(plain, Stores.timers({ name: 't' })));
    expect(shortly(change)).toEqual(['safe store t']);
    expect(change).toMatchObject({ isSafe: true, isSame: false, orphans: [] });
    expect(words(change)).toContain('begins empty');
  });

  test('one that is gone leaves its changelog, and loses what it remembered', () => {
    const change = diff(withStores(plain, Stores.timers({ name: 't' })), withStores(plain));
    expect(shortly(change)).toEqual(['needs-migration store t']);
    expect(change).toMatchObject({ isSafe: false, orphans: ['<app>-t-changelog'] });
    expect(words(change)).toContain("kafka-topics --bootstrap-server … --delete --topic '<app>-t-changelog'");
  });

  test('one that is renamed is taken for what it is', () => {
    const change = diff(withStores(plain), withStores({ ...plain, name: 'renamed' }));
    expect(shortly(change)).toEqual(['needs-migration store renamed', 'needs-migration store s']);
    expect(words(change)).toContain('It looks like "s", which is gone: if it was renamed, everything it remembered is lost.');
  });

  test.each<[string, AnyStoreSpec, AnyStoreSpec, RegExp]>([
    ['another kind', plain, Stores.versioned({ name: 's', ...text, historyMs: 1 }), /its kind was keyValue and is versioned/],
    ['another key serde', plain, Stores.keyValue({ name: 's', key: Serdes.long(), value: text.value }), /its key serde was string and is long/],
    ['another value serde', plain, Stores.keyValue({ name: 's', key: text.key, value: Serdes.json<string>() }), /its value serde was string and is json/],
    ['several values under a key and time', Stores.window(window), Stores.window({ ...window, retainDuplicates: true }), /it keeps several values under a key and time, and kept one/],
  ])('with %s, cannot read the old bytes', (_, before, after, why) => {
    const change = diff(withStores(before), withStores(after));
    expect(shortly(change)).toEqual(['needs-migration store s']);
    expect(words(change)).toMatch(why);
    expect(words(change)).toContain('Give the store another name');
  });

  test.each<[string, AnyStoreSpec, AnyStoreSpec, string]>([
    ['a longer retention', Stores.window({ ...window, segmentMs: 1_000 }), Stores.window({ ...window, retentionMs: 90_000, segmentMs: 1_000 }), 'cleanup.policy=[compact,delete],retention.ms=86490000,message.timestamp.type=LogAppendTime'],
    ['a longer session', Stores.session(window), Stores.session({ ...window, retentionMs: 90_000 }), 'retention.ms=86490000'],
    ['a longer life', Stores.keyValue({ name: 's', ...text, ttlMs: 1_000 }), Stores.keyValue({ name: 's', ...text, ttlMs: 2_000 }), 'retention.ms=86402000'],
    ['an endless life', Stores.keyValue({ name: 's', ...text, ttlMs: 1_000 }), plain, "--add-config 'cleanup.policy=compact'"],
    ['a longer history', Stores.versioned({ name: 's', ...text, historyMs: 1_000 }), Stores.versioned({ name: 's', ...text, historyMs: 2_000 }), 'delete.retention.ms=86402000'],
  ])('with %s, need their changelog changed first, or a restore would miss what was promised', (_, before, after, config) => {
    const change = diff(withStores(before), withStores(after));
    expect(shortly(change)).toEqual(['needs-migration store s']);
    expect(words(change)).toContain('Before the new version starts: kafka-configs');
    expect(words(change)).toContain(config);
  });

  test.each<[string, AnyStoreSpec, AnyStoreSpec]>([
    ['a shorter retention', Stores.session({ ...window, retentionMs: 90_000 }), Stores.session(window)],
    ['a life at all', plain, Stores.keyValue({ name: 's', ...text, ttlMs: 1_000 })],
    ['a shorter history', Stores.versioned({ name: 's', ...text, historyMs: 2_000 }), Stores.versioned({ name: 's', ...text, historyMs: 1_000 })],
  ])('with %s, are safe: they forget sooner', (_, before, after) => {
    const change = diff(withStores(before), withStores(after));
    expect(shortly(change)).toEqual(['safe store s']);
    expect(words(change)).toContain('What is older is forgotten at once');
  });

  test('with other segments, are rebuilt on each computer', () => {
    const change = diff(withStores(Stores.window(window)), withStores(Stores.window({ ...window, segmentMs: 5_000 })));
    expect(shortly(change)).toEqual(['safe store s']);
    expect(words(change)).toContain('rebuilds its local copy from the changelog');
    expect(words(diff(withStores(Stores.window(window)), withStores(Stores.window({ ...window, retentionMs: 30_000 }))))).toContain('rebuilds its local copy');
  });

  test('one more input beside those that partition a store: the width must stay', () => {
    const change = diff(withStores(plain), (builder) => builder.stream('in', text).merge(builder.stream('more', text)).process(nothing, { name: 'p', stores: [plain] }));
    expect(shortly(change)).toEqual(['needs-migration store s', 'needs-migration task layout']);
    expect(words(change)).toContain('were in and are in, more');
    expect(words(change)).toContain('Make sure that the widest input has as many partitions as before');
  });

  test('other inputs altogether: a key may be in another partition than its entries', () => {
    const change = diff(withStores(plain), (builder) => builder.stream('other', text).process(nothing, { name: 'p', stores: [plain] }));
    expect(shortly(change)).toEqual(['needs-migration store s', 'needs-migration task layout', 'safe input in']);
    expect(words(change)).toContain('Its entries are where the old inputs put their keys');
  });
});

describe('internal topics', () => {
  test('one that is renamed loses what waits in it, and moves the store behind it', () => {
    const change = diff(counting(), counting('counts', 'terms'));
    expect(shortly(change)).toEqual(['needs-migration store counts', 'safe topic <app>-terms-repartition', 'needs-migration topic <app>-words-repartition', 'needs-migration task layout']);
    expect(change.orphans).toEqual(['<app>-words-repartition']);
    expect(words(change)).toContain('wait until the group has no lag in <app>-words-repartition');
  });

  test('one with another number of partitions is refused at the start', () => {
    const change = diff(counting(), counting('counts', 'words', 6));
    expect(shortly(change)).toEqual(['needs-migration topic <app>-words-repartition']);
    expect(words(change)).toContain('It was to have as many partitions as its inputs, and is to have 6 partitions');
  });

  test('one whose number follows from other inputs than before may be', () => {
    const change = diff(counting(), (builder) => builder.stream('lines', text).merge(builder.stream('more', text)).groupBy((word) => word!, { name: 'words', ...text }).count({ name: 'counts' }));
    expect(shortly(change)).toEqual(['needs-migration topic <app>-words-repartition', 'needs-migration task layout']);
    expect(words(change)).toContain('as many partitions as the widest of lines; now that is the widest of lines, more');
  });

  test('one with other serdes cannot be read to its end', () => {
    const change = diff(
      (builder) => builder.stream('in', text).repartition({ name: 'r', ...text }),
      (builder) => builder.stream('in', text).mapValues((value) => value!.length).repartition({ name: 'r', key: text.key, value: Serdes.long() }),
    );
    expect(shortly(change)).toEqual(['needs-migration topic <app>-r-repartition']);
    expect(words(change)).toContain('records that wait in it cannot be read by the new version');
  });

  test('those of an escalation carry commands', () => {
    const escalating = (name: string): Define => (builder) =>
      builder.stream('in', { key: text.key, value: text.value }).escalate({ name, workflow: 'w', workflowId: (_value, key) => key, command: () => ({ kind: 'k', payload: null }) });
    const change = diff(escalating('saga'), escalating('story'));
    expect(change.orphans).toEqual(['<app>-saga-heard-changelog', '<app>-saga-sequence-changelog', '<app>-saga-commands', '<app>-saga-outcomes']);
    expect(words(change)).toContain('Commands that wait there, and outcomes that are on their way, are lost');
  });
});

describe('task layout', () => {
  const [x, y] = ['x', 'y'].map((name) => Stores.keyValue({ name, ...text }));
  const side = (topic: string, ...stores: AnyStoreSpec[]): Define => (builder) => builder.stream(topic, text).process(nothing, { name: `${topic}-node`, stores });
  const both = (...sides: Define[]): Define => (builder) => sides.forEach((define) => define(builder));

  test('numbers that move: state stays, but the versions do not work side by side', () => {
    const change = diff(both(side('a', x!), side('b', y!)), both(side('b', y!), side('a', x!)));
    expect(shortly(change)).toEqual(['needs-migration task layout']);
    expect(words(change)).toContain('positions belong to topics, changelogs to stores');
    expect(words(change)).toContain('y (now in subtopology 0), x (now in subtopology 1)');
    expect(change.changes[0]!.steps).toEqual(['Stop all instances of the old version, then start the new one.']);
  });

  test('subtopologies that become one, and one that becomes several', () => {
    const [one, several] = [both(side('a', x!, y!), side('b', y!)), both(side('a', x!), side('b', y!))];
    expect(shortly(diff(one, several))).toEqual(['needs-migration store x', 'needs-migration store y', 'needs-migration task layout']);
    expect(shortly(diff(several, one))).toEqual(['needs-migration store x', 'needs-migration store y', 'needs-migration task layout']);
  });

  test('an input that is no longer read is kept in mind for a while', () => {
    const change = diff(both(side('a', x!), side('b')), side('a', x!));
    expect(shortly(change)).toEqual(['needs-migration task layout', 'safe input b']);
    expect(words(change)).toContain('read again before that, it goes on from there');
  });
});
