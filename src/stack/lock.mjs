// A lock between processes that survives `kill -9` of its holder: whoever comes next sees that the holder is gone and takes over.
import { linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeProcess, isRunning } from './process-identity.mjs';

/**
 * @typedef {{ pid: number, identity: string, command: string, released?: boolean }} Holder
 * @typedef {{ release: () => void }} Lock
 */

/**
 * Takes the lock, or says who has it.
 *
 * A lock is a folder of numbered claims; the highest number holds. Creating a claim is one atomic link(), and the highest claim is
 * never deleted, only marked as released: so numbers never repeat, and two processes that both see a dead holder cannot both win.
 * @param {string} folder
 * @returns {{ lock: Lock } | { holder: Holder }}
 */
export function tryLock(folder) {
  mkdirSync(folder, { recursive: true });
  for (;;) {
    const highest = highestClaim(folder);
    const holder = highest === 0 ? undefined : readClaim(folder, highest);
    if (holder && !holder.released && isRunning(holder)) return { holder };
    const mine = highest + 1;
    if (!claim(folder, mine)) continue;
    if (highestClaim(folder) !== mine) {
      // The listing above missed a claim that was being made: ours is not the highest, so it counts for nothing.
      rmSync(claimPath(folder, mine), { force: true });
      continue;
    }
    for (const number of claims(folder)) if (number < mine) rmSync(claimPath(folder, number), { force: true });
    return { lock: { release: () => writeClaim(folder, mine, true) } };
  }
}

/**
 * Waits until the lock is free. `onWait` hears who has it, at once and then every few seconds.
 * @param {string} folder
 * @param {(holder: Holder, seconds: number) => void} [onWait]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Lock>}
 */
export async function acquireLock(folder, onWait, signal) {
  const since = Date.now();
  for (let tries = 0; ; tries++) {
    signal?.throwIfAborted();
    const result = tryLock(folder);
    if ('lock' in result) return result.lock;
    if (tries % 15 === 0) onWait?.(result.holder, Math.round((Date.now() - since) / 1000));
    await sleep(200, undefined, signal ? { signal } : {});
  }
}

/** @param {string} folder @returns {number[]} */
function claims(folder) {
  return readdirSync(folder).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** @param {string} folder */
function highestClaim(folder) {
  return Math.max(0, ...claims(folder));
}

/** @param {string} folder @param {number} number */
function claimPath(folder, number) {
  return join(folder, String(number));
}

/** @param {string} folder @param {number} number @returns {Holder | undefined} */
function readClaim(folder, number) {
  try {
    return JSON.parse(readFileSync(claimPath(folder, number), 'utf8'));
  } catch {
    return undefined; // its holder has just been replaced, or the disk was full when it was written: nobody holds by it
  }
}

/** @param {string} folder @param {number} number @returns {boolean} whether this process made the claim */
function claim(folder, number) {
  const draft = join(folder, `draft-${process.pid}-${number}`);
  writeFileSync(draft, claimText(false));
  try {
    linkSync(draft, claimPath(folder, number));
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @param {string} folder @param {number} number @param {boolean} released */
function writeClaim(folder, number, released) {
  try {
    writeFileSync(claimPath(folder, number), claimText(released));
  } catch (error) {
    // A test or a user may have removed the whole folder meanwhile: then there is nothing left to release.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
}

/** @param {boolean} released */
function claimText(released) {
  return JSON.stringify({ ...describeProcess(), command: process.argv.slice(1).join(' '), released });
}
