import { expect, test } from 'vitest';
import { endProcess } from '../../src/stack/end-process.mjs';
import { describeProcess, isRunning, parentOf, processIdentity } from '../../src/stack/process-identity.mjs';
import { runCode } from './child.ts';

test('a process keeps its identity, and two processes differ', async () => {
  const other = runCode('setInterval(() => {}, 1000);');
  expect(processIdentity(process.pid)).toBe(processIdentity(process.pid));
  expect(processIdentity(other.pid)).not.toBe(processIdentity(process.pid));
  expect(parentOf(other.pid)).toBe(process.pid);
});

test.each([[0], [-1], [Number.NaN], [2 ** 30]])('pid %d stands for nothing', (pid) => {
  expect(processIdentity(pid)).toBeUndefined();
});

test('a process with the right pid and the wrong identity is left alone', async () => {
  const stranger = runCode("console.log('here'); setInterval(() => {}, 1000);");
  await stranger.printed('here');
  await endProcess({ pid: stranger.pid, identity: 'the one that had this pid before' }, 0);
  expect(isRunning(describeProcess(stranger.pid))).toBe(true);
  await endProcess(describeProcess(stranger.pid), 0);
  expect(isRunning(describeProcess(stranger.pid))).toBe(false);
});
