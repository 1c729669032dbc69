// A role of the order system as a child process: started, watched, started again when it dies, as an orchestrator would. Kill one and see.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guard } from '../../stack/guard.mjs';

export interface RoleProcessOptions {
  /** The command, `stream`. */
  readonly role: string;
  /** Told apart from others of the same role: `stream-2`. Names the log file. */
  readonly name?: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logDir: string;
  /** False: it ends by itself when its work is done. */
  readonly isRestarted: boolean;
  readonly onNotice: (message: string) => void;
}

const RESTART_DELAY_MS = 1_000;
const STOP_GRACE_MS = 15_000;
/** So many deaths within so long are no accident. */
const DEATHS_MAX = 5;
const DEATHS_WITHIN_MS = 60_000;
const LAST_LINES = 12;

export class RoleProcess {
  readonly name: string;
  readonly logFile: string;
  /** Settles when a role that ends by itself has ended well; rejects when one cannot be kept running. */
  readonly ended: Promise<void>;
  readonly #options: RoleProcessOptions;
  readonly #end = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #deaths: number[] = [];
  #isStopping = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: RoleProcessOptions) {
    this.#options = options;
    this.name = options.name ?? options.role;
    this.logFile = join(options.logDir, `${this.name}.log`);
    this.ended = this.#end.promise;
    this.ended.catch(() => {});
    mkdirSync(options.logDir, { recursive: true });
    this.#spawn('w');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** SIGKILL, as a crash would: it comes back by itself. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child !== undefined) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await gone;
      clearTimeout(force);
    }
    this.#end.resolve();
  }

  #spawn(flag: 'w' | 'a'): void {
    const { role, args, env } = this.#options;
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const log = openSync(this.logFile, flag);
    // A group of its own: Ctrl-C is for the parent, which ends its roles in order.
    const child = spawn(process.execPath, [main, role, ...args], { env, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) guard().add(pid, { graceMs: 0, group: true });
    child.once('exit', (code, signal) => {
      if (pid !== undefined) guard().remove(pid);
      this.#child = undefined;
      if (!this.#isStopping) this.#onDeath(code, signal);
    });
    child.once('error', (error) => this.#end.reject(error));
  }

  #onDeath(code: number | null, signal: NodeJS.Signals | null): void {
    const { isRestarted, onNotice } = this.#options;
    if (code === 0 && !isRestarted) return this.#end.resolve();
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WITHIN_MS), now];
    const how = signal ?? `exit code ${code}`;
    if (!isRestarted || (this.#deaths.length >= DEATHS_MAX && signal !== 'SIGKILL')) {
      return this.#end.reject(new Error(`The ${this.name} process ended with ${how}. Its last words, from ${this.logFile}:\n${lastLines(this.logFile)}`));
    }
    onNotice(`${this.name} (process ended with ${how}) is started again.`);
    this.#restart = setTimeout(() => this.#spawn('a'), RESTART_DELAY_MS);
  }
}

function lastLines(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.slice(-LAST_LINES).map((line) => `  ${line}`).join('\n');
}
