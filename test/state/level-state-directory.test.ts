// LevelDB on disk: the contract, and what only a disk can do: be held by one process at a time, and be damaged.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CorruptStateError, StateDirectoryBusyError, StateDirectoryError } from '../../src/state/errors.ts';
import { openStateDirectory } from '../../src/state/level/level-state-directory.ts';
import { stateDirectoryContract } from '../contract/state-directory-contract.ts';

stateDirectoryContract('LevelDB', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-state-'));
  return { reopen: () => openStateDirectory(stateDir, 'app'), remove: () => rm(stateDir, { recursive: true, force: true }) };
});

let stateDir: string;
const toEnd: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-state-'));
});
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
  await rm(stateDir, { recursive: true, force: true });
});

async function openHere(applicationId = 'app') {
  const directory = await openStateDirectory(stateDir, applicationId);
  toEnd.push(() => directory.close());
  return directory;
}

function hold(): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./holder-process.ts', import.meta.url)), stateDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  toEnd.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  return child;
}

/** Lines of a process as they come. @throws when it ends instead */
function linesOf(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('The holder ended before it said what it should.');
    return value;
  };
}

describe('slots', () => {
  test('two instances in one process get different ones, and a freed one is taken again as it was', async () => {
    const first = await openHere();
    const second = await openHere();
    expect(second.processId).not.toBe(first.processId);
    await (await first.open('0_0')).close();
    expect(await second.tasks()).toEqual([]);
    await first.close();
    const third = await openHere();
    expect(third.processId).toBe(first.processId);
    expect(await third.tasks()).toEqual(['0_0']);
  });

  test('applications do not share them', async () => {
    const [one, other] = [await openHere('one'), await openHere('other')];
    expect((await readdir(stateDir)).sort()).toEqual(['one', 'other']);
    expect(one.processId).not.toBe(other.processId);
  });

  test('another process gets another one; killed, it leaves it free, with whole batches only', async () => {
    const child = hold();
    const nextLine = linesOf(child);
    const held = await nextLine();
    await nextLine();
    const here = await openHere();
    expect(here.processId).not.toBe(held);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const heir = await openHere();
    expect(heir.processId).toBe(held);
    const database = await heir.open('0_0');
    const values = new Set<string>();
    for await (const [, value] of database.scan(Buffer.of(0), Buffer.of(255))) values.add(value.toString());
    expect(values.size).toBe(1);
    await database.close();
  });

  test('when all are held it says so, with the folder and the number', async () => {
    for (let slot = 0; slot < 64; slot++) await openHere();
    const refused = await openHere().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StateDirectoryBusyError);
    expect(String(refused)).toMatch(/64 instance slots under .*app.*stateDir/);
  });

  test('a folder that cannot be made is named, with what to check', async () => {
    await writeFile(join(stateDir, 'app'), 'a file where a folder should be');
    await expect(openHere()).rejects.toThrow(StateDirectoryError);
    await expect(openHere()).rejects.toThrow(/slot-0.*disk/s);
  });

  test('when its identity is damaged it gets a new one, and keeps its tasks', async () => {
    const before = await openHere();
    await (await before.open('0_0')).close();
    await before.close();
    await writeFile(join(stateDir, 'app', 'slot-0', 'instance', 'CURRENT'), 'nonsense');
    const after = await openHere();
    expect(after.processId).not.toBe(before.processId);
    expect(await after.tasks()).toEqual(['0_0']);
  });
});

describe('damage', () => {
  const big = Buffer.alloc(1_000, 'x');

  /** A task with enough in it to have table files. */
  async function written(): Promise<string> {
    const directory = await openHere();
    for (let round = 0; round < 3; round++) {
      const database = await directory.open('0_0');
      await database.write(Array.from({ length: 200 }, (_, key) => ({ key: Buffer.from(`key-${round}-${key}`), value: big })));
      await database.close();
    }
    await directory.close();
    return join(stateDir, 'app', 'slot-0', '0_0');
  }

  const fileOf = (names: string[], pattern: RegExp): string => names.find((name) => pattern.test(name))!;

  test.each([
    ['CURRENT holds nonsense', async (path: string) => writeFile(join(path, 'CURRENT'), 'nonsense')],
    ['the manifest is gone', async (path: string) => rm(join(path, fileOf(await readdir(path), /^MANIFEST/)))],
    ['the manifest is cut', async (path: string) => {
      const file = join(path, fileOf(await readdir(path), /^MANIFEST/));
      const bytes = await readFile(file);
      bytes.fill(0xff, 8);
      await writeFile(file, bytes);
    }],
    ['a table is gone', async (path: string) => rm(join(path, fileOf(await readdir(path), /\.ldb$/)))],
  ])('%s: the task is reported corrupt, and can be wiped and used again', async (_, damage) => {
    const path = await written();
    await damage(path);
    const directory = await openHere();
    await expect(directory.open('0_0')).rejects.toThrow(CorruptStateError);
    await expect(directory.open('0_0')).rejects.toThrow(/0_0.*wiped and rebuilt/);
    await directory.wipe('0_0');
    const database = await directory.open('0_0');
    expect(database.get(Buffer.from('key-0-0'))).toBeUndefined();
    await database.close();
  });

  test('a table with damaged blocks is reported corrupt when it is read', async () => {
    const path = await written();
    const file = join(path, fileOf(await readdir(path), /\.ldb$/));
    const bytes = await readFile(file);
    bytes.fill(0xff, 0, bytes.length - 48);
    await writeFile(file, bytes);
    const directory = await openHere();
    const attempt = async (): Promise<void> => {
      const database = await directory.open('0_0');
      toEnd.push(() => database.close());
      database.get(Buffer.from('key-0-0'));
    };
    await expect(attempt()).rejects.toThrow(CorruptStateError);
  });

  test('a folder that is no database, but in the way, is used', async () => {
    await mkdir(join(stateDir, 'app', 'slot-0', '0_0'), { recursive: true });
    const directory = await openHere();
    const database = await directory.open('0_0');
    expect(database.get(Buffer.from('k'))).toBeUndefined();
    await database.close();
  });

  test('a task that is already open here is not mistaken for a corrupt one', async () => {
    const directory = await openHere();
    const database = await directory.open('0_0');
    await expect(directory.open('0_0')).rejects.toThrow(StateDirectoryError);
    await database.close();
  });
});
