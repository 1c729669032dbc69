// Says which process a pid stands for: a pid alone is reused by the system, so every note we leave on disk carries both.
// Plain JavaScript, like all .mjs files here: the bootstrap needs it under an installed Node that is too old for TypeScript.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * A text that is the same for the whole life of one process and different for any other process that gets its pid later.
 * @param {number} pid
 * @returns {string | undefined} undefined when no such process runs (a zombie does not run)
 */
export function processIdentity(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const stat = process.platform === 'linux' ? statFromProc(pid) : statFromPs(pid);
  return stat?.identity;
}

/** @param {number} pid @returns {number | undefined} the pid of its parent */
export function parentOf(pid) {
  return (process.platform === 'linux' ? statFromProc(pid) : statFromPs(pid))?.parent;
}

/** @param {number} pid @returns {string | undefined} the short name of the program it runs: `sh`, `node` */
export function programOf(pid) {
  return (process.platform === 'linux' ? statFromProc(pid) : statFromPs(pid))?.program;
}

/** What we write down about a process to find it again. @param {number} [pid] */
export function describeProcess(pid = process.pid) {
  return { pid, identity: processIdentity(pid) ?? '' };
}

/** @param {{ pid: number, identity: string }} noted @returns {boolean} whether exactly that process still runs */
export function isRunning(noted) {
  const identity = processIdentity(noted.pid);
  return identity !== undefined && identity === noted.identity;
}

/** @param {number} pid */
function statFromProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name sits in parentheses and may itself contain spaces and parentheses: the fields begin after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent, startTicks] = [fields[0], Number(fields[1]), fields[19]];
    if (state === 'Z' || state === 'X') return undefined;
    return { identity: `${bootId()}/${startTicks}`, parent, program: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')) };
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function statFromPs(pid) {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const line = execFileSync('ps', ['-o', 'stat=,ppid=,lstart=,comm=', '-p', String(pid)], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
    // S 1 Sun Nov 22 18:00:00 2026 /bin/sh
    const [state = '', parent, ...rest] = line.trim().split(/\s+/);
    if (state === '' || state.startsWith('Z')) return undefined;
    return { identity: rest.slice(0, 5).join(' '), parent: Number(parent), program: basename(rest.slice(5).join(' ')) };
  } catch {
    return undefined;
  }
}

/** Start times count from boot, so after a restart of the computer they repeat. */
function bootId() {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'boot';
  }
}
