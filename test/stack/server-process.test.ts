import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { processIdentity } from '../../src/stack/process-identity.mjs';
import { startServer, type RunningServer, type ServerSpec } from '../../src/stack/server-process.ts';
import { eventually, runCode, temporaryFolder } from './child.ts';

/** A server that says that it is ready by a file. */
function toyServer(folder: string, code: string): ServerSpec {
  return {
    title: 'Toy',
    folder,
    executable: process.execPath,
    args: ['-e', code],
    env: process.env,
    probe: async () => {
      if (!existsSync(join(folder, 'data', 'up'))) throw new Error('not up');
    },
  };
}

const SERVE = "require('fs').writeFileSync('data/up', String(process.pid)); setInterval(() => {}, 1000);";

async function start(spec: ServerSpec, lines: string[] = []): Promise<RunningServer> {
  const server = await startServer(spec, (line) => lines.push(line));
  onTestFinished(() => server.kill());
  return server;
}

test('starts, answers, stops, and leaves no pid file', async () => {
  const folder = temporaryFolder();
  const server = await start(toyServer(folder, SERVE));
  expect(JSON.parse(readFileSync(join(folder, 'pid.json'), 'utf8'))).toMatchObject({ pid: server.pid });
  await server.stop();
  expect(await server.ended).toBeUndefined();
  expect(existsSync(join(folder, 'pid.json'))).toBe(false);
  expect(processIdentity(server.pid)).toBeUndefined();
});

test('one that dies while it starts is reported with its last words', async () => {
  const folder = temporaryFolder();
  const dying = startServer(toyServer(folder, "console.log('port 9092 is in use'); process.exit(3);"), () => {});
  await expect(dying).rejects.toThrow(/Toy ended by itself \(3\)\.\nThe last lines of .*server\.log:\n {2}\| port 9092 is in use/);
});

test('one that cannot be run at all is reported too', async () => {
  const spec = { ...toyServer(temporaryFolder(), ''), executable: '/no/such/java' };
  await expect(startServer(spec, () => {})).rejects.toThrow('Toy cannot be started: /no/such/java does not run on this computer.');
});

test('one that dies later is reported, one that is stopped is not', async () => {
  const server = await start(toyServer(temporaryFolder(), `${SERVE} setTimeout(() => { console.error('disk full'); process.exit(1); }, 200);`));
  expect((await server.ended)?.message).toContain('| disk full');
});

test('one that ignores SIGTERM is killed when its start is given up', async () => {
  const interrupted = new AbortController();
  const folder = temporaryFolder();
  const starting = startServer(toyServer(folder, "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);"), () => {}, interrupted.signal);
  await eventually(() => existsSync(join(folder, 'pid.json')), 'it has been launched');
  const { pid } = JSON.parse(readFileSync(join(folder, 'pid.json'), 'utf8')) as { pid: number };
  interrupted.abort(new Error('Ctrl-C'));
  await expect(starting).rejects.toThrow('Ctrl-C');
  expect(processIdentity(pid)).toBeUndefined();
});

test('data of a first start that never answered is thrown away; data that was served is kept', async () => {
  const folder = temporaryFolder();
  const leaveHalf = "require('fs').writeFileSync('data/half', ''); process.exit(1);";
  await expect(startServer(toyServer(folder, leaveHalf), () => {})).rejects.toThrow('Toy ended');
  expect(existsSync(join(folder, 'data', 'half'))).toBe(true);
  const first = await start(toyServer(folder, `${SERVE} require('fs').writeFileSync('data/served', '');`));
  expect(existsSync(join(folder, 'data', 'half'))).toBe(false);
  await first.stop();
  await start(toyServer(folder, SERVE));
  expect(existsSync(join(folder, 'data', 'served'))).toBe(true);
});

test('when we are killed with -9, the server is ended for us', async () => {
  const folder = temporaryFolder();
  const parent = runCode(`
    const { startServer } = await stack('server-process.ts');
    const { existsSync } = await import('node:fs');
    const folder = ${JSON.stringify(folder)};
    const probe = async () => { if (!existsSync(folder + '/data/up')) throw new Error('not up'); };
    await startServer({ title: 'Toy', folder, executable: process.execPath, args: ['-e', ${JSON.stringify(SERVE)}], env: process.env, probe }, () => {});
    console.log('serving');
    setInterval(() => {}, 1000);`);
  await parent.printed('serving');
  const pid = Number(readFileSync(join(folder, 'data', 'up'), 'utf8'));
  expect(processIdentity(pid)).toBeDefined();
  parent.process.kill('SIGKILL');
  await eventually(() => processIdentity(pid) === undefined, 'the server has ended');
});

test('a server left over, because the guard was killed as well, is ended by the next start; a stranger with that pid is not', async () => {
  const folder = temporaryFolder();
  const left = await start(toyServer(folder, SERVE));
  const lines: string[] = [];
  const next = await start(toyServer(folder, SERVE), lines);
  expect(lines).toContain(`Toy: ending process ${left.pid}, left over from a run that was killed`);
  expect(processIdentity(left.pid)).toBeUndefined();
  await next.stop();
});
