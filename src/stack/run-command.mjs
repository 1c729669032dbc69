// Runs one outside tool (npm, mvn, go, tar) to its end: its lines are heard, its failure is quoted, and it never outlives us.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { guard } from './guard.mjs';

/** How many of the tool's last lines an error quotes. */
const QUOTED_LINES = 15;

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, isNoise?: (line: string) => boolean, signal?: AbortSignal | undefined }} [options]
 *   isNoise: lines that tell of progress and explain no failure
 * @returns {Promise<void>}
 */
export async function runCommand(file, args, options = {}) {
  options.signal?.throwIfAborted();
  /** @type {string[]} */
  const last = [];
  // In a process group of its own: tools start helpers (compilers, JVMs), and all of them must end together.
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  if (child.pid === undefined) await ended; // it never started: throws why
  const pid = /** @type {number} */ (child.pid);
  guard().add(pid, { graceMs: 0, group: true });
  const stop = () => killGroup(pid);
  options.signal?.addEventListener('abort', stop, { once: true });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (!options.isNoise?.(line)) last.push(line);
      if (last.length > QUOTED_LINES) last.shift();
      options.onLine?.(line);
    });
  }
  try {
    const outcome = await ended;
    options.signal?.throwIfAborted();
    if (outcome !== 0) throw new Error(`${file} ${args.join(' ')} failed (${outcome}). Its last lines:\n${last.map((line) => `  | ${line}`).join('\n')}`);
  } finally {
    options.signal?.removeEventListener('abort', stop);
    guard().remove(pid);
  }
}

/** Unfinished work is in a scratch folder and will be thrown away, so there is nothing to be gentle about. @param {number} pid */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ended by itself in this instant
  }
}
