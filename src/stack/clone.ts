// Where this clone is, and where its servers keep their data.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const cloneRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Ignored by git; deleting it while nothing runs starts the stack afresh. */
export const cloneDataDir = join(cloneRoot, '.millrace');
