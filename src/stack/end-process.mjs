// Ends processes that may not be our children: asks first, then insists, and touches nothing that merely has the same pid.
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './process-identity.mjs';

/**
 * SIGTERM goes to the process alone, since it may want to end its helpers in order; SIGKILL to all of its group.
 * @param {{ pid: number, identity: string, group?: boolean }} target group: it leads a process group, and all of it is meant
 * @param {number} graceMs time between SIGTERM and SIGKILL; 0 sends SIGKILL at once
 */
export async function endProcess(target, graceMs) {
  if (!isRunning(target)) return;
  if (graceMs > 0) {
    send(target.pid, 'SIGTERM');
    for (const until = Date.now() + graceMs; Date.now() < until && isRunning(target); ) await sleep(50);
  }
  // Also when it has ended by itself: helpers that it left behind have nobody any more.
  send(target.group ? -target.pid : target.pid, 'SIGKILL');
  while (isRunning(target)) await sleep(20);
}

/**
 * What is left of the group of a process that has just ended, so that its number cannot mean another group yet.
 * @param {number} leader @param {number} graceMs
 */
export async function endGroup(leader, graceMs) {
  if (!send(-leader, 'SIGTERM')) return;
  for (const until = Date.now() + graceMs; Date.now() < until; await sleep(50)) if (!send(-leader, 0)) return;
  send(-leader, 'SIGKILL');
}

/** @param {number} pid negative: the process group @param {NodeJS.Signals | 0} signal @returns {boolean} whether there was anyone to get it */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // EPERM: how macOS says that only zombies are left, since everything we signal is our own.
    if (['ESRCH', 'EPERM'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) return false;
    throw error;
  }
}
