// What stands in changelogs: what Kafka's own tools find there, and what becomes of records that are not a store's.

import { expect, test } from 'vitest';
import { Serdes, Stores, StreamsBuilder, type AnyStoreSpec } from 'millrace';
import { MemoryStateDirectory, TopologyTestDriver } from 'millrace/testing';
import { UnreadableChangelogError } from '../../src/state/errors.ts';
import { TaskState, type ChangelogWrite } from '../../src/state/task-state.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

async function open(spec: AnyStoreSpec, directory = new MemoryStateDirectory()): Promise<TaskState> {
  const state = new TaskState(await directory.open('0_0'), [spec], { streamTime: () => 7, recordTimestamp: () => 7 }, () => 'changelog');
  await state.load();
  return state;
}

async function commit(state: TaskState): Promise<ChangelogWrite[]> {
  const writes = [...state.changelogWrites()];
  await state.persist({ n: 1, positions: new Map(), streamTime: 7, wallTime: 0 });
  return writes;
}

async function restored(spec: AnyStoreSpec, writes: readonly ChangelogWrite[]): Promise<TaskState> {
  const state = await open(spec);
  await state.applyChangelog(spec.name, writes, writes.length, 0);
  await state.load();
  return state;
}

const uint64 = (value: number): Buffer => Serdes.long().serialize('', value);

test('of a key-value store: the serdes\' own bytes; the timestamp, which need not be the record\'s, in one header', async () => {
  const counts = Stores.keyValue({ name: 'counts', ...long });
  const state = await open(counts);
  state.store(counts).put('a', 3, 5);
  state.store(counts).delete('b');
  const writes = await commit(state);
  expect(writes.map(({ key, value }) => [key.toString(), value])).toEqual([['a', uint64(3)], ['b', null]]);
  expect(writes[0]!.headers).toEqual([['mr', Buffer.concat([Buffer.of(1), uint64(5)])]]);
  expect(writes[1]!.headers).toEqual([]);
  expect((await restored(counts, writes)).store(counts).entry('a')).toEqual({ timestamp: 5, value: 3 });
});

test('of a window store: a record for each value, with the key that Kafka Streams gives it: key, timestamp, number among equals', async () => {
  const window = Stores.window({ name: 'window', ...text, retentionMs: 1_000, retainDuplicates: true });
  const state = await open(window);
  for (const value of ['x', 'y']) state.store(window).put('k', value, 500);
  const writes = await commit(state);
  expect(writes.map(({ key, value }) => [key, value!.toString()])).toEqual(
    ['x', 'y'].map((value, number) => [Buffer.concat([Buffer.from('k'), uint64(500), Buffer.of(0, 0, 0, number)]), value]),
  );
  state.store(window).put('k', 'z', 500);
  expect((await commit(state)).map(({ value }) => value?.toString())).toEqual(['z']);
});

test('of windows whose values have a timestamp of their own: the value alone, as Kafka Streams writes it; the timestamp comes back all the same', async () => {
  const window = Stores.window({ name: 'window', key: Serdes.string(), value: Serdes.timestamped(Serdes.long()), retentionMs: 1_000 });
  const state = await open(window);
  state.store(window).put('k', { timestamp: 612, value: 2 }, 500);
  const writes = await commit(state);
  expect(writes[0]!.value).toEqual(uint64(2));
  expect((await restored(window, writes)).store(window).get('k', 500)).toEqual({ timestamp: 612, value: 2 });
});

test('of a session store: key, end, start', async () => {
  const sessions = Stores.session({ name: 'sessions', ...text, retentionMs: 1_000 });
  const state = await open(sessions);
  state.store(sessions).put('k', 100, 300, 'x');
  await commit(state);
  state.store(sessions).remove('k', 100, 300);
  state.store(sessions).put('k', 100, 400, 'y');
  const writes = await commit(state);
  expect(writes.map(({ key, value }) => [key, value?.toString()])).toEqual([
    [Buffer.concat([Buffer.from('k'), uint64(300), uint64(100)]), undefined],
    [Buffer.concat([Buffer.from('k'), uint64(400), uint64(100)]), 'y'],
  ]);
});

test('of a versioned store: the latest value, nothing for a deleted row; its past comes back from the header', async () => {
  const rows = Stores.versioned({ name: 'rows', ...text, historyMs: 1_000 });
  const state = await open(rows);
  state.store(rows).put('k', 'old', 100);
  state.store(rows).put('k', 'new', 200);
  state.store(rows).put('gone', 'was', 100);
  state.store(rows).put('gone', null, 200);
  const writes = await commit(state);
  expect(writes.map(({ key, value }) => [key.toString(), value?.toString()])).toEqual([['k', 'new'], ['gone', undefined]]);
  const store = (await restored(rows, writes)).store(rows);
  expect(['k', 'gone'].map((key) => [store.get(key)?.value, store.get(key, 150)?.value])).toEqual([['new', 'old'], [undefined, 'was']]);
});

test('of a timer store: the due time, a long', async () => {
  const timers = Stores.timers({ name: 'timers' });
  const state = await open(timers);
  state.store(timers).schedule('t', 1_234);
  expect((await commit(state)).map(({ key, value }) => [key.toString(), value])).toEqual([['t', uint64(1_234)]]);
});

test('what has been deleted still tells how far time had come: nothing that was hidden shows again after a restore', async () => {
  const window = Stores.window({ name: 'window', ...text, retentionMs: 1_000 });
  const state = await open(window);
  state.store(window).put('k', 'x', 500);
  const first = await commit(state);
  state.store(window).put('other', 'y', 1_600);
  state.store(window).delete('other', 1_600);
  const writes = [...first, ...(await commit(state))];
  expect(state.store(window).get('k', 500)).toBeUndefined();
  expect((await restored(window, writes)).store(window).get('k', 500)).toBeUndefined();
});

test('what dies within the commit that wrote it is not written', async () => {
  const window = Stores.window({ name: 'window', ...text, retentionMs: 100 });
  const state = await open(window);
  state.store(window).put('k', 'x', 500);
  state.store(window).put('k', 'y', 600);
  expect((await commit(state)).map(({ value }) => value!.toString())).toEqual(['y']);
});

const counts = Stores.keyValue({ name: 'counts', ...long });
const record = { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1 };
test.each([
  ['has no header', { ...record, headers: [] }, /changelog cannot be read.*no header "mr"/],
  ['has a header without content', { ...record, headers: [['mr', null] as const] }, /no header "mr"/],
  ['is of another kind of store', { ...record, headers: [['mr', Buffer.alloc(9, 2)] as const] }, /format 2.*keyValue has format 1.*another applicationId/],
])('a record that %s stops the restore, in words', async (_, foreign, message) => {
  const state = await open(counts);
  const attempt = state.applyChangelog('counts', [foreign], 1, 0);
  await expect(attempt).rejects.toThrow(UnreadableChangelogError);
  await expect(attempt).rejects.toThrow(message);
});

test('an instance whose changelog another program has written to stops, and says why', async () => {
  const builder = new StreamsBuilder();
  builder.stream('in', text).groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' });
  await using driver = await TopologyTestDriver.start(builder.build(), { applicationId: 'app' });
  await driver.createInputTopic('in', text).pipeInput('a', 'x', 1);
  await driver.pipeBytes('app-counts-changelog', Buffer.from('a'), Buffer.from('mine'));
  await expect(driver.crash({ wipeState: true })).rejects.toThrow(/app-counts-changelog cannot be read/);
});
