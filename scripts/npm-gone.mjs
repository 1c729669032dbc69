// Who kills npm with -9 means all that it runs, but nothing tells us of it: so look, once a second, whether npm is still there.
import { describeProcess, isRunning, parentOf, programOf } from '../src/stack/process-identity.mjs';

/**
 * @param {() => void} then called once, when the npm that runs this script has gone; never if none does
 * @returns {() => void} stops looking
 */
export function onNpmGone(then) {
  if (process.env['npm_lifecycle_event'] === undefined) return () => {};
  const parents = [process.ppid];
  // npm runs us through a shell, and not every shell steps aside for its only command.
  const shellsParent = /^-?(|ba|da|z|k|a)sh$/.test(programOf(process.ppid) ?? '') ? parentOf(process.ppid) : undefined;
  if (shellsParent !== undefined) parents.push(shellsParent);
  const watched = parents.map((pid) => describeProcess(pid));
  const timer = setInterval(() => {
    if (watched.every(isRunning)) return;
    clearInterval(timer);
    then();
  }, 1_000);
  timer.unref();
  return () => clearInterval(timer);
}
