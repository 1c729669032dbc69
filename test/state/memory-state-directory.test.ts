import { MemoryStateDirectory } from 'millrace/testing';
import { stateDirectoryContract } from '../contract/state-directory-contract.ts';

// "Restart" in memory: the object is the place, and outlives whoever used it.
stateDirectoryContract('Memory', async () => {
  const directory = new MemoryStateDirectory('process-1');
  return { reopen: async () => directory, remove: async () => {} };
});
