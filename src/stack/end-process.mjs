// Ends a process that may not be our child: asks first, then insists, and touches nothing that merely has the same pid.
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './process-identity.mjs';

/**
 * SIGTERM goes to the process alone, since it may want to end its helpers in order; SIGKILL to its whole group.
 * @param {{ pid: number, identity: string, group?: boolean }} target group: it leads a process group, and all of it is meant
 * @param {number} graceMs time between SIGTERM and SIGKILL; 0 sends SIGKILL at once
 * @returns {Promise<boolean>} whether it had to be killed
 */
export async function endProcess(target, graceMs) {
  if (!isRunning(target)) return false;
  if (graceMs > 0) {
    send(target.pid, 'SIGTERM');
    for (const until = Date.now() + graceMs; Date.now() < until; await sleep(50)) if (!isRunning(target)) return false;
  }
  send(target.group ? -target.pid : target.pid, 'SIGKILL');
  while (isRunning(target)) await sleep(20);
  return true;
}

/** @param {number} pid negative: the process group @param {NodeJS.Signals} signal */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error; // it ended by itself in this instant
  }
}
