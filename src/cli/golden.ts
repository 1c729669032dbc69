// `npm run golden -- DIR`: runs golden cases, written from what the real Kafka Streams did, against this library.

import { join } from 'node:path';
import { cloneRoot } from '../stack/index.ts';
import { interruption } from './interruption.mjs';
import { runNode } from './node-tool.ts';

export async function run(args: string[]): Promise<number> {
  return runNode([join(cloneRoot, 'test', 'golden', 'main.ts'), ...args], { env: process.env, signal: interruption().signal });
}
