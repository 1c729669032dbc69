// The cases of TaskState that a reader should know; task-state.property.test.ts attacks the rest.

import { expect, test } from 'vitest';
import { Serdes } from 'millrace';
import { MemoryStateDirectory } from 'millrace/testing';
import { changelogHeader } from '../../src/state/changelog-header.ts';
import { CorruptStateError } from '../../src/state/errors.ts';
import { storePrefix } from '../../src/state/store-overlay.ts';
import { RESTORING, TaskState, type ChangelogWrite } from '../../src/state/task-state.ts';
import { Stores, type AnyStoreSpec } from '../../src/topology/store-spec.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const counts = Stores.keyValue({ name: 'counts', ...text });

async function open(directory: MemoryStateDirectory, specs: readonly AnyStoreSpec[], times: { streamTime: number } = { streamTime: 0 }): Promise<TaskState> {
  const clock = { streamTime: () => times.streamTime, recordTimestamp: () => times.streamTime };
  const state = new TaskState(await directory.open('0_0'), specs, clock, (store) => `app-${store}-changelog`);
  await state.load();
  return state;
}

async function persist(state: TaskState, n: number): Promise<ChangelogWrite[]> {
  const writes = [...state.changelogWrites()];
  await state.persist({ n, positions: new Map(), streamTime: n, wallTime: 0 });
  return writes;
}

test('a store that ages shows an entry up to its time to live, and not a millisecond longer', async () => {
  const aging = Stores.keyValue({ name: 'aging', ...text, ttlMs: 100 });
  const times = { streamTime: 1_000 };
  const state = await open(new MemoryStateDirectory(), [aging], times);
  const store = state.store(aging);
  store.put('k', 'v');
  times.streamTime = 1_100;
  expect(store.entry('k')).toEqual({ timestamp: 1_000, value: 'v' });
  times.streamTime = 1_101;
  expect(store.get('k')).toBeUndefined();
  store.put('k', 'again');
  expect(store.get('k')).toBe('again');
});

test('a window store with duplicates keeps them in order of arrival; without, the last one wins', async () => {
  const specs = [true, false].map((retainDuplicates) => Stores.window({ name: `w-${retainDuplicates}`, ...text, retentionMs: 100, retainDuplicates }));
  const state = await open(new MemoryStateDirectory(), specs);
  for (const spec of specs) for (const value of ['1', '2', '1']) state.store(spec).put('k', value, 50);
  expect(specs.map((spec) => state.store(spec).fetch('k', 0, 100).map(({ value }) => value))).toEqual([['1', '2', '1'], ['1']]);
});

test('a window store hides what is as old as its retention, for all keys alike, and takes nothing that old', async () => {
  const window = Stores.window({ name: 'window', ...text, retentionMs: 100 });
  const state = await open(new MemoryStateDirectory(), [window]);
  const store = state.store(window);
  store.put('a', 'x', 10);
  store.put('a', 'y', 11);
  store.put('b', 'z', 110);
  expect(store.fetch('a', 0, 1_000)).toEqual([{ timestamp: 11, value: 'y' }]);
  store.put('c', 'late', 10);
  expect([...state.changelogWrites()].filter(({ key }) => key.includes('c'))).toEqual([]);
});

test('what a failed step did is undone; what steps before it did stays', async () => {
  const timers = Stores.timers({ name: 'timers' });
  const state = await open(new MemoryStateDirectory(), [counts, timers]);
  state.beginStep();
  state.store(counts).put('k', 'one');
  state.store(timers).schedule('t', 5);
  state.beginStep();
  state.store(counts).put('k', 'two');
  state.store(counts).delete('other');
  state.store(timers).cancel('t');
  state.store(timers).schedule('u', 1);
  state.rollbackStep();
  expect(state.store(counts).get('k')).toBe('one');
  expect(state.store(timers).due(9)).toEqual([{ key: 't', dueMs: 5 }]);
  expect([...state.changelogWrites()].map(({ store, key }) => `${store}:${key}`)).toEqual(['counts:k', 'timers:t']);
});

test('a rollback cannot undo what is committed', async () => {
  const state = await open(new MemoryStateDirectory(), [counts]);
  state.beginStep();
  state.store(counts).put('k', 'durable');
  await persist(state, 1);
  state.beginStep();
  state.store(counts).put('k', 'not');
  state.rollbackStep();
  expect(state.store(counts).get('k')).toBe('durable');
  expect(state.hasPending).toBe(false);
});

test('the changelog gets one write for each key, the last, with the timestamp of the record behind it', async () => {
  const times = { streamTime: 7 };
  const state = await open(new MemoryStateDirectory(), [counts], times);
  state.store(counts).put('k', 'one');
  times.streamTime = 8;
  state.store(counts).put('k', 'two');
  state.store(counts).delete('gone');
  const writes = await persist(state, 1);
  expect(writes.map(({ key, value, timestamp }) => [key.toString(), value?.toString() ?? null, timestamp])).toEqual([['k', 'two', 8], ['gone', null, 8]]);
});

test('stores whose names begin alike do not see each other', async () => {
  const specs = ['a', 'a.b', 'ab'].map((name) => Stores.keyValue({ name, ...text }));
  const directory = new MemoryStateDirectory();
  const state = await open(directory, specs);
  for (const spec of specs) state.store(spec).put('k', spec.name);
  await persist(state, 1);
  expect(specs.map((spec) => state.store(spec).get('k'))).toEqual(['a', 'a.b', 'ab']);
});

test('sweeping goes round the stores: a big one does not starve the next', async () => {
  const big = Stores.window({ name: 'big', ...text, retentionMs: 10 });
  const small = Stores.window({ name: 'small', ...text, retentionMs: 10 });
  const state = await open(new MemoryStateDirectory(), [big, small]);
  for (let key = 0; key < 400; key++) state.store(big).put(`key-${key}`, 'x', 0);
  for (let key = 0; key < 40; key++) state.store(small).put(`key-${key}`, 'x', 0);
  state.store(small).put('new', 'x', 100_000); // hides the small store's entries; the big one's are visible still
  await persist(state, 1);
  let swept = 0;
  for (let call = 0; call < 60; call++) swept += await state.sweep(10);
  expect(swept).toBe(40);
});

test('an interrupted restore remembers when it began, since deletions may be forgotten a while after that', async () => {
  const directory = new MemoryStateDirectory();
  const state = await open(directory, [counts]);
  const write = { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1, headers: changelogHeader('keyValue', 1) };
  await state.applyChangelog('counts', [write], 5, 1_000);
  await state.applyChangelog('counts', [write], 9, 2_000);
  await state.close();
  const again = await open(directory, [counts]);
  expect(again.committed).toMatchObject({ n: RESTORING, positions: { counts: 9 }, wallTime: 1_000 });
  await again.finishRestore(4, 3_000);
  expect(again.committed).toMatchObject({ n: 4, wallTime: 3_000 });
});

test.each([
  ['is of a later release', Buffer.from('{"v":3,"n":1}')],
  ['is not what was written', Buffer.from([0xff, 0, 1])],
  ['is empty', Buffer.alloc(0)],
])('a commit record that %s makes the state unusable, in words', async (_, value) => {
  const directory = new MemoryStateDirectory();
  await (await directory.open('0_0')).write([{ key: Buffer.from('m'), value }]);
  await expect(open(directory, [counts])).rejects.toThrow(CorruptStateError);
});

test('a stored value of another format version is reported with the name of its store', async () => {
  const directory = new MemoryStateDirectory();
  await (await directory.open('0_0')).write([{ key: Buffer.concat([storePrefix('counts'), Buffer.from('k')]), value: Buffer.from([9, 9]) }]);
  const state = await open(directory, [counts]);
  expect(() => state.store(counts).get('k')).toThrow(/counts.*format version 9/);
});

test('a store that is not connected is named, with what to do', async () => {
  const state = await open(new MemoryStateDirectory(), []);
  expect(() => state.store(counts)).toThrow(/"counts" is not connected.*"stores"/);
});
