import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cached, cacheRoot } from '../../src/stack/cache.mjs';
import { runCode, temporaryFolder } from './child.ts';

const log = (): void => {};

test('an entry is made once', async () => {
  const env = { MILLRACE_CACHE: temporaryFolder() };
  let made = 0;
  const make = async (folder: string): Promise<void> => writeFileSync(join(folder, 'content'), `made ${++made}`);
  const first = await cached('thing-1', make, { log, what: 'Thing', env });
  expect(await cached('thing-1', make, { log, what: 'Thing', env })).toBe(first);
  expect(readFileSync(join(first, 'content'), 'utf8')).toBe('made 1');
});

test('an entry whose making failed is not there, and the next try makes it', async () => {
  const env = { MILLRACE_CACHE: temporaryFolder() };
  const half = async (folder: string): Promise<void> => {
    writeFileSync(join(folder, 'content'), 'half');
    throw new Error('the network went away');
  };
  await expect(cached('thing-1', half, { log, what: 'Thing', env })).rejects.toThrow('the network went away');
  expect(existsSync(join(env.MILLRACE_CACHE, 'thing-1'))).toBe(false);
  expect(readdirSync(join(env.MILLRACE_CACHE, 'scratch'))).toEqual([]);
  const entry = await cached('thing-1', async (folder) => writeFileSync(join(folder, 'content'), 'whole'), { log, what: 'Thing', env });
  expect(readFileSync(join(entry, 'content'), 'utf8')).toBe('whole');
});

test('a process killed with -9 in the middle leaves nothing that is trusted, and its scratch folder is swept', async () => {
  const env = { MILLRACE_CACHE: temporaryFolder() };
  const maker = runCode(
    `const { writeFileSync } = await import('node:fs');
     (await stack('cache.mjs')).cached('thing-1', async (folder) => {
       writeFileSync(folder + '/content', 'half');
       console.log('half-way');
       await new Promise((resolve) => setTimeout(resolve, 60_000));
     }, { log: console.log, what: 'Thing' });`,
    { env },
  );
  await maker.printed('half-way');
  maker.process.kill('SIGKILL');
  await maker.ended;
  expect(existsSync(join(env.MILLRACE_CACHE, 'thing-1'))).toBe(false);
  const entry = await cached('thing-1', async (folder) => writeFileSync(join(folder, 'content'), 'whole'), { log, what: 'Thing', env });
  expect(readFileSync(join(entry, 'content'), 'utf8')).toBe('whole');
  expect(readdirSync(join(env.MILLRACE_CACHE, 'scratch'))).toEqual([]);
});

test('of several first runs at once, one makes the entry and the others use it', async () => {
  const env = { MILLRACE_CACHE: temporaryFolder() };
  const run = `
    const entry = await (await stack('cache.mjs')).cached('thing-1', async () => {
      console.log('making');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }, { log: () => {}, what: 'Thing' });
    console.log('has ' + entry);`;
  const runs = [runCode(run, { env }), runCode(run, { env }), runCode(run, { env })];
  await Promise.all(runs.map((each) => each.ended));
  const output = runs.map((each) => each.output()).join('');
  expect(output.match(/making/g)).toHaveLength(1);
  expect(output.match(/has .*thing-1/g)).toHaveLength(3);
});

test('the cache is outside the clone, where the environment says', () => {
  expect(cacheRoot({ MILLRACE_CACHE: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c');
  expect(cacheRoot({ XDG_CACHE_HOME: '/x' })).toBe('/x/millrace');
  expect(cacheRoot({})).toMatch(/\.cache\/millrace$/);
  expect(() => cacheRoot({ MILLRACE_CACHE: 'c' })).toThrow('MILLRACE_CACHE is "c", which is not an absolute path');
});
