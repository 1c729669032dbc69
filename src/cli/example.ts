// `npm run example -- word-count`: runs a program of examples/, or one of your own, on the Kafka that is there, or on one that it starts.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cloneDataDir, cloneRoot, ensureStack, findRunningStack, type Stack } from '../stack/index.ts';
import { interruption } from './interruption.mjs';
import { runNode } from './node-tool.ts';
import { dataDir } from './role.ts';

/** Their folders have numbers: the order to read them in. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'word-count': 'examples/01-word-count/word-count.ts',
  'views-per-country': 'examples/02-views-per-country/run.ts',
};

export async function run(args: string[]): Promise<number> {
  const [name = '', ...rest] = args;
  const file = resolve(cloneRoot, EXAMPLES[name] ?? name);
  if (!file.endsWith('.ts') || !existsSync(file)) {
    console.error(`There is no example "${name}". There are: ${Object.keys(EXAMPLES).join(', ')}. Or give a program of your own: npm run example -- examples/mine/run.ts`);
    return 2;
  }
  const interrupted = interruption();
  let stack: Stack | undefined;
  try {
    // Whatever this clone has running will do, also when it was not started to be shared.
    const env = { ...findRunningStack(cloneDataDir)?.env, ...process.env };
    stack = await ensureStack({ need: { kafka: true }, dataDir: cloneDataDir, log: console.error, signal: interrupted.signal, env });
    const code = await runNode([file, ...rest], { env: { ...stack.env, STATE_DIR: join(dataDir(), 'examples') }, signal: interrupted.signal });
    return interrupted.exitCode === undefined ? code : 0;
  } catch (error) {
    if (interrupted.exitCode !== undefined) return interrupted.exitCode;
    throw error;
  } finally {
    await stack?.stop();
  }
}
