// Makes node_modules what package-lock.json says, and knows without asking npm whether it is: the check runs before every command.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock } from '../src/stack/lock.mjs';
import { withProgress } from '../src/stack/progress.mjs';
import { runNpm } from './npm.mjs';

/**
 * @param {string} root of the clone
 * @param {string} node to install with: under an older one npm may choose other versions
 * @param {(line: string) => void} log
 * @param {AbortSignal} signal
 */
export async function ensureDependencies(root, node, log, signal) {
  if (isInstalled(root)) return;
  mkdirSync(join(root, '.millrace'), { recursive: true });
  const lock = await acquireLock(
    join(root, '.millrace', 'install-lock'),
    (holder, seconds) => log(`Dependencies: another run is installing them (process ${holder.pid}), waiting … ${seconds} s`),
    signal,
  );
  try {
    if (isInstalled(root)) return;
    // First of all, so that a node_modules that was half removed or half filled can never be taken for a whole one.
    for (const proof of [stampFile(root), npmProofFile(root)]) rmSync(proof, { force: true });
    await withProgress(log, 'Dependencies: installing with `npm ci`', (detail) =>
      // Whatever NODE_ENV or the user's npm settings leave out elsewhere: here the compiler and the tests are wanted.
      runNpm(node, ['ci', '--include=dev', '--include=optional'], { cwd: root, detail, signal }),
    );
    if (!isInstalled(root)) throw new Error('`npm ci` succeeded, but node_modules is not what package-lock.json says. Delete node_modules and run this again.');
    writeFileSync(stampFile(root), stampText(root));
  } finally {
    lock.release();
  }
}

/** @param {string} root */
export function isInstalled(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (wanted === undefined) throw new Error(`${join(root, 'package-lock.json')} is missing or unreadable. It belongs to the repository: \`git checkout package-lock.json\` brings it back.`);
  return (hasStamp(root) || npmInstalled(root, wanted)) && everyPackageIsThere(root, wanted);
}

/** Our own proof, written after our own install. @param {string} root */
function hasStamp(root) {
  return existsSync(stampFile(root)) && readFileSync(stampFile(root), 'utf8') === stampText(root);
}

/**
 * npm's proof, for those who install by hand: the hidden lock file, which npm writes last.
 * @param {string} root
 * @param {Packages} wanted
 */
function npmInstalled(root, wanted) {
  const installed = packagesOf(npmProofFile(root));
  return installed !== undefined && required(wanted).every(([path, { version }]) => installed[path]?.version === version);
}

/** Someone may have deleted a folder since. @param {string} root @param {Packages} wanted */
function everyPackageIsThere(root, wanted) {
  return required(wanted).every(([path]) => existsSync(join(root, path, 'package.json')));
}

/**
 * Without those that npm may leave out, being for other systems.
 * @param {Packages} packages
 */
function required(packages) {
  return Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.optional && !entry.devOptional && !entry.link);
}

/** @typedef {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }>} Packages */

/** @param {string} path @returns {Packages | undefined} */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @param {string} root */
function stampText(root) {
  const lockFile = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  return `${process.platform}-${process.arch} ${lockFile}\n`;
}

/** @param {string} root */
const stampFile = (root) => join(root, 'node_modules', '.millrace-installed');
/** @param {string} root */
const npmProofFile = (root) => join(root, 'node_modules', '.package-lock.json');
