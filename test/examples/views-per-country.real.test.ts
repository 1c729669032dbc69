// The second example as its reader runs it: reports come out by themselves.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/topics.ts';

const FILE = fileURLToPath(new URL('../../examples/02-views-per-country/run.ts', import.meta.url));

let stateDir: string;
let child: ChildProcess | undefined;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-views-'));
});

afterAll(async () => {
  child?.kill('SIGKILL');
  await rm(stateDir, { recursive: true, force: true });
});

test('prints what its first lines promise, and ends when it is told to', async () => {
  child = spawn(process.execPath, [FILE], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, STATE_DIR: stateDir } });
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const reports = (): string[] => output.split('\n').filter((line) => line !== '');
  await eventually(() => ['FI', 'PE'].every((country) => reports().some((line) => line.startsWith(country))), 'a report for each country');
  expect(reports().filter((line) => !/^(FI|PE) \d\d:\d\d:\d0 \d+ views$/.test(line))).toEqual([]);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
});
