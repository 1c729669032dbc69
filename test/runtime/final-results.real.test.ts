// Final results on a real broker and real disks, while two instances are killed again and again: each window that is held back until it closes, each session that
// closes and each record without a partner tells of itself once, and a foreign-key join ends with the rows that are there.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, kafkaSettingsFromEnv, NO_HEADERS, partitionFor, type Broker, type CommitStage } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';
import { Random } from '../simulation/random.ts';
import { accountOf, anyRound, end, inputsOf, outputsOf, PARTITIONS, rowsOf, type Input } from './final-results-account.ts';

const KILLS = 4;
const ROUNDS_MAX = 100;
const STAGES: readonly CommitStage[] = ['prepared', 'produced', 'offsets-sent', 'committed', 'persisted'];
/** The records are dated 1970: by their timestamps the broker would remove them at its next look. */
const KEPT = { 'retention.ms': '-1' };
/** FINAL_RESULTS_SEED=… feeds and kills in the same way again, as far as a real broker lets it. */
const SEED = Number(process.env['FINAL_RESULTS_SEED'] ?? process.pid);

let broker: Broker;
let stateDir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-final-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

test('killed at random, two instances tell each final result once', async () => {
  const random = new Random(SEED);
  const applicationId = freshName('final');
  const [inputs, outputs] = [inputsOf(applicationId), outputsOf(applicationId)];
  await broker.admin.ensureTopics([...Object.values(inputs), ...Object.values(outputs)].map((topic) => ({ topic, partitions: PARTITIONS, config: KEPT })));
  const run = (place: string, ...doom: readonly string[]): ChildProcess => {
    const file = fileURLToPath(new URL('./final-results-app.ts', import.meta.url));
    const child = spawn(process.execPath, [file, applicationId, join(stateDir, place), ...doom], { stdio: ['ignore', 'ignore', process.env['MILLRACE_DEBUG'] === undefined ? 'ignore' : 'inherit'] });
    children.push(child);
    return child;
  };
  const producer = broker.producer();
  const fed: Input[] = [];
  const feed = async (round: readonly Input[]): Promise<void> => {
    fed.push(...round);
    const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text));
    await producer.send(round.map(({ topic, key, value, timestamp }) => ({ topic: inputs[topic], partition: partitionFor(Buffer.from(key), PARTITIONS), key: bytes(key), value: bytes(value), timestamp, headers: NO_HEADERS })));
  };

  let kills = 0;
  let isOver = false;
  const current = new Map<string, ChildProcess>();
  const live = async (place: string): Promise<void> => {
    while (!isOver) {
      const doom = kills < KILLS ? [random.pick(STAGES), String(1 + random.upTo(11))] : [];
      const child = run(place, ...doom);
      current.set(place, child);
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      if (signal !== 'SIGKILL') return;
      kills++;
      if (kills === KILLS / 2) await rm(join(stateDir, place), { recursive: true, force: true });
    }
  };
  const lives = [live('a'), live('b')];
  for (let round = 0; kills < KILLS && round < ROUNDS_MAX; round++) {
    await feed(anyRound(round, () => random.next()));
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  const account = accountOf(fed);
  await feed(end());

  const lines = async (name: keyof typeof outputs): Promise<{ key: string; value: string | null }[]> =>
    (await readTopic(broker, outputs[name])).map(({ key, value }) => ({ key: key!.toString(), value: value?.toString() ?? null }));
  const told = async (name: keyof typeof outputs): Promise<string[]> => (await lines(name)).map(({ key, value }) => `${key}=${value}`).filter((line) => !line.startsWith('end-')).sort();
  for (const name of ['windows', 'sessions', 'pairs'] as const) {
    await eventually(async () => (await told(name)).length >= account[name].length, `${account[name].length} results in ${name} (seed ${SEED})`);
  }
  const owned = JSON.stringify(sorted(account.owned));
  await eventually(async () => JSON.stringify(sorted(rowsOf(await lines('owned')))) === owned, `the rows of the foreign-key join (seed ${SEED})`);
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  isOver = true;
  for (const child of current.values()) child.kill('SIGTERM');
  await Promise.all(lives);
  // Nothing comes after the end, and nothing has come twice.
  for (const name of ['windows', 'sessions', 'pairs'] as const) expect(await told(name), `${name} (seed ${SEED})`).toEqual(account[name]);
  expect(rowsOf(await lines('owned')), `seed ${SEED}`).toEqual(account.owned);
});

function sorted(rows: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1));
}
