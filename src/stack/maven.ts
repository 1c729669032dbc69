// Fetches jars through the computer's own Maven, so its mirrors, proxies and credentials are the user's.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, type Log } from './cache.mjs';
import { DownloadError } from './errors.ts';
import { withProgress } from './progress.mjs';
import { runCommand } from './run-command.mjs';

export interface FetchOptions {
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/** Names of artifacts: `group:artifact:version`. */
export type Coordinates = `${string}:${string}:${string}`;

// Two Mavens at once can trip over each other in ~/.m2 (3.x does not lock it), so all our downloads take one lock.
const MAVEN_LOCK = 'maven';

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin';

/** A cache entry with `lib/`: the artifacts and everything they need to run. */
export async function fetchJars(entry: string, what: string, artifacts: readonly Coordinates[], options: FetchOptions): Promise<string> {
  return await cached(
    entry,
    async (folder) => {
      const project = join(folder, 'pom.xml');
      await writeFile(project, pom(artifacts));
      await maven(what, ['-f', project, `${PLUGIN}:3.8.1:copy-dependencies`, '-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'lib')}`], options);
    },
    { ...options, what, lockName: MAVEN_LOCK },
  );
}

/** A cache entry with the unpacked content of one `.tar.gz` artifact. */
export async function fetchArchive(entry: string, what: string, artifact: Coordinates, classifier: string, options: FetchOptions): Promise<string> {
  return await cached(
    entry,
    async (folder) => {
      const download = join(folder, 'download');
      await mkdir(download);
      // Plugin 2.10, deliberately: newer ones first read the POM and all its parents, which an archive to be run does not need and
      // which not every repository carries.
      await maven(what, [`${PLUGIN}:2.10:copy`, `-Dartifact=${artifact}:tar.gz:${classifier}`, `-DoutputDirectory=${download}`], { ...options, cwd: folder });
      const [, name, version] = artifact.split(':');
      const archive = join(download, `${name}-${version}-${classifier}.tar.gz`);
      await runCommand('tar', ['-xzf', archive, '-C', folder], { signal: options.signal });
      await runCommand('rm', ['-r', download], { signal: options.signal });
    },
    { ...options, what, lockName: MAVEN_LOCK },
  );
}

async function maven(what: string, args: readonly string[], options: FetchOptions & { cwd?: string }): Promise<void> {
  const { env, log, signal, ...where } = options;
  let files = 0;
  try {
    await withProgress(log, `${what}: downloading with Maven`, (detail) =>
      // -U: a failure that Maven remembers from an earlier try must not decide this one.
      runCommand('mvn', ['-B', '-U', ...args], {
        ...where,
        env,
        signal,
        isNoise: (line) => line.startsWith('[INFO]'),
        onLine: (line) => {
          const name = /Downloaded from .*\/([^/ ]+) /.exec(line)?.[1];
          if (name !== undefined) detail(`${++files} files, last ${name}`);
        },
      }),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError(
      `${what} could not be downloaded. ${error instanceof Error ? error.message : error}\n` +
        'If Maven cannot reach its repository, tell it in ~/.m2/settings.xml which proxy or mirror to use, and run this again; what has arrived is kept. ' +
        'Or give the address of a server you already have.',
    );
  }
}

function pom(artifacts: readonly Coordinates[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [groupId, artifactId, version] = artifact.split(':');
    return `    <dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`;
  });
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '  <modelVersion>4.0.0</modelVersion>',
    '  <groupId>millrace</groupId><artifactId>stack</artifactId><version>1</version><packaging>pom</packaging>',
    '  <dependencies>',
    ...dependencies,
    '  </dependencies>',
    '</project>',
    '',
  ].join('\n');
}
