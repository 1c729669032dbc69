import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isInstalled } from '../../scripts/dependencies.mjs';
import { count } from '../../scripts/closing-line.mjs';
import { processIdentity } from '../../src/stack/process-identity.mjs';
import { eventually, runCode, temporaryFolder } from './child.ts';

describe('whether node_modules is what the lock file says', () => {
  const LOCK = { packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/only-mac': { version: '1.0.0', optional: true } } };

  function clone(installed: object | undefined, folders: readonly string[]): string {
    const root = temporaryFolder();
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify(LOCK));
    for (const folder of folders) {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, 'package.json'), '{}');
    }
    if (installed) writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify(installed));
    return root;
  }

  test('nothing installed', () => expect(isInstalled(clone(undefined, []))).toBe(false));
  test('an install by hand that npm finished, without packages for other systems', () => expect(isInstalled(clone(LOCK, ['node_modules/a']))).toBe(true));
  test('an install that was interrupted: npm writes its proof last', () => expect(isInstalled(clone(undefined, ['node_modules/a']))).toBe(false));
  test('an install from before the lock file changed', () =>
    expect(isInstalled(clone({ packages: { 'node_modules/a': { version: '0.9.0' } } }, ['node_modules/a']))).toBe(false));
  test('a package deleted since', () => {
    const root = clone(LOCK, ['node_modules/a']);
    rmSync(join(root, 'node_modules', 'a'), { recursive: true });
    expect(isInstalled(root)).toBe(false);
  });
  test('no lock file is an error that says how to get it back', () =>
    expect(() => isInstalled(temporaryFolder())).toThrow('`git checkout package-lock.json` brings it back'));
});

describe('handing over to the command', () => {
  const SCRIPTS = JSON.stringify(new URL('../../scripts/hand-over.mjs', import.meta.url).href);
  const handOver = (code: string) => runCode(`await (await import(${SCRIPTS})).handOver(process.execPath, ['-e', ${JSON.stringify(code)}]);`);

  test.each([0, 1, 7, 255])('exit code %d comes back', async (code) => {
    expect(await handOver(`process.exit(${code})`).ended).toEqual({ code, signal: null });
  });

  test('an end by a signal comes back as that signal', async () => {
    expect(await handOver("process.kill(process.pid, 'SIGTERM')").ended).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('a Ctrl-C that arrives twice within an instant is heard once', async () => {
    const command = handOver("process.on('SIGINT', () => { console.log('heard'); setTimeout(() => process.exit(5), 300); }); console.log('ready'); setInterval(() => {}, 1000);");
    await command.printed('ready');
    command.process.kill('SIGINT');
    setTimeout(() => command.process.kill('SIGINT'), 50);
    expect(await command.ended).toEqual({ code: 5, signal: null });
    expect(command.output().match(/heard/g)).toHaveLength(1);
  });

  test('a command cannot outlive a bootstrap that was killed with -9', async () => {
    const command = handOver("console.log('pid ' + process.pid); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);");
    await command.printed('pid ');
    const pid = Number(/pid (\d+)/.exec(command.output())![1]);
    command.process.kill('SIGKILL');
    await eventually(() => processIdentity(pid) === undefined, 'the command has ended');
  });
});

describe('the closing line of a CI run', () => {
  const file = (status: string, ...tests: string[]): object => ({ status, assertionResults: tests.map((each) => ({ status: each })) });
  const results = (...files: object[]): string => JSON.stringify({ testResults: files });

  test.each([
    ['all passed', results(file('passed', 'passed', 'passed')), 0, { passed: 2, failed: 0 }],
    ['one failed', results(file('passed', 'passed'), file('failed', 'passed', 'failed')), 1, { passed: 2, failed: 1 }],
    ['a file that could not be loaded', results(file('passed', 'passed'), file('failed')), 1, { passed: 1, failed: 1 }],
    ['hooks that failed after good tests', results(file('failed', 'passed')), 1, { passed: 1, failed: 1 }],
    ['all passed, yet npm test failed: an unhandled error, a server that died', results(file('passed', 'passed')), 1, { passed: 1, failed: 1 }],
    ['no test ran', results(), 0, { passed: 0, failed: 1 }],
    ['no results', undefined, 1, { passed: 0, failed: 1 }],
    ['half a results file', '{"testResults": [', 0, { passed: 0, failed: 1 }],
  ])('%s', (_, text, exitCode, expected) => expect(count(text, exitCode)).toEqual(expected));
});
