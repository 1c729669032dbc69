import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock, tryLock } from '../../src/stack/lock.mjs';
import { runCode, temporaryFolder } from './child.ts';

test('one holds it, the next hears who that is, and gets it after the release', () => {
  const folder = join(temporaryFolder(), 'lock');
  const first = tryLock(folder);
  const second = tryLock(folder);
  expect(second).toMatchObject({ holder: { pid: process.pid } });
  if ('lock' in first) first.lock.release();
  expect(tryLock(folder)).toHaveProperty('lock');
});

test('a holder that was killed with -9 holds no longer', async () => {
  const folder = join(temporaryFolder(), 'lock');
  const holder = runCode(`(await stack('lock.mjs')).tryLock(${JSON.stringify(folder)}); console.log('held'); setInterval(() => {}, 1000);`);
  await holder.printed('held');
  expect(tryLock(folder)).toMatchObject({ holder: { pid: holder.pid } });
  holder.process.kill('SIGKILL');
  await holder.ended;
  expect(tryLock(folder)).toHaveProperty('lock');
});

test('a claim whose pid now belongs to another process does not hold', () => {
  const folder = join(temporaryFolder(), 'lock');
  tryLock(folder);
  const claim = join(folder, '1');
  const noted = JSON.parse(readFileSync(claim, 'utf8')) as object;
  writeFileSync(claim, JSON.stringify({ ...noted, identity: 'an earlier process with this pid' }));
  expect(tryLock(folder)).toHaveProperty('lock');
});

test('processes that all find a dead holder at once still enter one at a time', async () => {
  const folder = temporaryFolder();
  const lock = JSON.stringify(join(folder, 'lock'));
  const journal = JSON.stringify(join(folder, 'journal'));
  const dead = runCode(`(await stack('lock.mjs')).tryLock(${lock});`);
  await dead.ended;
  const rounds = `
    const { acquireLock } = await stack('lock.mjs');
    const { appendFileSync } = await import('node:fs');
    for (let round = 0; round < 5; round++) {
      const held = await acquireLock(${lock});
      appendFileSync(${journal}, 'in ' + process.pid + '\\n');
      await new Promise((resolve) => setTimeout(resolve, 5));
      appendFileSync(${journal}, 'out ' + process.pid + '\\n');
      held.release();
    }`;
  const results = await Promise.all(Array.from({ length: 4 }, () => runCode(rounds)).map((each) => each.ended));
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const lines = readFileSync(join(folder, 'journal'), 'utf8').trim().split('\n');
  expect(lines).toHaveLength(4 * 5 * 2);
  for (let at = 0; at < lines.length; at += 2) expect(lines[at + 1]).toBe(lines[at]!.replace('in', 'out'));
});

test('waiting ends when it is interrupted', async () => {
  const folder = join(temporaryFolder(), 'lock');
  tryLock(folder);
  const interrupted = new AbortController();
  const waits: string[] = [];
  const waiting = acquireLock(folder, (holder) => waits.push(`process ${holder.pid}`), interrupted.signal);
  setTimeout(() => interrupted.abort(new Error('enough')), 50);
  await expect(waiting).rejects.toThrow();
  expect(waits).toEqual([`process ${process.pid}`]);
});
