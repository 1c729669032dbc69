// The one entry of every command: `node scripts/millrace.mjs <command> [args]`. It makes a fresh clone runnable, then hands over to
// src/cli/main.ts. It may use only what an installed Node 20 has: no packages, no TypeScript.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interruption } from '../src/cli/interruption.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { handOver } from './hand-over.mjs';
import { onNpmGone } from './npm-gone.mjs';
import { suitableNode } from './suitable-node.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command, ...args] = process.argv.slice(2);
/** Standard output belongs to the command: the last line of some is read by programs. @param {string} line */
const log = (line) => console.error(`[set-up] ${line}`);

const interrupted = interruption();
const stopLooking = onNpmGone(() => process.kill(process.pid, 'SIGTERM'));
try {
  if (process.platform === 'win32') throw new Error('Millrace runs on Linux and macOS. On Windows, use it inside WSL (https://learn.microsoft.com/windows/wsl).');
  const node = await suitableNode(log, interrupted.signal);
  await ensureDependencies(root, node, log, interrupted.signal);
  interrupted.dispose();
  stopLooking();
  const main = [join(root, 'src', 'cli', 'main.ts'), ...(command === undefined ? [] : [command]), ...args];
  await handOver(node, ['--disable-warning=ExperimentalWarning', ...main]);
} catch (error) {
  if (interrupted.exitCode !== undefined) {
    log('Interrupted. Nothing half-made will be used; the next run goes on from here.');
    process.exit(interrupted.exitCode);
  }
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
