// Runs a few lines as a process of its own, so that tests can kill it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const STACK = new URL('../../src/stack/', import.meta.url);

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** All it has printed so far. */
  readonly output: () => string;
  /** Resolves when that text has been printed; rejects if the process ends first. */
  readonly printed: (text: string) => Promise<void>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

/** `stack('lock.mjs')` in the code stands for that file of src/stack. */
export function runCode(code: string, options: { env?: NodeJS.ProcessEnv } = {}): Child {
  const prelude = `const stack = (file) => import(new URL(file, ${JSON.stringify(STACK.href)}));\n`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + code], { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  const ended = once(child, 'close').then(([exit, signal]) => ({ code: exit as number | null, signal: signal as string | null }));
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed = async (wanted: string): Promise<void> => {
    const isOver = ended.then(() => true);
    while (!text.includes(wanted)) {
      if (await Promise.race([isOver, pause(20)])) throw new Error(`ended before it printed "${wanted}":\n${text}`);
    }
  };
  return { process: child, pid: child.pid!, output: () => text, printed, ended };
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function eventually(check: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  for (const until = Date.now() + withinMs; Date.now() < until; await pause(25)) if (check()) return;
  throw new Error(`not within ${withinMs} ms: ${what}`);
}

async function pause(ms: number): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return false;
}
