// One server of the local stack as a child process: started, waited for until it answers, watched, stopped; its output goes to a file.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './cache.mjs';
import { endProcess } from './end-process.mjs';
import { ServerDiedError } from './errors.ts';
import { guard } from './guard.mjs';
import { describeProcess, isRunning } from './process-identity.mjs';
import { withProgress } from './progress.mjs';

export interface ServerSpec {
  /** As people call it: "Kafka". */
  readonly title: string;
  /** All that this server leaves on disk: data/, server.log, pid.json. */
  readonly folder: string;
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** A settings file, written anew before every start: ports may have changed. */
  readonly settings?: { readonly path: string; readonly text: string };
  /** Prepares an empty data/ before the very first start. */
  readonly initialise?: (signal: AbortSignal | undefined) => Promise<void>;
  /** Resolves when the server answers a real request; rejects when it does not yet. Called again and again. */
  readonly probe: () => Promise<void>;
}

export interface RunningServer {
  readonly title: string;
  readonly pid: number;
  /** Settles when the process has ended; with an error if nobody asked for that. */
  readonly ended: Promise<ServerDiedError | undefined>;
  stop(): Promise<void>;
  /** As a crash would: SIGKILL, nothing announced. */
  kill(): Promise<void>;
}

const READY_MS_MAX = 120_000;
const STOP_GRACE_MS = 15_000;
/** After a kill -9 of ours a server may take this long to close its files, before it is killed too. */
const ORPHAN_GRACE_MS = 8_000;
const QUOTED_LINES = 25;

export async function startServer(spec: ServerSpec, log: Log, signal?: AbortSignal): Promise<RunningServer> {
  mkdirSync(spec.folder, { recursive: true });
  await endLeftover(spec.folder, spec.title, log);
  if (spec.settings) writeFileSync(spec.settings.path, spec.settings.text);
  await prepareData(spec, signal);
  signal?.throwIfAborted();

  const child = launch(spec);
  let stopping = false;
  const ended = once(child, 'exit').then(([code, by]) => {
    guard().remove(child.pid!);
    rmSync(pidFile(spec.folder), { force: true });
    return stopping ? undefined : new ServerDiedError(`${spec.title} ended by itself (${code ?? by}).\n${lastLines(spec)}`);
  });
  const end = async (graceMs: number): Promise<void> => {
    stopping = true;
    await endProcess({ ...describeProcess(child.pid!), group: true }, graceMs);
    await ended;
  };

  try {
    await withProgress(log, `${spec.title}: starting`, () => untilReady(spec, ended, signal));
  } catch (error) {
    await end(2_000);
    throw error;
  }
  writeFileSync(readyMarker(spec), '');
  return { title: spec.title, pid: child.pid!, ended, stop: () => end(STOP_GRACE_MS), kill: () => end(0) };
}

/** A server of an earlier run of ours that was killed with -9, whose guard was killed too or has not finished. */
export async function endLeftover(folder: string, title: string, log: Log): Promise<void> {
  if (!existsSync(pidFile(folder))) return;
  const left = readPidFile(folder);
  if (isRunning(left)) {
    log(`${title}: ending process ${left.pid}, left over from a run that was killed`);
    await endProcess({ ...left, group: true }, ORPHAN_GRACE_MS);
  }
  rmSync(pidFile(folder), { force: true });
}

/** Data counts only once the server has answered on it: a first start that was interrupted leaves half a schema, and is begun anew. */
async function prepareData(spec: ServerSpec, signal: AbortSignal | undefined): Promise<void> {
  if (existsSync(readyMarker(spec))) return;
  rmSync(join(spec.folder, 'data'), { recursive: true, force: true });
  mkdirSync(join(spec.folder, 'data'), { recursive: true });
  await spec.initialise?.(signal);
}

function launch(spec: ServerSpec): ChildProcess {
  if (existsSync(logFile(spec))) renameSync(logFile(spec), `${logFile(spec)}.previous`);
  const output = openSync(logFile(spec), 'a');
  try {
    // In a process group of its own: a Ctrl-C in the terminal must not stop Kafka before those who still want to commit to it.
    const child = spawn(spec.executable, spec.args, { cwd: spec.folder, env: spec.env, stdio: ['ignore', output, output], detached: true });
    child.once('error', () => {}); // reported by the missing pid below
    if (child.pid === undefined) throw new ServerDiedError(`${spec.title} cannot be started: ${spec.executable} does not run on this computer.`);
    guard().add(child.pid, { graceMs: ORPHAN_GRACE_MS, group: true });
    writeFileSync(pidFile(spec.folder), JSON.stringify(describeProcess(child.pid)));
    return child;
  } finally {
    closeSync(output);
  }
}

async function untilReady(spec: ServerSpec, ended: Promise<ServerDiedError | undefined>, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + READY_MS_MAX;
  const death = ended.then((error) => {
    throw error ?? new ServerDiedError(`${spec.title} was stopped while it started.`);
  });
  death.catch(() => {});
  for (;;) {
    signal?.throwIfAborted();
    const answer = await Promise.race([death, spec.probe().then(() => 'ready', (error: unknown) => error)]);
    if (answer === 'ready') return;
    if (Date.now() > deadline) {
      throw new ServerDiedError(`${spec.title} did not answer within ${READY_MS_MAX / 1000} s (${answer}).\n${lastLines(spec)}`);
    }
    await Promise.race([death, sleep(150)]);
  }
}

function lastLines(spec: ServerSpec): string {
  const lines = existsSync(logFile(spec)) ? readFileSync(logFile(spec), 'utf8').trimEnd().split('\n').slice(-QUOTED_LINES) : [];
  return [`The last lines of ${logFile(spec)}:`, ...lines.map((line) => `  | ${line}`)].join('\n');
}

function readPidFile(folder: string): { pid: number; identity: string } {
  try {
    return JSON.parse(readFileSync(pidFile(folder), 'utf8')) as { pid: number; identity: string };
  } catch {
    return { pid: 0, identity: '' }; // killed while writing it, in the instant after the start: the guard knows that process
  }
}

const logFile = (spec: ServerSpec): string => join(spec.folder, 'server.log');
const pidFile = (folder: string): string => join(folder, 'pid.json');
const readyMarker = (spec: ServerSpec): string => join(spec.folder, 'data', '.answered');
