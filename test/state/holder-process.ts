// A process that holds a state directory until it is killed. Prints its process id and slot's first task as soon as it holds it; then writes without end.

import { openStateDirectory } from '../../src/state/level/level-state-directory.ts';

const directory = await openStateDirectory(process.argv[2]!, 'app');
const database = await directory.open('0_0');
process.stdout.write(`${directory.processId}\n`);
// Every batch sets all keys to one number: whoever finds two numbers has found half a batch.
for (let n = 1; ; n++) {
  await database.write(Array.from({ length: 50 }, (_, key) => ({ key: Buffer.of(key), value: Buffer.alloc(200, String(n)) })));
  if (n === 20) process.stdout.write('writing\n');
}
