// Local state on disk that cannot be used: whatever is wrong with it, the instance rebuilds it from the changelogs and nothing is counted twice or lost.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KafkaStreams, NO_HEADERS, Serdes, StreamsBuilder } from 'millrace';
import { InMemoryCluster } from 'millrace/testing';
import { openStateDirectory } from '../../src/state/level/level-state-directory.ts';
import { storePrefix } from '../../src/state/store-overlay.ts';

const text = { key: Serdes.string(), value: Serdes.string() };

let stateDir: string;
let cluster: InMemoryCluster;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-damaged-'));
  cluster = new InMemoryCluster();
  await cluster.connect().admin.ensureTopics(['in', 'out'].map((topic) => ({ topic, partitions: 1 })));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

/** Runs an instance until it has counted one more record. */
async function countOneMore(): Promise<readonly string[]> {
  const builder = new StreamsBuilder();
  builder.stream('in', text).groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' }).toStream().to('out', { key: text.key, value: Serdes.long() });
  const warnings: string[] = [];
  const broker = cluster.connect();
  const streams = new KafkaStreams(builder.build(), { applicationId: 'app', stateDir }, {
    broker,
    clock: { now: () => 1_000_000 },
    openStateDirectory,
    log: (level, message) => void (level === 'warn' && warnings.push(message)),
  });
  await broker.producer().send([{ topic: 'in', partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1, headers: NO_HEADERS }]);
  await streams.start();
  while ((streams.metrics()['commits'] ?? 0) === 0 && !['ERROR', 'NOT_RUNNING'].includes(streams.state)) await new Promise((resolve) => setTimeout(resolve, 2));
  await streams.close();
  await streams.closed();
  return warnings;
}

function counted(): number[] {
  return cluster.topics.get('out')![0]!.slots.flatMap(({ record }) => (record === undefined ? [] : [Serdes.long().deserialize('out', record.value!)]));
}

/** Writes into the task's database as if a bug, a disk or another release had. */
async function overwrite(key: Buffer, value: Buffer): Promise<void> {
  const directory = await openStateDirectory(stateDir, 'app');
  const database = await directory.open('0_0');
  await database.write([{ key, value }]);
  await database.close();
  await directory.close();
}

test.each([
  ['its commit record is of a later release', () => overwrite(Buffer.from('m'), Buffer.from('{"v":3}'))],
  ['its commit record is garbage', () => overwrite(Buffer.from('m'), Buffer.of(0xff, 1, 2))],
  ['a stored value is of a later release', () => overwrite(Buffer.concat([storePrefix('counts'), Buffer.from('k')]), Buffer.of(9, 9, 9))],
  ['a stored value is cut', () => overwrite(Buffer.concat([storePrefix('counts'), Buffer.from('k')]), Buffer.of(1, 0))],
  ['its files are damaged', async () => {
    const place = join(stateDir, 'app', 'slot-0', '0_0');
    for (const name of await readdir(place)) if (/^(CURRENT|MANIFEST)/.test(name)) await writeFile(join(place, name), 'nonsense');
  }],
])('%s: rebuilt from the changelog', async (_, damage) => {
  await countOneMore();
  await countOneMore();
  await damage();
  const warnings = await countOneMore();
  expect(counted()).toEqual([1, 2, 3]);
  expect(warnings.join('\n')).toMatch(/rebuilt|rebuilding/);
});
