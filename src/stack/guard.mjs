// Makes sure that what we start ends with us, even when this process is killed with -9 and can do nothing any more.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { processIdentity } from './process-identity.mjs';

/** @typedef {{ add: (pid: number, options: { graceMs: number, group: boolean }) => void, remove: (pid: number) => void }} Guard */

/** @type {Guard | undefined} */
let shared;

/** The guard of this process, started on first use. */
export function guard() {
  return (shared ??= startGuard());
}

/** @returns {Guard} */
function startGuard() {
  // Detached: a Ctrl-C or a `kill` of the terminal's process group must not take the guard away before its time.
  const child = spawn(process.execPath, [fileURLToPath(new URL('./guard-process.mjs', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/', // a removed test folder must not be kept busy
  });
  child.unref();
  /** @type {any} */ (child.stdin).unref(); // a socket underneath: it must not keep a finished program alive
  child.stdin.on('error', () => {}); // someone killed the guard: the orderly way of stopping still works
  /** @param {object} message */
  const tell = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
  return {
    add: (pid, options) => tell({ add: { pid, identity: processIdentity(pid), ...options } }),
    remove: (pid) => tell({ remove: pid }),
  };
}
