// Downloads and builds are made once per computer and kept outside the clone, so that a second clone starts in seconds.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { acquireLock } from './lock.mjs';
import { describeProcess, isRunning } from './process-identity.mjs';

/** @typedef {(line: string) => void} Log */

/** MILLRACE_CACHE, else XDG_CACHE_HOME/millrace, else ~/.cache/millrace. @param {NodeJS.ProcessEnv} [env] */
export function cacheRoot(env = process.env) {
  if (env['MILLRACE_CACHE']) return absolute('MILLRACE_CACHE', env['MILLRACE_CACHE']);
  if (env['XDG_CACHE_HOME']) return join(absolute('XDG_CACHE_HOME', env['XDG_CACHE_HOME']), 'millrace');
  return join(homedir(), '.cache', 'millrace');
}

/** Whether the entry is there; an entry that is there is complete. @param {string} name @param {NodeJS.ProcessEnv} [env] */
export function isCached(name, env = process.env) {
  return existsSync(join(cacheRoot(env), name));
}

/**
 * The folder of a cache entry, made first if it is not there yet.
 *
 * `make` fills an empty folder beside the others; only when it has returned does that folder get the entry's name, in one rename.
 * So an entry exists whole or not at all, whatever is interrupted or killed, and two first runs at once do the work once.
 * @param {string} name with the version in it: an entry never changes
 * @param {(folder: string) => Promise<void>} make
 * @param {{ log: Log, what: string, env?: NodeJS.ProcessEnv, lockName?: string, signal?: AbortSignal | undefined }} options
 *   lockName: entries made with one and the same outside tool share a lock
 * @returns {Promise<string>}
 */
export async function cached(name, make, options) {
  const root = cacheRoot(options.env);
  const entry = join(root, name);
  if (existsSync(entry)) return entry;
  makeRoot(root);
  const lock = await acquireLock(
    join(root, 'locks', options.lockName ?? name),
    (holder, seconds) => {
      const busy = holder.pid === process.pid ? 'the download before it' : `another run that fetches into ${root} (process ${holder.pid})`;
      if (seconds > 0) options.log(`${options.what}: waiting for ${busy} … ${seconds} s`);
    },
    options.signal,
  );
  try {
    if (existsSync(entry)) return entry;
    const folder = scratchFolder(root);
    try {
      await make(folder);
      options.signal?.throwIfAborted();
      chmodSync(folder, 0o755); // mkdtemp makes it private, but a cache may be shared
      renameSync(folder, entry);
    } finally {
      removeScratch(folder);
    }
    return entry;
  } finally {
    lock.release();
  }
}

/** @param {string} variable @param {string} path */
function absolute(variable, path) {
  if (isAbsolute(path)) return path;
  throw unusable(`${variable} is "${path}", which is not an absolute path, so every folder would get a cache of its own. Set it to an absolute path, or unset it.`);
}

/** An error of the same shape as those in errors.ts, which the bootstrap cannot load. @param {string} message */
function unusable(message) {
  return Object.assign(new Error(message), { code: 'CACHE_UNUSABLE', remedy: 'fix-settings' });
}

/** @param {string} root */
function makeRoot(root) {
  try {
    mkdirSync(join(root, 'scratch'), { recursive: true });
  } catch (error) {
    throw unusable(
      `Cannot create the download cache ${root}: ${error instanceof Error ? error.message : error}. ` +
        'Make it writable, or set MILLRACE_CACHE to a folder that is.',
    );
  }
}

/**
 * A new empty folder on the same disk as the cache; folders of processes that were killed are swept out on the way.
 * @param {string} root
 */
function scratchFolder(root) {
  const scratch = join(root, 'scratch');
  for (const name of readdirSync(scratch).filter((each) => each.endsWith('.owner'))) {
    if (!isRunning(readOwner(join(scratch, name)))) removeScratch(join(scratch, name.slice(0, -'.owner'.length)));
  }
  const folder = mkdtempSync(join(scratch, 'new-'));
  writeFileSync(`${folder}.owner`, JSON.stringify(describeProcess()));
  return folder;
}

/** @param {string} folder */
function removeScratch(folder) {
  rmSync(folder, { recursive: true, force: true });
  rmSync(`${folder}.owner`, { force: true });
}

/** @param {string} path */
function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { pid: 0, identity: '' };
  }
}
