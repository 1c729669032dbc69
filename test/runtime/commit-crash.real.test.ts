// Exactly once across SIGKILL, at every point of a commit, on a real broker. The windows are those of docs/architecture.md, "The commit".

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka, kafkaSettingsFromEnv, NO_HEADERS, partitionFor, Serdes, type Broker, type CommitStage } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const PARTITIONS = 2;
const KEYS = 7;
const RECORDS = 3_000;
/** The records are dated 1970: by their timestamps the broker would remove them at its next look. */
const KEPT = { 'retention.ms': '-1' };

let broker: Broker;
let stateDir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  broker = connectKafka(kafkaSettingsFromEnv(process.env));
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-crash-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await broker.close();
  await rm(stateDir, { recursive: true, force: true });
});

interface App {
  readonly applicationId: string;
  readonly input: string;
  readonly output: string;
}

async function newApp(): Promise<App> {
  const applicationId = freshName('crash');
  const app = { applicationId, input: `${applicationId}-in`, output: `${applicationId}-out` };
  await broker.admin.ensureTopics([app.input, app.output].map((topic) => ({ topic, partitions: PARTITIONS, config: KEPT })));
  return app;
}

function run(app: App, dir: string, kill?: { stage: CommitStage; at: number }): ChildProcess {
  const file = fileURLToPath(new URL('./counting-app.ts', import.meta.url));
  const args = [file, app.applicationId, app.input, app.output, join(stateDir, dir), ...(kill === undefined ? [] : [kill.stage, String(kill.at)])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', process.env['MILLRACE_DEBUG'] === undefined ? 'ignore' : 'inherit'] });
  children.push(child);
  return child;
}

async function feed(app: App, count: number, from = 0): Promise<void> {
  const producer = broker.producer();
  const records = Array.from({ length: count }, (_, index) => {
    const key = Buffer.from(`key-${(from + index) % KEYS}`);
    return { topic: app.input, partition: partitionFor(key, PARTITIONS), key, value: Buffer.from(String(from + index)), timestamp: 1_000 + from + index, headers: NO_HEADERS };
  });
  await producer.send(records);
  await producer.close();
}

/** Every count of every key exactly once and in order: nothing lost, nothing repeated, no state older or newer than the output. */
async function expectExactlyOnce(app: App, total: number): Promise<void> {
  await eventually(async () => (await readTopic(broker, app.output)).length >= total, `${total} records in ${app.output}`);
  const counts = new Map<string, number[]>();
  for (const { key, value } of await readTopic(broker, app.output)) {
    const name = key!.toString();
    counts.set(name, [...(counts.get(name) ?? []), Serdes.long().deserialize(app.output, value!)]);
  }
  for (let key = 0; key < KEYS; key++) {
    const expected = Array.from({ length: Math.ceil((total - key) / KEYS) }, (_, index) => index + 1);
    expect(counts.get(`key-${key}`)).toEqual(expected);
  }
}

const STAGES: CommitStage[] = ['prepared', 'produced', 'offsets-sent', 'committed', 'persisted'];

test.each(STAGES)('killed when a commit is %s: every record counts exactly once', async (stage) => {
  const app = await newApp();
  await feed(app, RECORDS);
  for (const at of [1, 3]) {
    const doomed = run(app, stage, { stage, at });
    const [, signal] = (await once(doomed, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  }
  const survivor = run(app, stage);
  await expectExactlyOnce(app, RECORDS);
  survivor.kill('SIGTERM');
  await once(survivor, 'exit');
});

test('killed at random while two instances share the work, one of which loses its state: every record counts exactly once', async () => {
  const app = await newApp();
  const instances = [run(app, 'a'), run(app, 'b')];
  let fed = 0;
  for (let round = 0; round < 5; round++) {
    await feed(app, 1_000, fed);
    fed += 1_000;
    await new Promise((resolve) => setTimeout(resolve, 200 + 137 * round));
    const at = round % 2;
    const victim = instances[at]!;
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    if (round === 2) await rm(join(stateDir, 'a'), { recursive: true, force: true });
    instances[at] = run(app, at === 0 ? 'a' : 'b');
  }
  await expectExactlyOnce(app, fed);
  for (const instance of instances) {
    instance.kill('SIGTERM');
    await once(instance, 'exit');
  }
});

test('frozen past its session and woken again, an instance commits nothing of its old life', async () => {
  const app = await newApp();
  const zombie = run(app, 'zombie');
  await feed(app, 500);
  await eventually(async () => (await readTopic(broker, app.output)).length >= 500, 'the first instance to work');
  const heir = run(app, 'heir');
  await feed(app, 500, 500);
  zombie.kill('SIGSTOP');
  await feed(app, 1_000, 1_000);
  await expectExactlyOnce(app, 2_000);
  zombie.kill('SIGCONT');
  await feed(app, 500, 2_000);
  await expectExactlyOnce(app, 2_500);
  for (const instance of [zombie, heir]) {
    instance.kill('SIGTERM');
    await once(instance, 'exit');
  }
});
