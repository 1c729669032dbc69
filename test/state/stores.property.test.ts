// The stores' contract, in memory and on disk.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStateDirectory } from 'millrace/testing';
import { openStateDirectory } from '../../src/state/level/level-state-directory.ts';
import { storeContract } from '../contract/store-contract.ts';

storeContract('Memory', 200, (action) => action(new MemoryStateDirectory()));

storeContract('LevelDB', 30, async (action) => {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-stores-'));
  const directory = await openStateDirectory(stateDir, 'app');
  try {
    return await action(directory);
  } finally {
    await directory.close();
    await rm(stateDir, { recursive: true, force: true });
  }
});
