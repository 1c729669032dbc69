// `npm run stack`: Kafka, Temporal and the registry for the other commands of this clone, until Ctrl-C.
import { cloneDataDir, ensureStack, findRunningStack, shellExports, type Stack } from '../stack/index.ts';
import { interruption } from './interruption.mjs';

export async function run(args: string[]): Promise<number> {
  if (args.length > 0) {
    console.error(`The command "stack" takes no arguments, but got: ${args.join(' ')}. Addresses come from KAFKA_BROKERS, TEMPORAL_ADDRESS and SCHEMA_REGISTRY_URL.`);
    return 2;
  }
  const running = findRunningStack(cloneDataDir);
  if (running?.isShared) {
    console.error(`A stack of this clone is running already (process ${running.pid}).`);
    show(running);
    return 0;
  }
  const interrupted = interruption();
  let stack: Stack;
  try {
    stack = await ensureStack({
      need: { kafka: true, temporal: true, registry: true },
      dataDir: cloneDataDir,
      log: (line) => console.error(line),
      keepRunning: true,
      signal: interrupted.signal,
    });
  } catch (error) {
    if (interrupted.exitCode === undefined) throw error;
    console.error('Interrupted while starting; nothing is left running.');
    return interrupted.exitCode;
  }
  show(stack);
  console.error('The stack is up. Ctrl-C stops it; its data stays in .millrace/ for the next time.');
  const death = await Promise.race([stack.died, aborted(interrupted.signal)]);
  if (death) console.error(`${death.message}\nStopping the rest.`);
  else console.error('Stopping …');
  await stack.stop();
  return death ? 1 : 0;
}

function show(stack: { env: Record<string, string>; temporalUiUrl?: string }): void {
  for (const line of shellExports(stack.env)) console.log(line);
  if (stack.temporalUiUrl) console.log(`# Temporal's web UI: ${stack.temporalUiUrl}`);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
