// Runs the command proper under the chosen Node: signals go to it, its end is ours, and it cannot outlive us.
import { spawn } from 'node:child_process';
import { echoFilter } from '../src/cli/interruption.mjs';
import { endGroup } from '../src/stack/end-process.mjs';
import { guard } from '../src/stack/guard.mjs';
import { onNpmGone } from './npm-gone.mjs';
import { withNodeFirst } from './npm.mjs';

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH']);
/** How long the command may take to end in order after we were killed. */
const ORPHAN_GRACE_MS = 25_000;
const LEFTOVER_GRACE_MS = 10_000;

/**
 * @param {string} node
 * @param {readonly string[]} args
 * @returns {Promise<never>}
 */
export async function handOver(node, args) {
  // In a session of its own, so that it hears of signals from us only, each once.
  const child = spawn(node, args, { stdio: 'inherit', env: withNodeFirst(node), detached: true });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  if (child.pid !== undefined) guard().add(child.pid, { graceMs: ORPHAN_GRACE_MS, group: true });
  forwardSignals(child);
  onNpmGone(() => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), ORPHAN_GRACE_MS);
  });
  const { code, signal } = await ended;
  if (child.pid !== undefined) {
    guard().remove(child.pid);
    await endGroup(child.pid, LEFTOVER_GRACE_MS); // if it was killed, the roles it had started are still there
  }
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal); // end as it ended, so that the shell says so
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  process.exit(code ?? 1);
}

/** @param {import('node:child_process').ChildProcess} child */
function forwardSignals(child) {
  const isEcho = echoFilter();
  for (const name of FORWARDED) {
    process.on(name, () => {
      if (name === 'SIGWINCH' || !isEcho(name)) child.kill(name);
    });
  }
  // Ctrl-Z and back. The command is in another session, where the terminal's own stop does not reach it.
  process.on('SIGTSTP', () => {
    child.kill('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  });
  process.on('SIGCONT', () => child.kill('SIGCONT'));
}
