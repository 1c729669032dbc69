import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectToStack, ensureStack, findRunningStack, shellExports } from '../../src/stack/index.ts';
import { noteRunningStack } from '../../src/stack/running-stack.ts';
import { runCode, temporaryFolder } from './child.ts';

const ADDRESSES = { kafkaBrokers: '127.0.0.1:1', temporalAddress: '127.0.0.1:2', temporalNamespace: 'default', schemaRegistryUrl: 'http://127.0.0.1:3/v7' };
const ALL = { kafka: true, temporal: true, registry: true };

test('other commands find a stack while the process that keeps it runs', () => {
  const dataDir = temporaryFolder();
  expect(findRunningStack(dataDir)).toBeUndefined();
  noteRunningStack(dataDir, { isShared: true, ...ADDRESSES });
  expect(findRunningStack(dataDir)).toMatchObject({
    ...ADDRESSES,
    pid: process.pid,
    isShared: true,
    env: { KAFKA_BROKERS: '127.0.0.1:1', TEMPORAL_ADDRESS: '127.0.0.1:2', TEMPORAL_NAMESPACE: 'default', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:3/v7' },
  });
});

test('the note of a process that has ended does not count', async () => {
  const dataDir = temporaryFolder();
  const keeper = runCode(`(await stack('running-stack.ts')).noteRunningStack(${JSON.stringify(dataDir)}, { isShared: true });`);
  await keeper.ended;
  expect(readFileSync(join(dataDir, 'stack.json'), 'utf8')).toContain(`"pid": ${keeper.pid}`);
  expect(findRunningStack(dataDir)).toBeUndefined();
});

test('nor does one whose pid has gone to another process', () => {
  const dataDir = temporaryFolder();
  writeFileSync(join(dataDir, 'stack.json'), JSON.stringify({ isShared: true, owner: { pid: process.pid, identity: 'an earlier one' } }));
  expect(findRunningStack(dataDir)).toBeUndefined();
});

test('a second command with a stack of its own is refused, with the ways out', async () => {
  const dataDir = temporaryFolder();
  const holder = runCode(`(await stack('lock.mjs')).tryLock(${JSON.stringify(join(dataDir, 'lock'))}); console.log('held'); setInterval(() => {}, 1000);`);
  await holder.printed('held');
  const second = ensureStack({ need: ALL, dataDir, log: () => {}, env: {} });
  await expect(second).rejects.toThrow(`Another Millrace (process ${holder.pid}`);
  await expect(second).rejects.toThrow('npm run stack');
});

test('a role uses what it was given first, then the running stack, and says so when it has neither', async () => {
  const dataDir = temporaryFolder();
  const port = await listen();
  await expect(connectToStack({ need: { kafka: true, registry: true }, dataDir, log: () => {}, env: {} })).rejects.toThrow(
    'Nothing says where to find kafka, registry: KAFKA_BROKERS, SCHEMA_REGISTRY_URL are not set, and no stack runs in this clone.',
  );
  noteRunningStack(dataDir, { isShared: false, ...ADDRESSES, kafkaBrokers: `127.0.0.1:${port}` });
  const found = await connectToStack({ need: { kafka: true }, dataDir, log: () => {}, env: { TEMPORAL_NAMESPACE: 'mine' } });
  expect(found).toMatchObject({ kafkaBrokers: `127.0.0.1:${port}`, temporalNamespace: 'mine' });
  const given = await connectToStack({ need: { kafka: true }, dataDir, log: () => {}, env: { KAFKA_BROKERS: `localhost:${port}` } });
  expect(given.kafkaBrokers).toBe(`localhost:${port}`);
  await given.stop();
});

test('exports can be pasted into a shell, whatever is in them', () => {
  expect(shellExports({ KAFKA_BROKERS: 'a:1,b:2', ODD: "it's" })).toEqual(["export KAFKA_BROKERS='a:1,b:2'", "export ODD='it'\\''s'"]);
});

async function listen(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}
