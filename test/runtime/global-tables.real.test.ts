// Global tables on a real broker and a real disk: whole at the start, followed while they grow, gone on from after SIGKILL in the middle of updates.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, kafkaSettingsFromEnv, NO_HEADERS, partitionFor, type Broker } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const ROWS = 3_000;
/** The records are dated 1970: by their timestamps the broker would remove them at its next look. */
const KEPT = { 'retention.ms': '-1' };

let broker: Broker;
let stateDir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-global-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface App {
  readonly child: ChildProcess;
  readonly said: () => string[];
}

test('rows are there from the first record on, and after SIGKILL in the middle of updates', async () => {
  const applicationId = freshName('global');
  const [input, rows, output] = ['in', 'rows', 'out'].map((topic) => `${applicationId}-${topic}`) as [string, string, string];
  await broker.admin.ensureTopics([
    { topic: input, partitions: 2, config: KEPT },
    { topic: rows, partitions: 3, config: { 'cleanup.policy': 'compact' } },
    { topic: output, partitions: 1, config: KEPT },
  ]);
  const file = fileURLToPath(new URL('./looking-up-app.ts', import.meta.url));
  const run = (place: string): App => {
    const child = spawn(process.execPath, [file, applicationId, input, rows, output, join(stateDir, place)], { stdio: ['ignore', 'pipe', process.env['MILLRACE_DEBUG'] === undefined ? 'ignore' : 'inherit'] });
    children.push(child);
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return { child, said: () => text.split('\n').filter((line) => line !== '') };
  };
  const running = (app: App): Promise<void> => eventually(() => app.said().at(-1) === 'RUNNING', 'the instance to run');
  const send = async (topic: string, partitions: number, records: readonly (readonly [key: string, value: string])[]): Promise<void> => {
    await broker.producer().send(records.map(([key, value]) => ({ topic, partition: partitionFor(Buffer.from(key), partitions), key: Buffer.from(key), value: Buffer.from(value), timestamp: 1_000, headers: NO_HEADERS })));
  };
  const every = (version: string, to = ROWS): [string, string][] => Array.from({ length: to }, (_, at) => [`row-${at}`, `${version}-${at}`]);
  const asked: string[] = [];
  const ask = async (count: number): Promise<void> => {
    const questions = Array.from({ length: count }, (_, at) => `row-${(at * 37) % ROWS}`);
    await send(input, 2, questions.map((row, at) => [`k-${asked.length + at}`, row]));
    asked.push(...questions);
  };
  const answers = async (): Promise<string[]> => (await readTopic(broker, output)).map(({ value }) => value!.toString());

  // Records are waiting before anything runs.
  await send(rows, 3, every('first'));
  await ask(300);
  const one = run('one');
  await eventually(async () => (await answers()).length === 300, 'the first answers');
  expect((await answers()).sort()).toEqual(asked.map((row) => `${row}=first-${row.slice(4)}`).sort());

  // Killed while the rows change; the rest of the change comes while nobody runs.
  const changing = (async () => {
    for (let from = 0; from < ROWS; from += 100) await send(rows, 3, every('second').slice(from, from + 100));
  })();
  await new Promise((resolve) => setTimeout(resolve, 30));
  one.child.kill('SIGKILL');
  await once(one.child, 'exit');
  await changing;
  const again = run('one');
  await running(again);
  await ask(300);
  await eventually(async () => (await answers()).length === 600, 'answers after the crash');
  expect((await answers()).slice(300).sort()).toEqual(asked.slice(300).map((row) => `${row}=second-${row.slice(4)}`).sort());
  expect(again.said().join()).not.toMatch(/anew|wiped/);

  // A second instance has all of it too, and both follow.
  const two = run('two');
  await running(two);
  await send(rows, 3, [['row-new', 'new']]);
  const seen = async (): Promise<boolean> => {
    await send(input, 2, Array.from({ length: 8 }, (_, at) => [`n-${at}`, 'row-new'] as const));
    await new Promise((resolve) => setTimeout(resolve, 200));
    return (await answers()).slice(-8).every((answer) => answer === 'row-new=new');
  };
  await eventually(seen, 'both instances to have the new row');

  for (const { child } of [again, two]) {
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  }
});
