// Finds the Node to run everything with: the installed one if it runs TypeScript as it is, else Node 24 from npm, kept in the cache.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../src/stack/cache.mjs';
import { withProgress } from '../src/stack/progress.mjs';
import { runNpm } from './npm.mjs';

const LEAST_MAJOR = 24;
const VERSION = '24.21.0';

/**
 * @param {(line: string) => void} log
 * @param {AbortSignal} signal
 * @returns {Promise<string>} path of the executable
 */
export async function suitableNode(log, signal) {
  if (Number(process.versions.node.split('.')[0]) >= LEAST_MAJOR) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const executable = ['node_modules', name, 'bin', 'node'];
  const entry = `${name}-${VERSION}`;
  try {
    const home = await cached(entry, (folder) => fetchNode(name, folder, executable, log, signal), { log, what: 'Node', signal });
    return join(home, ...executable);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(
      `Node ${LEAST_MAJOR} or newer is needed, since it runs TypeScript as it is. The installed Node is ${process.versions.node}, and fetching the npm package ` +
        `${name}@${VERSION} for this run did not work: ${error instanceof Error ? error.message : error}\n` +
        `Ways out:\n - install Node ${LEAST_MAJOR} (https://nodejs.org) and have it first on PATH\n - make npm able to download (\`npm ping\` tells), then run this again`,
    );
  }
}

/** @param {string} name @param {string} folder @param {readonly string[]} executable @param {(line: string) => void} log @param {AbortSignal} signal */
async function fetchNode(name, folder, executable, log, signal) {
  await withProgress(log, `Node ${VERSION}: downloading with npm, because the installed Node is ${process.versions.node}`, (detail) =>
    runNpm(process.execPath, ['install', '--prefix', folder, '--no-save', '--no-package-lock', `${name}@${VERSION}`], { cwd: folder, detail, signal }),
  );
  const path = join(folder, ...executable);
  if (!existsSync(path)) throw new Error(`the package has no ${executable.join('/')}`);
  // Not every system that has the right name can run it: Alpine's C library cannot.
  execFileSync(path, ['--version'], { stdio: 'pipe' });
}
