// Brings up what is needed and not given: Kafka, Temporal and the schema registry, side by side, as local processes.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { addressesFrom, environmentOf } from './addresses.ts';
import type { Log } from './cache.mjs';
import { StackInUseError } from './errors.ts';
import { choosePorts } from './free-port.ts';
import { waitForGivenServer } from './given-server.ts';
import { kafkaPart } from './kafka-server.ts';
import { tryLock, type Holder, type Lock } from './lock.mjs';
import { PART_VARIABLES, PORT_NAMES, type PartName, type Plan, type PlanOptions, type StackPart } from './part.ts';
import { checkPrerequisites } from './prerequisites.ts';
import { registryPart } from './registry-server.ts';
import { findRunningStack, forgetRunningStack, noteRunningStack } from './running-stack.ts';
import { startServer, type RunningServer } from './server-process.ts';
import { temporalPart } from './temporal-server.ts';

export interface StackOptions {
  /** Parts that are not needed are neither started nor waited for. */
  readonly need: { readonly [Name in PartName]?: boolean };
  /** Where servers that are started keep their data and logs. */
  readonly dataDir: string;
  readonly log: Log;
  /** This stack is there to be shared: other commands of the clone use it while it runs (`npm run stack`). */
  readonly keepRunning?: boolean;
  /** Ends the waiting, and whatever was started, when a person interrupts. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for a server whose address was given. Default: for ever, with a message every few seconds. */
  readonly waitMsMax?: number | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Stack {
  /** Empty if Kafka is neither needed nor given; so with the other addresses. */
  readonly kafkaBrokers: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly schemaRegistryUrl: string;
  /** Known only for a Temporal that a Millrace command started. */
  readonly temporalUiUrl?: string;
  /** The same addresses as environment variables, for child processes. */
  readonly env: Record<string, string>;
  /** Settles when a server that was started here ends by itself, with its last words. Stays open otherwise. */
  readonly died: Promise<Error>;
  /** Ends what was started here. Servers that were given, or are shared, stay. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would; only for parts that were started here. */
  kill(part: PartName): Promise<void>;
  /** Starts a killed part again, at the same address and on the same data. */
  restart(part: PartName): Promise<void>;
}

const PARTS: Readonly<Record<PartName, StackPart>> = { kafka: kafkaPart, temporal: temporalPart, registry: registryPart };
const NAMES = Object.keys(PARTS) as PartName[];

/**
 * @throws {MissingPrerequisiteError} before anything is downloaded or started
 * @throws {StackInUseError} if another command runs a stack of its own in `dataDir`. A stack that was started to be shared is used instead.
 */
export async function ensureStack(options: StackOptions): Promise<Stack> {
  const env = options.env ?? process.env;
  const needed = NAMES.filter((name) => options.need[name]);
  const missing = needed.filter((name) => !env[PART_VARIABLES[name]]);
  if (missing.length === 0) {
    await waitForGiven(needed, env, options);
    return stackOf(addressesFrom(env), env, new Map(), async () => {});
  }

  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const taken = tryLock(join(dataDir, 'lock'));
  if ('holder' in taken) return await useShared(dataDir, taken.holder, missing, needed, env, options);
  try {
    return await bringUp(dataDir, taken.lock, missing, needed, env, options);
  } catch (error) {
    taken.lock.release();
    throw error;
  }
}

async function useShared(
  dataDir: string,
  holder: Holder,
  missing: readonly PartName[],
  needed: readonly PartName[],
  env: NodeJS.ProcessEnv,
  options: StackOptions,
): Promise<Stack> {
  const running = findRunningStack(dataDir);
  const serves = running?.isShared && missing.every((name) => running.env[PART_VARIABLES[name]]);
  if (!serves) throw inUse(dataDir, holder);
  options.log(`Using the stack that runs in this clone (\`npm run stack\`, process ${running.pid}).`);
  const merged = { ...running.env, ...environmentOf(addressesFrom(env)) };
  await waitForGiven(needed, merged, options);
  return stackOf({ ...addressesFrom(merged), ...(running.temporalUiUrl ? { temporalUiUrl: running.temporalUiUrl } : {}) }, env, new Map(), async () => {});
}

function inUse(dataDir: string, holder: Holder): StackInUseError {
  return new StackInUseError(
    `Another Millrace (process ${holder.pid}: ${holder.command}) keeps its servers in ${dataDir}, and two of them must not share files or topics by accident. ` +
      'Wait for it or stop it; or start `npm run stack` first, in a terminal of its own, and run both commands on that; or give KAFKA_BROKERS, TEMPORAL_ADDRESS and SCHEMA_REGISTRY_URL.',
  );
}

async function bringUp(
  dataDir: string,
  lock: Lock,
  missing: readonly PartName[],
  needed: readonly PartName[],
  env: NodeJS.ProcessEnv,
  options: StackOptions,
): Promise<Stack> {
  await checkPrerequisites((await Promise.all(missing.map((name) => PARTS[name].prerequisites(env)))).flat());
  // One part that fails takes the others with it: half a stack helps nobody, and its error should not scroll away under their progress.
  const failure = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal;
  const given = addressesFrom(env);
  const ports = await choosePorts(PORT_NAMES, join(dataDir, 'ports.json'));
  const planOptions: PlanOptions = { dataDir, ports, env, log: options.log, signal, namespace: given.temporalNamespace ?? 'default' };

  const started = new Map<PartName, Started>();
  const stopAll = async (): Promise<void> => void (await Promise.all([...started.values()].map(({ server }) => server.stop())));
  const work = [
    waitForGiven(needed.filter((name) => !missing.includes(name)), env, { ...options, signal }),
    ...missing.map(async (name) => {
      const plan = await PARTS[name].plan(planOptions);
      started.set(name, { plan, server: await startServer(plan.spec, options.log, signal) });
    }),
  ];
  try {
    await Promise.all(work);
  } catch (error) {
    failure.abort(error);
    await Promise.allSettled(work);
    await stopAll();
    throw error;
  }

  const addresses = Object.assign({}, given, ...[...started.values()].map(({ plan }) => plan.addresses)) as Plan['addresses'];
  noteRunningStack(dataDir, { isShared: options.keepRunning ?? false, ...addresses });
  return stackOf(addresses, env, started, async () => {
    forgetRunningStack(dataDir);
    await stopAll();
    lock.release();
  }, options.log);
}

interface Started {
  readonly plan: Plan;
  server: RunningServer;
}

function stackOf(addresses: Plan['addresses'], env: NodeJS.ProcessEnv, started: Map<PartName, Started>, stop: () => Promise<void>, log: Log = () => {}): Stack {
  const complete = { temporalNamespace: env['TEMPORAL_NAMESPACE'] || 'default', ...addresses };
  let reportDeath: (error: Error) => void;
  const died = new Promise<Error>((resolveDied) => (reportDeath = resolveDied));
  const watch = (server: RunningServer): void => void server.ended.then((error) => error && reportDeath(error));
  for (const { server } of started.values()) watch(server);
  const of = (part: PartName): Started => {
    const found = started.get(part);
    if (found) return found;
    throw new Error(`${PARTS[part].title} was not started here, so it is not ours to kill or restart: unset ${PART_VARIABLES[part]} to have it started.`);
  };
  let stopped: Promise<void> | undefined;
  return {
    kafkaBrokers: '',
    temporalAddress: '',
    schemaRegistryUrl: '',
    ...complete,
    env: environmentOf(complete),
    died,
    stop: () => (stopped ??= stop()),
    kill: (part) => of(part).server.kill(),
    restart: async (part) => {
      const entry = of(part);
      entry.server = await startServer(entry.plan.spec, log);
      watch(entry.server);
    },
  };
}

async function waitForGiven(names: readonly PartName[], env: NodeJS.ProcessEnv, options: StackOptions): Promise<void> {
  await Promise.all(
    names.map((name) => {
      const { title } = PARTS[name];
      const variable = PART_VARIABLES[name];
      const { log, signal, waitMsMax } = options;
      return waitForGivenServer({ title, variable, value: env[variable]! }, { log, signal, waitMsMax });
    }),
  );
}
