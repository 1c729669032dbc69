// `npm test`: types, then every test on a stack of its own. `npm run test:unit`: types and the tests that need no server.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cloneDataDir, ensureKafkaStreams, ensureStack, ensureTemporalTestServer, newTestDataDir, temporalCliPath, type Stack } from '../stack/index.ts';
import { interruption } from './interruption.mjs';
import { runNodeTool } from './node-tool.ts';

/** Read by `.ci/run`. */
const RESULTS = join(cloneDataDir, 'test-results.json');
/** Someone who gave an address that does not answer should hear so, not wait for ever as a running system would. */
const GIVEN_SERVER_WAIT_MS_MAX = 120_000;

export async function run(args: string[]): Promise<number> {
  const interrupted = interruption();
  try {
    const isUnitOnly = args.includes('--unit');
    const rest = args.filter((each) => each !== '--unit');
    log('Checking types …');
    const types = await runNodeTool('typescript', ['-p', '.'], interrupted);
    if (types !== 0) return types;
    return isUnitOnly ? await runNodeTool('vitest', ['run', '--project=unit', ...rest], interrupted) : await runAll(rest, interrupted.signal);
  } catch (error) {
    if (interrupted.exitCode === undefined) throw error;
    return interrupted.exitCode;
  }
}

async function runAll(args: readonly string[], signal: AbortSignal): Promise<number> {
  const started = Date.now();
  const dataDir = newTestDataDir(cloneDataDir, log);
  let stack: Stack | undefined;
  try {
    stack = await ensureStack({ need: { kafka: true, temporal: true, registry: true }, dataDir, log, signal, waitMsMax: GIVEN_SERVER_WAIT_MS_MAX });
    const { executablePath } = await ensureTemporalTestServer({ log, signal });
    const kafkaStreams = await ensureKafkaStreams({ log, signal });
    const cli = await temporalCliPath();
    log(`The stack is up after ${((Date.now() - started) / 1000).toFixed(0)} s.`);
    const env = { ...stack.env, MILLRACE_TEMPORAL_TEST_SERVER: executablePath, MILLRACE_KAFKA_STREAMS: kafkaStreams, ...(cli ? { TEMPORAL_CLI: cli } : {}) };
    return await untilServerDies(stack, signal, (eitherSignal) => runVitest(args, env, eitherSignal));
  } finally {
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function runVitest(args: readonly string[], env: Record<string, string>, signal: AbortSignal): Promise<number> {
  mkdirSync(cloneDataDir, { recursive: true });
  return await runNodeTool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`, ...args], { env, signal });
}

/** Without a server the rest of the tests would only wait for their time limits, one by one. */
async function untilServerDies(stack: Stack, signal: AbortSignal, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const death = new AbortController();
  void stack.died.then((error) => {
    log(error.message);
    death.abort(error);
  });
  const code = await work(AbortSignal.any([signal, death.signal]));
  signal.throwIfAborted();
  return death.signal.aborted ? 1 : code;
}

function log(line: string): void {
  console.error(`[test] ${line}`);
}
