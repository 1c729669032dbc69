// A new version whose tasks are cut differently takes over on a real broker and real disks; and the old one takes over again.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, NO_HEADERS, onKafka, Serdes, StreamsBuilder, type Broker } from 'millrace';
import { eventually, freshName, readTopic } from '../support/topics.ts';

const settings = kafkaSettingsFromEnv(process.env);
const text = { key: Serdes.string(), value: Serdes.string() };
const counts = { key: Serdes.string(), value: Serdes.long() };

const folder = mkdtempSync(join(tmpdir(), 'millrace-changed-'));
const broker = connectKafka(settings);
const [applicationId, first, second, out] = ['changed', 'first', 'second', 'out'].map(freshName) as [string, string, string, string];
afterAll(async () => {
  await broker.close();
  rmSync(folder, { recursive: true });
});

/** Counts both topics by key, in the order given: the one that stands first has subtopology 0. */
async function version(topics: readonly string[], disk: string): Promise<{ streams: KafkaStreams; own: Broker }> {
  const builder = new StreamsBuilder();
  for (const topic of topics) {
    const store = topic === first ? 'firsts' : 'seconds';
    builder.stream(topic, text).groupByKey({ name: store, ...text }).count({ name: store }).toStream().to(out, counts);
  }
  const own = connectKafka(settings);
  const streams = new KafkaStreams(builder.build(), { applicationId, stateDir: join(folder, disk) }, onKafka(own));
  await streams.start();
  return { streams, own };
}

async function put(topic: string, key: string): Promise<void> {
  await broker.producer().send([{ topic, partition: 0, key: Buffer.from(key), value: Buffer.from('v'), timestamp: Date.now(), headers: NO_HEADERS }]);
}

async function counted(): Promise<string[]> {
  return (await readTopic(broker, out)).map(({ key, value }) => `${key} ${counts.value.deserialize(out, value!)}`);
}

async function end({ streams, own }: Awaited<ReturnType<typeof version>>): Promise<void> {
  await streams.close();
  await own.close();
}

test('counts go on where they were, and two versions never share the work', async () => {
  await broker.admin.ensureTopics([first, second, out].map((topic) => ({ topic, partitions: 1 })));
  const expected: string[] = [];
  const feed = async (n: number): Promise<void> => {
    for (const [topic, key] of [[first, 'a'], [first, 'a'], [second, 'b']] as const) await put(topic, key);
    expected.push(`a ${2 * n - 1}`, `a ${2 * n}`, `b ${n}`);
    await eventually(async () => (await counted()).length >= expected.length, `${expected.length} counts`);
    expect((await counted()).sort()).toEqual([...expected].sort());
  };

  const old = await version([first, second], 'one');
  await feed(1);

  const refused = await version([second, first], 'two');
  await expect(refused.streams.closed()).rejects.toThrow(/another layout of tasks\. Stop all of them first/);
  await end(refused);
  expect(old.streams.state).toBe('RUNNING');
  await feed(2);
  await end(old);

  const changed = await version([second, first], 'one');
  await feed(3);
  await end(changed);

  const back = await version([first, second], 'one');
  await feed(4);
  await end(back);
});
