import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchJars } from '../../src/stack/maven.ts';
import { temporalCli } from '../../src/stack/temporal-cli.ts';
import { temporaryFolder } from './child.ts';

/** A computer on which these tools are shell scripts. */
function computerWhere(tools: Record<string, string>): { PATH: string; MILLRACE_CACHE: string } {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(tools)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return { PATH: `${folder}:/usr/bin:/bin`, MILLRACE_CACHE: temporaryFolder() };
}

test('a failed Maven is quoted without its chatter, says what to do, and leaves nothing in the cache', async () => {
  const env = computerWhere({ mvn: "echo '[INFO] Scanning for projects'; echo '[ERROR] Could not resolve host'; exit 1" });
  const fetching = fetchJars('thing-1', 'Thing', ['g:a:1'], { log: () => {}, env });
  await expect(fetching).rejects.toThrow(/Thing could not be downloaded\. mvn .* failed \(1\)\. Its last lines:\n {2}\| \[ERROR\] Could not resolve host\nIf Maven/);
  expect(readdirSync(join(env.MILLRACE_CACHE, 'scratch'))).toEqual([]);
  expect(readdirSync(env.MILLRACE_CACHE)).not.toContain('thing-1');
});

test('jars are in the cache once Maven has fetched them, and Maven is not asked again', async () => {
  const env = computerWhere({ mvn: 'for each in "$@"; do case "$each" in -DoutputDirectory=*) mkdir -p "${each#*=}"; touch "${each#*=}/a.jar";; esac; done' });
  const home = await fetchJars('thing-1', 'Thing', ['g:a:1'], { log: () => {}, env });
  expect(readdirSync(join(home, 'lib'))).toEqual(['a.jar']);
  expect(await fetchJars('thing-1', 'Thing', ['g:a:1'], { log: () => {}, env: { ...env, PATH: '' } })).toBe(home);
});

test('a download is given up at once when it is interrupted', async () => {
  const env = computerWhere({ mvn: 'sleep 60' });
  const interrupted = new AbortController();
  const fetching = fetchJars('thing-1', 'Thing', ['g:a:1'], { log: () => {}, env, signal: interrupted.signal });
  setTimeout(() => interrupted.abort(new Error('Ctrl-C')), 100);
  await expect(fetching).rejects.toThrow('Ctrl-C');
  expect(readdirSync(join(env.MILLRACE_CACHE, 'scratch'))).toEqual([]);
});

test('a failed build of the Temporal CLI is quoted and says what to do', async () => {
  const env = computerWhere({ temporal: 'exit 1', go: "echo 'go: downloading x'; echo 'dial tcp: no route to host' >&2; exit 1" });
  await expect(temporalCli({ log: () => {}, env })).rejects.toThrow(/could not be built\. go install .*\n {2}\| dial tcp: no route to host\nIf Go cannot/);
});

test('a `temporal` that is something else, or too old, is passed over', async () => {
  const env = computerWhere({ temporal: "echo 'temporal version 0.9.0'", go: 'exit 1' });
  await expect(temporalCli({ log: () => {}, env })).rejects.toThrow('could not be built');
  await expect(temporalCli({ log: () => {}, env: { ...env, TEMPORAL_CLI: join(env.PATH.split(':')[0]!, 'temporal') } })).rejects.toThrow('names no server version');
});
