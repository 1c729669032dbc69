// The first example as its reader runs it: a process, lines typed into it, counts that come out and stand in Kafka.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, kafkaSettingsFromEnv, Serdes, type Broker } from 'millrace';
import { eventually, readTopic } from '../support/topics.ts';

const FILE = fileURLToPath(new URL('../../examples/01-word-count/word-count.ts', import.meta.url));

let broker: Broker;
let stateDir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-word-count-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface Example {
  readonly child: ChildProcess;
  /** Lines it has printed. */
  readonly printed: () => string[];
  type(line: string): void;
}

function start(): Example {
  const child = spawn(process.execPath, [FILE], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, STATE_DIR: stateDir } });
  children.push(child);
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, printed: () => output.split('\n').filter((line) => line !== ''), type: (line) => void child.stdin!.write(`${line}\n`) };
}

/** What the topic of totals says of each word, in order. */
async function totals(): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const { key, value } of await readTopic(broker, 'word-count-totals')) {
    const word = key!.toString();
    found.set(word, [...(found.get(word) ?? []), Serdes.long().deserialize('word-count-totals', value!)]);
  }
  return found;
}

test('prints the counts its first lines promise, and counts on after kill -9', async () => {
  // On a Kafka that has seen this example before it counts on from there: type words that nobody has typed yet.
  const suffix = letters(Date.now());
  const own = (text: string): string => text.replaceAll(/[a-z]+/g, (word) => word + suffix);

  const first = start();
  first.type(own('to be or not to be'));
  const expected = ['to 1', 'be 1', 'or 1', 'not 1', 'to 2', 'be 2'].map(own);
  await eventually(() => first.printed().length >= expected.length, 'six counts');
  expect(first.printed().sort()).toEqual([...expected].sort());
  await eventually(async () => (await totals()).get(own('be'))?.at(-1) === 2, 'the counts to be committed');
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = start();
  second.type(own('to'));
  await eventually(() => second.printed().includes(own('to 3')), 'the third count after a crash');
  await eventually(async () => (await totals()).get(own('to'))?.at(-1) === 3, 'the third count to be committed');
  expect((await totals()).get(own('to'))).toEqual([1, 2, 3]);
  second.child.kill('SIGTERM');
  const [code] = (await once(second.child, 'exit')) as [number | null];
  expect(code).toBe(0);
});

/** A number in letters: the example counts words of letters. */
function letters(number: number): string {
  return [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
}
