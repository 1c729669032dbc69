// The Temporal CLI holds a whole development server. It is found on PATH, or built once with Go and kept in the cache.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheRoot, cached, isCached } from './cache.mjs';
import { DownloadError } from './errors.ts';
import type { FetchOptions } from './maven.ts';
import { firstOutput, go, WITH_DOCKER, type Prerequisite } from './prerequisites.ts';
import { withProgress } from './progress.mjs';
import { runCommand } from './run-command.mjs';

// The newest version that `go install` accepts: from 1.6.0 on its module has a `replace` line.
const VERSION = '1.5.1';
const ENTRY = `temporal-cli-${VERSION}`;

export interface TemporalCli {
  readonly path: string;
  /** Of the server inside: its database files must not be opened by another version. */
  readonly serverVersion: string;
}

export async function temporalPrerequisites(env: NodeJS.ProcessEnv): Promise<Prerequisite[]> {
  if (isCached(ENTRY, env) || (await usableCli(env))) return [];
  return [
    go(
      'to build the Temporal CLI with its development server (once), because TEMPORAL_ADDRESS names no server to use and no usable `temporal` is on PATH',
      [
        'or install the Temporal CLI 1.1 or newer (https://docs.temporal.io/cli) and have `temporal` on PATH, or TEMPORAL_CLI set to its path',
        'or set TEMPORAL_ADDRESS to a Temporal server you already have, such as TEMPORAL_ADDRESS=localhost:7233',
        WITH_DOCKER,
      ],
      env,
    ),
  ];
}

export async function temporalCli(options: FetchOptions): Promise<TemporalCli> {
  return (await usableCli(options.env)) ?? (await inspect(join(await build(options), 'temporal'), options.env));
}

/** TEMPORAL_CLI if set, else the one on PATH, if it can do what we ask of it. */
async function usableCli(env: NodeJS.ProcessEnv): Promise<TemporalCli | undefined> {
  if (env['TEMPORAL_CLI']) return await inspect(env['TEMPORAL_CLI'], env);
  const onPath = (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'temporal')).find((path) => existsSync(path));
  return onPath === undefined ? undefined : await inspect(onPath, env).catch(() => undefined);
}

/** The CLI if it is here already, without fetching anything: for tests that start servers of their own. */
export async function temporalCliPath(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const usable = await usableCli(env);
  return usable?.path ?? (isCached(ENTRY, env) ? join(cacheRoot(env), ENTRY, 'temporal') : undefined);
}

async function inspect(path: string, env: NodeJS.ProcessEnv): Promise<TemporalCli> {
  const banner = await firstOutput(path, ['--version'], env);
  const serverVersion = /Server (\d+\.\d+\.\d+)/.exec(banner)?.[1];
  if (serverVersion === undefined) throw new Error(`\`${path} --version\` names no server version, so it is not the Temporal CLI: ${banner.trim()}`);
  const help = await firstOutput(path, ['server', 'start-dev', '--help'], env);
  if (!help.includes('--sqlite-pragma')) throw new Error(`${path} is too old: its start-dev has no --sqlite-pragma. Install Temporal CLI 1.1 or newer.`);
  return { path, serverVersion };
}

async function build({ log, env, signal }: FetchOptions): Promise<string> {
  return await cached(
    ENTRY,
    async (folder) => {
      // Go's own scratch files belong into ours, which is removed also after a kill -9.
      const scratch = join(folder, 'go-build');
      await mkdir(scratch);
      await install({ log, env: { ...env, GOBIN: folder, GOTMPDIR: scratch }, signal });
      await rm(scratch, { recursive: true, force: true });
    },
    { log, what: 'Temporal', env, signal },
  );
}

async function install({ log, env, signal }: FetchOptions): Promise<void> {
  let packages = 0;
  try {
    await withProgress(log, 'Temporal: building its CLI with Go (once, takes two to four minutes)', (detail) =>
      runCommand('go', ['install', '-v', `github.com/temporalio/cli/cmd/temporal@v${VERSION}`], {
        env,
        signal,
        isNoise: (line) => line.startsWith('go: downloading '),
        onLine: (line) => detail(line.startsWith('go: ') ? line.slice(4) : `${++packages} packages compiled, last ${line}`),
      }),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(
      `The Temporal CLI could not be built. ${error instanceof Error ? error.message : error}\n` +
        'If Go cannot reach its module proxy, set GOPROXY to one that it can reach, and run this again; what is compiled is kept. ' +
        'Or install the Temporal CLI (https://docs.temporal.io/cli), or give TEMPORAL_ADDRESS.',
    );
  }
}
