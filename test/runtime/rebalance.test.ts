// Tasks that change hands at awkward moments. Rounds of each instance are run one by one, so that the moment is the test's choice.

import { expect, test } from 'vitest';
import { KafkaStreams, NO_HEADERS, Serdes, StreamsBuilder } from 'millrace';
import { FaultyBroker, InMemoryCluster, LateCommits, Lifeline, MemoryStateDirectory } from 'millrace/testing';
import { decodeHeldTasks } from '../../src/runtime/assignor.ts';
import type { StreamThread } from '../../src/runtime/stream-thread.ts';

const text = { key: Serdes.string(), value: Serdes.string() };

async function newCluster(): Promise<InMemoryCluster> {
  const cluster = new InMemoryCluster();
  await cluster.connect().admin.ensureTopics(['in', 'out'].map((topic) => ({ topic, partitions: 1 })));
  return cluster;
}

async function feed(cluster: InMemoryCluster): Promise<void> {
  await cluster.connect().producer().send([{ topic: 'in', partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1, headers: NO_HEADERS }]);
}

function counted(cluster: InMemoryCluster): number[] {
  return cluster.topics.get('out')![0]!.slots.flatMap(({ record, transaction }) => (record === undefined || transaction?.state === 'aborted' ? [] : [Serdes.long().deserialize('out', record.value!)]));
}

interface Instance {
  readonly thread: StreamThread;
  /** While true nothing arrives that this instance fetches. */
  isStarved: boolean;
  /** Does what is there to do, as far as others let it. */
  work(): Promise<void>;
  leave(): Promise<void>;
}

async function start(cluster: InMemoryCluster, disk: MemoryStateDirectory): Promise<Instance> {
  const builder = new StreamsBuilder();
  builder.stream('in', text).groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' }).toStream().to('out', { key: text.key, value: Serdes.long() });
  const plan = { fault: () => undefined, travel: async () => {}, deliver: (arrived: number) => (instance.isStarved ? 0 : arrived) };
  const broker = new FaultyBroker(cluster.connect(), { plan, life: new Lifeline(), late: new LateCommits() });
  const streams = new KafkaStreams(builder.build(), { applicationId: 'app' }, { broker, clock: { now: () => 1_000 }, openStateDirectory: async () => disk });
  const { thread, held } = await streams.prepare();
  const work = async (): Promise<void> => {
    for (let round = 0; round < 20; round++) {
      await thread.round(0);
      await turn();
    }
  };
  const instance: Instance = {
    thread,
    isStarved: false,
    work,
    async leave() {
      let hasLeft = false;
      const leaving = thread.leave().then(() => void (hasLeft = true));
      while (!hasLeft) {
        await thread.round(0);
        await turn();
      }
      await leaving;
      await thread.close();
    },
  };
  thread.join(held);
  return instance;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('a restore that began before another instance had the task is not taken up where it was', async () => {
  const cluster = await newCluster();
  const disk = new MemoryStateDirectory('first');
  const first = await start(cluster, disk);
  await feed(cluster);
  await first.work();
  await first.leave();

  const slow = await start(cluster, new MemoryStateDirectory('slow'));
  slow.isStarved = true;
  await slow.work();
  expect(slow.thread.isRunning).toBe(false); // restoring from nothing, and nothing arrives

  // The first one comes back with all its state, so the task is given to it.
  const again = await start(cluster, disk);
  await slow.thread.round(0); // gives up what it has
  await turn();
  await slow.thread.round(0); // hears of the new generation, and gets no further
  await feed(cluster);
  await again.work();
  expect(counted(cluster)).toEqual([1, 2]);
  await again.leave();

  slow.isStarved = false;
  await slow.work();
  await feed(cluster);
  await slow.work();
  expect(counted(cluster)).toEqual([1, 2, 3]);
});

test('what an instance says it holds is what it has committed by then, not what it found when it opened', async () => {
  const cluster = await newCluster();
  const first = await start(cluster, new MemoryStateDirectory('first'));
  await first.work();
  const member = [...cluster.group('app').members.values()][0]!;
  const before = decodeHeldTasks(member.options.userData());
  for (let records = 0; records < 3; records++) {
    await feed(cluster);
    await first.work();
  }
  const after = decodeHeldTasks(member.options.userData());
  expect(after.running).toEqual(['0_0']);
  expect(after.numbers['0_0']).toBe(before.numbers['0_0']! + 3);
  await first.leave();
});
