// Temporal's Java test server skips time: a two-hour wait passes in milliseconds. Made to look like an executable, as the SDK's
// TestWorkflowEnvironment.createTimeSkipping wants one. It is right for timers only; what a bridge relies on needs the real server.
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCached, type Log } from './cache.mjs';
import { fetchJars } from './maven.ts';
import { checkPrerequisites, java, javaExecutable, maven } from './prerequisites.ts';

const VERSION = '1.38.0';
const ENTRY = `temporal-test-server-${VERSION}`;
const INSTEAD = ['or set MILLRACE_TEMPORAL_TEST_SERVER to the path of a Temporal test server executable you already have'];

export interface TestServerOptions {
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

export async function ensureTemporalTestServer(options: TestServerOptions): Promise<{ executablePath: string }> {
  const env = options.env ?? process.env;
  const given = env['MILLRACE_TEMPORAL_TEST_SERVER'];
  if (given) return { executablePath: given };
  const why = 'to test workflows with time skipping';
  await checkPrerequisites([java(why, INSTEAD, env), ...(isCached(ENTRY, env) ? [] : [maven(`${why} (download of 38 MB, once)`, INSTEAD, env)])]);
  const home = await fetchJars(ENTRY, 'Temporal test server', [`io.temporal:temporal-test-server:${VERSION}`], { ...options, env });
  return { executablePath: wrapper(home, env) };
}

/** Written on every call: the Java to run may have changed since the jars were fetched. */
function wrapper(home: string, env: NodeJS.ProcessEnv): string {
  const path = join(home, 'temporal-test-server');
  const draft = `${path}.${process.pid}`;
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  writeFileSync(draft, `#!/bin/sh\nexec ${quoted(javaExecutable(env))} -Xmx256m -cp ${quoted(join(home, 'lib', '*'))} io.temporal.testserver.TestServer "$@"\n`);
  chmodSync(draft, 0o755);
  renameSync(draft, path);
  return path;
}
