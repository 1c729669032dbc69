// `npm start`: the whole order system, shown working. With --orders and --exit it ends by itself and says whether every invariant held.

import { join } from 'node:path';
import { connectKafka, connectRegistry, kafkaSettingsFromEnv } from 'millrace';
import { brokenInvariants, inputEnds, type AuditReport } from '../orders/audit/index.ts';
import { APPLICATION_ID } from '../orders/domain.ts';
import { showLiveView } from '../orders/live-view.ts';
import { ensureOrderTopics } from '../orders/topics.ts';
import { cloneDataDir, ensureStack, type Stack } from '../stack/index.ts';
import { Observer } from './demo/observer.ts';
import { OrderSystem } from './demo/order-system.ts';
import { interruption } from './interruption.mjs';
import { readOptions } from './options.ts';
import { dataDir, registrySettings } from './role.ts';

/** Nothing at all has changed for this long and twice the payment timeout, though something is still pending: it never will. */
const STALLED_AFTER_MS = 180_000;

export async function run(args: string[]): Promise<number> {
  const options = readOptions('start', args, {
    orders: { kind: 'count', help: 'how many orders to place; without it, until Ctrl-C' },
    rate: { kind: 'count', help: 'orders per second (default 50 with --orders, else 10: what the development server can do all day)' },
    'payment-timeout': { kind: 'duration', default: '30s', help: 'how long an order waits for its payment; the demonstration is in a hurry' },
    instances: { kind: 'count', default: '1', help: 'stream instances that share the work' },
    seed: { kind: 'count', help: 'the same seed tells the same stories' },
    exit: { kind: 'flag', help: 'end when every order has its terminal status; print a JSON summary' },
  });
  const interrupted = interruption();
  const say = (line: string): void => console.error(line);
  let stack: Stack | undefined;
  try {
    stack = await ensureStack({ need: { kafka: true, temporal: true, registry: true }, dataDir: cloneDataDir, log: say, signal: interrupted.signal });
    const rate = options.rate ?? (options.orders === undefined ? 10 : 50);
    return await demonstrate(stack, { ...options, rate, orders: options.orders ?? Infinity }, interrupted.signal);
  } catch (error) {
    if (interrupted.exitCode !== undefined) return interrupted.exitCode;
    throw error;
  } finally {
    await stack?.stop();
  }
}

interface Choice {
  readonly orders: number;
  readonly rate: number;
  readonly 'payment-timeout': number;
  readonly instances: number;
  readonly seed: number | undefined;
  readonly exit: boolean;
}

async function demonstrate(stack: Stack, choice: Choice, signal: AbortSignal): Promise<number> {
  const startedMs = Date.now();
  const env = { ...process.env, ...stack.env };
  const logDir = join(cloneDataDir, 'logs');
  const broker = connectKafka({ ...kafkaSettingsFromEnv(env), clientId: 'millrace-demo' });
  const registry = connectRegistry(registrySettings(env));
  let system: OrderSystem | undefined;
  try {
    await ensureOrderTopics(broker.admin);
    const countFrom = await inputEnds(broker);
    let notify = (line: string): void => console.error(line);
    system = await OrderSystem.start({ env, logDir, dataDir: dataDir(), paymentTimeoutMs: choice['payment-timeout'], instances: choice.instances, onNotice: (line) => notify(line) });
    const { inventoryUrl } = system;
    await using observer = new Observer({ broker, registry, inventoryUrl, countFrom, signal });
    const { roles } = system;
    const lookFurther = (): Record<string, string> => ({
      ...(stack.temporalUiUrl === undefined ? {} : { 'Temporal UI': stack.temporalUiUrl }),
      Kafka: `${stack.kafkaBrokers}, group ${APPLICATION_ID}`,
      'log files': logDir,
      processes: roles.map((role) => `${role.name} ${role.pid ?? 'starting'}`).join(', '),
    });
    let state = 'starting';
    using view = showLiveView({ snapshot: () => observer.live(state, startedMs, choice.orders, lookFurther()) });
    notify = (line) => view.say(line);
    system.generate(choice);
    let isGenerated = false;
    const generated = system.generated.then(() => void (isGenerated = true));
    const watched = observer.watch(() => {
      state = isGenerated ? 'waiting for the last orders' : 'running';
      return choice.exit && isGenerated && observer.isSettled;
    });
    const stalled = choice.exit ? untilStalled(observer, 2 * choice['payment-timeout'] + STALLED_AFTER_MS, signal) : new Promise<void>(() => {});
    await Promise.race([watched, stalled, interruptedBy(signal), rejected(generated), rejected(system.failed), stack.died.then((error) => Promise.reject(error))]);
    signal.throwIfAborted();
    state = 'done';
    const report = await observer.report();
    view[Symbol.dispose]();
    return summarize(report, Date.now() - startedMs);
  } finally {
    console.error('Stopping …');
    await system?.stop();
    registry.close?.();
    await broker.close();
  }
}

/** The last line of standard output. */
function summarize(report: AuditReport, tookMs: number): number {
  const broken = brokenInvariants(report);
  for (const { n, text, broken: examples, brokenCount } of broken) {
    console.error(`Invariant ${n} is broken ${brokenCount} times (${text}):\n${examples.map((example) => `  - ${example}`).join('\n')}`);
  }
  const { invariants: _invariants, pending, ...counts } = report;
  console.log(JSON.stringify({ ...counts, pending, invariantsBroken: broken.map(({ n }) => n), seconds: Math.round(tookMs / 100) / 10 }));
  return broken.length === 0 ? 0 : 1;
}

async function untilStalled(observer: Observer, stalledMs: number, signal: AbortSignal): Promise<void> {
  while (Date.now() - observer.changedAtMs < stalledMs) {
    if (signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, 1_000).unref());
  }
  console.error(`Nothing has changed for ${Math.round(stalledMs / 1_000)} s, though not everything is settled. See the log files.`);
}

/** Only its failure counts. */
function rejected(promise: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => promise.catch(reject));
}

async function interruptedBy(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
