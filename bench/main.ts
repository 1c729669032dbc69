// The benchmarks there are, by name; each leaves its figures in bench/results/ with what they were measured on.

import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { micro } from './micro.ts';

const [name, count = '1000000'] = process.argv.slice(2);
if (name !== 'micro' || !/^\d+$/.test(count)) {
  console.error('Which benchmark? npm run bench -- micro [records]');
  process.exit(2);
}
const figures = await micro(Number(count));
const folder = join(import.meta.dirname, 'results');
mkdirSync(folder, { recursive: true });
const file = join(folder, `${name}.json`);
writeFileSync(file, `${JSON.stringify({ benchmark: name, records: Number(count), node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism(), figures }, null, 2)}\n`);
console.error(`written to ${file}`);
