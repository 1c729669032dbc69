// What the group does to an instance: input topics that grow, ends that come before the first assignment, ends that fail.

import { expect, test } from 'vitest';
import { KafkaStreams, PartitionsChangedError, Serdes, StreamsBuilder, type Broker, type StreamsState, type Topology } from 'millrace';
import { InMemoryCluster, MemoryStateDirectory } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

function copying(): Topology {
  const builder = new StreamsBuilder();
  builder.stream('in', text).to('out', text);
  return builder.build();
}

function counting(): Topology {
  const builder = new StreamsBuilder();
  builder.stream('in', text).groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' }).toStream().to('out', { ...text, value: Serdes.long() });
  return builder.build();
}

async function cluster(partitions = 2): Promise<InMemoryCluster> {
  const made = new InMemoryCluster();
  await made.connect().admin.ensureTopics(['in', 'out'].map((topic) => ({ topic, partitions })));
  return made;
}

function on(broker: Broker, topology: Topology): { streams: KafkaStreams; states: StreamsState[] } {
  const streams = new KafkaStreams(topology, { applicationId: 'app' }, { broker, clock: { now: () => Date.now() }, openStateDirectory: async () => new MemoryStateDirectory() });
  const states: StreamsState[] = [];
  streams.onStateChange((state) => states.push(state));
  return { streams, states };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function grow(made: InMemoryCluster): Promise<void> {
  const { admin } = made.connect();
  await admin.deleteTopics(['in']);
  await admin.ensureTopics([{ topic: 'in', partitions: 4 }]);
}

/** Any rebalance will do: in Kafka the leader starts one when it sees the new count. */
async function rebalance(made: InMemoryCluster): Promise<void> {
  for (const member of made.group('app').members.keys()) await made.connect().admin.removeMember('app', member);
}

test.each([
  ['with state', counting(), /internal topics \(app-counts-changelog\) are laid out for 2.*make a topic with 2 partitions.*another applicationId/],
  ['without state', copying(), /keeps no state.*restart all of its instances, and they share 4 partitions/],
])('an instance %s stops when an input topic has grown, and says what to do', async (_, topology, advice) => {
  const made = await cluster();
  const { streams, states } = on(made.connect(), topology);
  await streams.start();
  await until(() => streams.state === 'RUNNING');
  await grow(made);
  await rebalance(made);
  const failure = await streams.closed().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(PartitionsChangedError);
  expect((failure as Error).message).toMatch(/^Topic in now has 4 partitions; this application was started when it had 2\. /);
  expect((failure as Error).message).toMatch(advice);
  expect(states.at(-1)).toBe('ERROR');
  expect(made.group('app').members.size).toBe(0);
});

test('an instance stops when one that was started after the topic grew gives it partitions that it has no task for', async () => {
  const made = await cluster();
  const old = on(made.connect(), copying());
  await old.streams.start();
  await until(() => old.streams.state === 'RUNNING');
  await grow(made);
  const young = on(made.connect(), copying());
  await young.streams.start();
  await expect(old.streams.closed()).rejects.toThrow(/Topic in now has 4 partitions/);
  await until(() => young.streams.state === 'RUNNING');
  await young.streams.close();
});

test('closing does not wait for a first assignment that does not come', async () => {
  const made = await cluster();
  const broker = made.connect();
  // Kafka is away, or another member holds the rebalance.
  const never: Broker = Object.assign(Object.create(broker) as Broker, {
    admin: broker.admin,
    fetcher: () => broker.fetcher(),
    transactionalProducer: (options: never) => broker.transactionalProducer(options),
    join: ({ signal }: { signal?: AbortSignal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('given up')))),
  });
  const { streams, states } = on(never, copying());
  await streams.start();
  await streams.close();
  expect(states).toEqual(['REBALANCING', 'PENDING_SHUTDOWN', 'NOT_RUNNING']);
});

test('a leave that fails while the last round is still going on is nobody’s unhandled rejection', async () => {
  const made = await cluster();
  const broker = made.connect();
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const failing: Broker = Object.assign(Object.create(broker) as Broker, {
    admin: broker.admin,
    fetcher: () => Object.assign(broker.fetcher(), { poll: () => new Promise((resolve) => setTimeout(resolve, 20, [])) }),
    transactionalProducer: (options: never) => broker.transactionalProducer(options),
    join: async (options: never) => {
      await broker.join(options);
      return { leave: async () => Promise.reject(new Error('cannot leave')) };
    },
  });
  const { streams } = on(failing, copying());
  await streams.start();
  await until(() => streams.state === 'RUNNING');
  await streams.close();
  await expect(streams.closed()).rejects.toThrow('cannot leave');
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});
