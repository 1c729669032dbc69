// Runs a program (the compiler, the test runner, an example) in front of the user: its output is theirs, its end is never missed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { endGroup } from '../stack/end-process.mjs';
import { guard } from '../stack/guard.mjs';
import { cloneRoot } from '../stack/index.ts';

const STOP_GRACE_MS = 8_000;
const LEFTOVER_GRACE_MS = 3_000;

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** A tool from node_modules. @returns its exit code; 1 if a signal ended it */
export async function runNodeTool(packageName: string, args: readonly string[], options: RunOptions): Promise<number> {
  return await runNode([entryOf(packageName), ...args], options);
}

/** A program and its arguments. @returns its exit code; 1 if a signal ended it */
export async function runNode(args: readonly string[], options: RunOptions): Promise<number> {
  options.signal.throwIfAborted();
  const child = spawn(process.execPath, args, { cwd: cloneRoot, env: { ...process.env, ...options.env }, stdio: 'inherit', detached: true });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${args[0]} could not be started.`);
  guard().add(pid, { graceMs: 0, group: true });
  const stop = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS).unref();
  };
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    const [code] = await ended;
    return code ?? 1;
  } finally {
    options.signal.removeEventListener('abort', stop);
    guard().remove(pid);
    await endGroup(pid, LEFTOVER_GRACE_MS); // what a test started and did not end
  }
}

/** The first command that the package offers. */
function entryOf(packageName: string): string {
  const file = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  const { bin } = createRequire(import.meta.url)(file) as { bin: string | Record<string, string> };
  const entry = typeof bin === 'string' ? bin : (bin[packageName] ?? bin['tsc']);
  if (entry === undefined) throw new Error(`${packageName} offers no command in ${file}.`);
  return join(dirname(file), entry);
}
