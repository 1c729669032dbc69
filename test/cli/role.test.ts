// What every role does on Ctrl-C, whatever it is waiting for.

import { expect, it } from 'vitest';
import { startedUnless } from '../../src/cli/role.ts';

it('a role that is still starting ends on the first Ctrl-C', async () => {
  const interrupted = new AbortController();
  const starting = startedUnless(interrupted.signal, new Promise<never>(() => {}));
  interrupted.abort(new Error('interrupted by SIGINT'));
  await expect(starting).rejects.toThrow('interrupted by SIGINT');
});

it('what comes of the start after all is closed', async () => {
  const started = Promise.withResolvers<{ close: () => Promise<void> }>();
  const starting = startedUnless(AbortSignal.abort(new Error('interrupted by SIGINT')), started.promise);
  await expect(starting).rejects.toThrow('interrupted');
  const closed = Promise.withResolvers<void>();
  started.resolve({ close: async () => closed.resolve() });
  await closed.promise;
});

it('a start that fails after Ctrl-C is nobody’s unhandled rejection, and one that fails before is told', async () => {
  await expect(startedUnless(AbortSignal.abort(new Error('interrupted')), Promise.reject(new Error('no topic')))).rejects.toThrow('interrupted');
  await expect(startedUnless(new AbortController().signal, Promise.reject(new Error('no topic')))).rejects.toThrow('no topic');
});
