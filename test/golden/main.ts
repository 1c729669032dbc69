// `npm run golden -- DIR`: every case of a folder, one line for each that fails, and the count.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GoldenCase } from './golden-case.ts';
import { runCase } from './run-case.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Which folder? npm run golden -- test/golden/cases');
  process.exit(2);
}
const files = readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
let failed = 0;
for (const file of files) {
  const why = await outcomeOf(join(folder, file));
  if (why === undefined) continue;
  failed++;
  console.log(`FAIL ${file.replace(/\.json$/, '')}: ${why.replaceAll('\n', ' ')}`);
}
console.log(`${files.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function outcomeOf(path: string): Promise<string | undefined> {
  try {
    return await runCase(JSON.parse(readFileSync(path, 'utf8')) as GoldenCase);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
