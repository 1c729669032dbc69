// `npm run bench -- micro`: how fast the library is on this computer; results go to bench/results/.

import { join } from 'node:path';
import { cloneRoot } from '../stack/index.ts';
import { interruption } from './interruption.mjs';
import { runNode } from './node-tool.ts';

export async function run(args: string[]): Promise<number> {
  return runNode([join(cloneRoot, 'bench', 'main.ts'), ...args], { env: process.env, signal: interruption().signal });
}
