import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { choosePorts } from '../../src/stack/free-port.ts';
import { temporaryFolder } from './child.ts';

test('the same ports as last time, as long as they are free, and never one twice', async () => {
  const memory = join(temporaryFolder(), 'ports.json');
  const first = await choosePorts(['a', 'b', 'c'], memory);
  expect(new Set(Object.values(first)).size).toBe(3);
  expect(await choosePorts(['a', 'b', 'c'], memory)).toEqual(first);

  const stranger = createServer().listen(first.b, '127.0.0.1');
  onTestFinished(() => void stranger.close());
  await new Promise((resolve) => stranger.once('listening', resolve));
  const second = await choosePorts(['a', 'b', 'c'], memory);
  expect(second).toMatchObject({ a: first.a, c: first.c });
  expect(second.b).not.toBe(first.b);
});
