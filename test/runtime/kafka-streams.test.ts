import { expect, test } from 'vitest';
import { KafkaStreams, NO_HEADERS, Serdes, StreamsBuilder, TaskFailedError, TopologyError, type StreamsState, type Topology } from 'millrace';
import { InMemoryCluster, MemoryStateDirectory } from 'millrace/testing';

const bytes = { key: Serdes.buffer(), value: Serdes.buffer() };

function copying(action: () => void = () => {}): Topology {
  const builder = new StreamsBuilder();
  builder.stream('in', bytes).peek(action).to('out', bytes);
  return builder.build();
}

async function cluster(): Promise<InMemoryCluster> {
  const made = new InMemoryCluster();
  await made.connect().admin.ensureTopics(['in', 'out'].map((topic) => ({ topic, partitions: 1 })));
  return made;
}

function on(made: InMemoryCluster, topology: Topology): { streams: KafkaStreams; states: StreamsState[] } {
  const components = { broker: made.connect(), clock: { now: () => Date.now() }, openStateDirectory: async () => new MemoryStateDirectory() };
  const streams = new KafkaStreams(topology, { applicationId: 'app' }, components);
  const states: StreamsState[] = [];
  streams.onStateChange((state) => states.push(state));
  return { streams, states };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

const record = { topic: 'in', partition: 0, key: null, value: Buffer.from('x'), timestamp: 1, headers: NO_HEADERS };

test('runs, commits what came, and closes through the named states', async () => {
  const made = await cluster();
  const { streams, states } = on(made, copying());
  await streams.start();
  await until(() => streams.state === 'RUNNING');
  await made.connect().producer().send([record]);
  await until(() => streams.metrics()['commits'] === 1);
  await streams.close();
  expect(states).toEqual(['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING']);
});

test('a record that cannot be processed stops the instance with an error that names it, and nothing of it is committed', async () => {
  const made = await cluster();
  const { streams, states } = on(made, copying(() => { throw new Error('boom'); }));
  await made.connect().producer().send([record]);
  await streams.start();
  await expect(streams.closed()).rejects.toThrow(TaskFailedError);
  await expect(streams.closed()).rejects.toThrow(/Task 0_0 stopped at record in-0@0: boom/);
  expect(states.at(-1)).toBe('ERROR');
  expect(made.group('app').members.size).toBe(0);
  expect(made.group('app').committed.size).toBe(0);
});

test('closing while it is still starting ends it', async () => {
  const made = await cluster();
  const { streams, states } = on(made, copying());
  const starting = streams.start();
  await streams.close();
  await starting;
  expect(states).toEqual(['PENDING_SHUTDOWN', 'NOT_RUNNING']);
});

test('missing topics are all named at once, and nothing is left open', async () => {
  const { streams } = on(new InMemoryCluster(), copying());
  const failure = await streams.start().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TopologyError);
  expect((failure as TopologyError).problems).toHaveLength(2);
});
