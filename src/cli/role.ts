// What every role of the order system has in common: servers to talk to, a log on stderr, and an orderly end on Ctrl-C.

import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { connectKafka, connectRegistry, kafkaSettingsFromEnv, type Broker, type LogLevel, type Registry } from 'millrace';
import { cloneDataDir, connectToStack } from '../stack/index.ts';
import { interruption } from './interruption.mjs';

export interface Role {
  readonly broker: Broker;
  /** Only for roles that asked for it. */
  readonly registry: Registry;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (level: LogLevel, message: string) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Ends this role with an error, from outside its main flow. */
  readonly fail: (error: unknown) => void;
}

export interface RoleNeeds {
  readonly name: string;
  readonly registry?: boolean;
  readonly temporal?: boolean;
}

/**
 * Runs a role until its work ends or Ctrl-C. `start` sets the role up and answers how to end it; with `untilDone`, the role ends by itself when that settles.
 * @returns the exit code: 0 also after Ctrl-C, which is the normal end of a role
 */
export async function runRole(
  { name, registry = false, temporal = false }: RoleNeeds,
  start: (role: Role) => Promise<{ readonly close: () => Promise<unknown>; readonly untilDone?: Promise<unknown> }>,
): Promise<number> {
  const log = logTo(name);
  const interrupted = interruption();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const stack = await connectToStack({
    need: { kafka: true, registry, temporal },
    dataDir: cloneDataDir,
    log: (line) => log('info', line),
    signal: interrupted.signal,
  });
  const env = { ...process.env, ...stack.env };
  const broker = connectKafka({ ...kafkaSettingsFromEnv(env), clientId: `millrace-${name}`, logger: (line) => log('warn', line) });
  const connectedRegistry = registry ? connectRegistry({ ...registrySettings(env), onTrouble: (reason) => log('warn', reason) }) : undefined;
  try {
    await broker.admin.waitUntilReachable({ onWaiting: (reason) => log('warn', reason), signal: interrupted.signal });
    const role = { broker, registry: connectedRegistry as Registry, env, log, signal: interrupted.signal, fail: failed.reject };
    const { close, untilDone } = await startedUnless(interrupted.signal, start(role));
    try {
      await Promise.race([aborted(interrupted.signal), failed.promise, ...(untilDone === undefined ? [] : [untilDone])]);
    } finally {
      await close();
    }
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return interrupted.exitCode ?? 1;
    throw error;
  } finally {
    connectedRegistry?.close?.();
    await broker.close();
    await stack.stop();
  }
}

/** A role that waits for something while it starts, such as a topic that somebody else makes, ends at the first Ctrl-C like any other. */
export async function startedUnless<Started extends { readonly close: () => Promise<unknown> }>(interrupted: AbortSignal, starting: Promise<Started>): Promise<Started> {
  const started = await Promise.race([aborted(interrupted), starting]);
  if (started !== undefined) return started;
  // Closing the connections ends whatever it still waits for.
  starting.then(({ close }) => close()).catch(() => {});
  throw interrupted.reason;
}

export function logTo(name: string): (level: LogLevel, message: string) => void {
  return (level, message) => {
    if (level === 'debug' && process.env['MILLRACE_DEBUG'] === undefined) return;
    console.error(`${new Date().toISOString()} ${level.padEnd(5)} [${name}] ${message}`);
  };
}

/** Local files belong to the cluster they were made with: the one that was given, or this clone's own. */
export function dataDir(): string {
  const given = process.env['KAFKA_BROKERS'];
  const owner = given === undefined || given === '' ? 'local' : createHash('sha256').update(given).digest('hex').slice(0, 12);
  return join(cloneDataDir, `system-${owner}`);
}

export function registrySettings(env: Readonly<Record<string, string | undefined>>): { url: string; auth?: { username: string; password: string } } {
  const { SCHEMA_REGISTRY_URL: url = '', SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD: password } = env;
  return { url, ...(username === undefined || password === undefined ? {} : { auth: { username, password } }) };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
