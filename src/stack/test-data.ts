// A data folder for one test run. It is removed at the end; folders of runs that were killed are swept out by the next.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from './cache.mjs';
import { tryLock } from './lock.mjs';
import { endLeftover } from './server-process.ts';

const PREFIX = 'test-run-';
/** A folder this young may belong to a run that has not locked it yet. */
const SWEEP_AGE_MS_MIN = 60_000;

export function newTestDataDir(parent: string, log: Log): string {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent).filter((each) => each.startsWith(PREFIX))) {
    sweep(join(parent, name), log).catch(() => {}); // another run sweeps at the same time; what neither gets is left for the next
  }
  return mkdtempSync(join(parent, PREFIX));
}

async function sweep(folder: string, log: Log): Promise<void> {
  if (Date.now() - statSync(folder).mtimeMs < SWEEP_AGE_MS_MIN || 'holder' in tryLock(join(folder, 'lock'))) return;
  for (const part of readdirSync(folder)) await endLeftover(join(folder, part), part, log);
  rmSync(folder, { recursive: true, force: true });
}
