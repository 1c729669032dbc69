// A task's folder that becomes another task's: what it may keep, what it must let go, and that a crash at any write in between does no harm.

import { expect, test } from 'vitest';
import { MemoryStateDirectory } from 'millrace/testing';
import { becomeTask } from '../../src/state/task-identity.ts';
import { COMMIT_RECORD_KEY, RESTORING, type CommitRecord } from '../../src/state/task-state.ts';
import type { TaskDatabase } from '../../src/ports/state-directory.ts';

const record: CommitRecord = { v: 2, layouts: { x: 'keyValue', y: 'keyValue' }, n: 7, positions: { x: 5, y: 6 }, observed: { y: 1 }, streamTime: 99, wallTime: 3 };
const [both, onlyX] = [{ inputs: ['b', 'a'], stores: ['y', 'x'] }, { inputs: ['a', 'b'], stores: ['x'] }];
const key = (text: string): Buffer => Buffer.from(text);

/** A folder that was `both`'s, with 2,500 entries of y. */
async function used(disk = new MemoryStateDirectory()): Promise<TaskDatabase> {
  const database = await disk.open('0_0');
  expect(await becomeTask(database, both)).toBeUndefined();
  const entries = Array.from({ length: 2_500 }, (_, index) => ({ key: key(`sy\u0000${index}`), value: key('v') }));
  await database.write([...entries, { key: key('sx\u0000k'), value: key('v') }, { key: key('sxy\u0000k'), value: key('v') }, { key: COMMIT_RECORD_KEY, value: key(JSON.stringify(record)) }]);
  return database;
}

async function entriesOf(database: TaskDatabase): Promise<string[]> {
  const keys: string[] = [];
  for await (const [found] of database.scan(key('s'), key('t'))) keys.push(found.toString());
  return keys;
}

const recordIn = (database: TaskDatabase): CommitRecord => JSON.parse(database.get(COMMIT_RECORD_KEY)!.toString());

test('the same task again keeps everything, in whatever order it names its parts', async () => {
  const database = await used();
  expect(await becomeTask(database, { inputs: ['a', 'b'], stores: ['x', 'y'] })).toBeUndefined();
  expect(recordIn(database)).toEqual(record);
  expect(await entriesOf(database)).toHaveLength(2_502);
});

test('a store that is no longer its own is let go, with what is known of it; the others stay as they are', async () => {
  const database = await used();
  expect(await becomeTask(database, onlyX)).toBe('its copy of the store "y" is removed');
  expect(recordIn(database)).toEqual({ ...record, layouts: { x: 'keyValue' }, positions: { x: 5 }, observed: {} });
  expect(await entriesOf(database)).toEqual(['sx\u0000k', 'sxy\u0000k']);
});

test('with other inputs stores stay, but commit number and stream time were counted on others', async () => {
  const database = await used();
  expect(await becomeTask(database, { ...both, inputs: ['a'] })).toBe('it read a, b and reads a');
  expect(recordIn(database)).toEqual({ ...record, n: RESTORING, streamTime: -1 });
  expect(await entriesOf(database)).toHaveLength(2_502);
});

test('a store more is nothing to let go of', async () => {
  const database = await used();
  expect(await becomeTask(database, { ...both, stores: ['x', 'y', 'z'] })).toBeUndefined();
  expect(recordIn(database)).toEqual(record);
  expect(await becomeTask(database, both)).toBe('its copy of the store "z" is removed');
});

test.each([0, 1, 2, 3, 4])('a crash after %i writes leaves nothing of a store that could be taken for all of it', async (writes) => {
  const disk = new MemoryStateDirectory();
  const database = await used(disk);
  let left = writes;
  const dying: TaskDatabase = {
    get: (at) => database.get(at),
    scan: (from, to) => database.scan(from, to),
    write: async (batch) => {
      if (left-- === 0) throw new Error('crash');
      await database.write(batch);
    },
    close: () => database.close(),
  };
  await expect(becomeTask(dying, onlyX)).rejects.toThrow('crash');
  // The old version comes back, which had that store.
  const again = await disk.open('0_0');
  await becomeTask(again, both);
  const isWhole = 'y' in recordIn(again).positions;
  expect((await entriesOf(again)).filter((entry) => entry.startsWith('sy\u0000'))).toHaveLength(isWhole ? 2_500 : 0);
  expect(isWhole).toBe(writes === 0);
});

test('a folder that does not say whose it was is not trusted', async () => {
  const database = await new MemoryStateDirectory().open('0_0');
  await database.write([{ key: COMMIT_RECORD_KEY, value: key(JSON.stringify(record)) }]);
  await expect(becomeTask(database, both)).rejects.toThrow(/does not say of which task/);
});
