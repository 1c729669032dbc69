// A new version of an application whose topology is cut differently takes over: state, stream time and tasks of the old version are used only for what they were.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KafkaStreams, NO_HEADERS, Serdes, Stores, StreamsBuilder, type KeyValueStoreSpec, type Processor, type WindowStoreSpec } from 'millrace';
import { InMemoryCluster, MemoryStateDirectory } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const last = (name: string): KeyValueStoreSpec<string, string> => Stores.keyValue({ name, ...text });

/** Remembers each key's latest value; says what it was before, and what time it is. */
function remembering(stores: readonly KeyValueStoreSpec<string, string>[]): () => Processor<string | null, string | null, string, string> {
  return () => {
    let context: Parameters<NonNullable<Processor<string | null, string | null, string, string>['init']>>[0];
    return {
      init: (own) => void (context = own),
      process(record) {
        const key = record.key!;
        const before = stores.map((spec) => context.store(spec).get(key) ?? '-').join();
        for (const spec of stores) context.store(spec).put(key, record.value!);
        context.forward({ ...record, key, value: `${before} at ${context.streamTime()}` });
      },
    };
  };
}

type Define = (builder: StreamsBuilder) => void;

const side = (topic: string, ...stores: KeyValueStoreSpec<string, string>[]): Define => (builder) =>
  builder.stream(topic, text).process(remembering(stores), { name: `${topic}-node`, stores }).to('out', text as never);
const both = (...sides: Define[]): Define => (builder) => sides.forEach((define) => define(builder));

class World {
  readonly cluster = new InMemoryCluster();
  readonly disk = new MemoryStateDirectory('one');
  readonly logged: string[] = [];
  nowMs = 1_000;
  #read = 0;

  static async create(): Promise<World> {
    const world = new World();
    await world.cluster.connect().admin.ensureTopics(['a', 'b', 'c', 'out'].map((topic) => ({ topic, partitions: 1 })));
    return world;
  }

  start(define: Define, disk = this.disk): Promise<Instance> {
    return Instance.start(this, define, disk);
  }

  /** Starts this version alone on the same disk, feeds it, and ends it; answers with what came out. */
  async run(define: Define, ...records: readonly (readonly [topic: string, value: string, timestamp: number])[]): Promise<string[]> {
    const instance = await this.start(define);
    await instance.work();
    for (const [topic, value, timestamp] of records) {
      await this.feed(topic, value, timestamp);
      await instance.work();
    }
    await instance.leave();
    return this.read();
  }

  async feed(topic: string, value: string, timestamp = 0): Promise<void> {
    await this.cluster.connect().producer().send([{ topic, partition: 0, key: Buffer.from('k'), value: Buffer.from(value), timestamp, headers: NO_HEADERS }]);
  }

  read(): string[] {
    const all = this.cluster.topics.get('out')![0]!.slots.flatMap(({ record, transaction }) => (record === undefined || transaction?.state === 'aborted' ? [] : [record.value!.toString()]));
    const news = all.slice(this.#read);
    this.#read = all.length;
    return news;
  }
}

class Instance {
  readonly streams: KafkaStreams;
  readonly #thread: Awaited<ReturnType<KafkaStreams['prepare']>>['thread'];

  constructor(streams: KafkaStreams, thread: Awaited<ReturnType<KafkaStreams['prepare']>>['thread']) {
    this.streams = streams;
    this.#thread = thread;
  }

  static async start(world: World, define: Define, disk: MemoryStateDirectory): Promise<Instance> {
    const builder = new StreamsBuilder();
    define(builder);
    const log = (_level: string, message: string): void => void world.logged.push(message);
    const parts = { broker: world.cluster.connect(), clock: { now: () => world.nowMs }, openStateDirectory: async () => disk, log };
    const streams = new KafkaStreams(builder.build(), { applicationId: 'app' }, parts);
    const { thread, held } = await streams.prepare();
    thread.join(held);
    return new Instance(streams, thread);
  }

  async work(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      await this.#thread.round(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Dies without a word; the group notices. */
  async crash(world: World): Promise<void> {
    const group = world.cluster.group('app');
    for (const member of [...group.members.values()]) group.vanish(member);
    await this.#thread.close();
  }

  async leave(): Promise<void> {
    let hasLeft = false;
    const leaving = this.#thread.leave().then(() => void (hasLeft = true));
    while (!hasLeft) {
      await this.#thread.round(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await leaving;
    await this.#thread.close();
  }
}

const [x, y] = [last('x'), last('y')];
const together = both(side('a', x, y), side('b', y));
const apart = both(side('a', x), side('b', y));

test('a store that was another task\'s for a while is not taken for what it was before', async () => {
  const world = await World.create();
  expect(await world.run(together, ['a', 'a1', 1], ['b', 'b1', 1])).toEqual(['-,- at 1', 'a1 at 1']);
  // As many commits of the task that keeps its folder, so that its number is no lower than that of the other.
  expect(await world.run(apart, ['b', 'b2', 1], ['a', 'a2', 1], ['a', 'a3', 1])).toEqual(['b1 at 1', 'a1 at 1', 'a2 at 1']);
  expect(await world.run(together, ['b', 'b3', 1])).toEqual(['b2 at 1']);
});

test('a subtopology that takes the number of another begins with its own stream time', async () => {
  const world = await World.create();
  expect(await world.run(both(side('a', x), side('b', y)), ['b', 'b1', 5], ['a', 'a1', 9_000_000])).toEqual(['- at 5', '- at 9000000']);
  expect(await world.run(both(side('b', y), side('a', x)), ['b', 'b2', 6], ['a', 'a2', 10])).toEqual(['b1 at 6', 'a1 at 9000000']);
});

test('numbers that move forth and back leave every store as it was last', async () => {
  const world = await World.create();
  const [forth, back] = [apart, both(side('b', y), side('a', x))];
  let expected = { a: '-', b: '-' };
  for (let round = 0; round < 6; round++) {
    const [a, b] = [`a${round}`, `b${round}`];
    expect(await world.run(round % 2 === 0 ? forth : back, ['a', a, 1], ['b', b, 1])).toEqual([`${expected.a} at 1`, `${expected.b} at 1`]);
    expected = { a, b };
  }
});

test('a store that comes back after longer than deletions are kept is rebuilt, not brought up to date from where it was', async () => {
  const world = await World.create();
  await world.run(apart, ['b', 'b1', 1]);
  world.nowMs += 3_600_000;
  await world.run(both(side('b', y), side('a', x)), ['a', 'a1', 1]);
  world.nowMs += 40 * 86_400_000;
  await world.run(both(side('b', y), side('a', x)), ['a', 'a2', 1]);
  world.logged.length = 0;
  expect(await world.run(apart, ['b', 'b2', 1])).toEqual(['b1 at 1']);
});

test('a store whose layout on disk has changed is rebuilt from its changelog', async () => {
  const world = await World.create();
  const counting = (retentionMs: number): Define => (builder) => {
    const spec: WindowStoreSpec<string, string> = Stores.window({ name: 'seen', ...text, retentionMs });
    builder
      .stream('a', text)
      .process(
        () => {
          let context: any;
          return {
            init: (own) => void (context = own),
            process(record) {
              const seen = context.store(spec);
              seen.put(record.key, record.value, record.timestamp);
              context.forward({ ...record, value: String(seen.fetch(record.key, 0, 100_000).length) });
            },
          };
        },
        { name: 'p', stores: [spec] },
      )
      .to('out', text as never);
  };
  expect(await world.run(counting(50_000), ['a', 'one', 10_000], ['a', 'two', 40_000])).toEqual(['1', '2']);
  expect(await world.run(counting(60_000), ['a', 'three', 41_000])).toEqual(['3']);
});

test('what a task\'s folder holds of stores that are no longer its own is removed', async () => {
  const world = await World.create();
  await world.run(together, ['a', 'a1', 1], ['b', 'b1', 1]);
  await world.run(apart, ['a', 'a2', 1]);
  const database = await world.disk.open('0_0');
  const keys: string[] = [];
  for await (const [key] of database.scan(Buffer.from('s'), Buffer.from('t'))) keys.push(key.toString());
  expect(keys).toEqual(['sx\u0000k']);
});

test('an instance that cuts the work differently is not let into the group, and disturbs nobody', async () => {
  const world = await World.create();
  const old = await world.start(together);
  await old.work();
  await world.feed('a', 'a1');
  const other = await world.start(apart, new MemoryStateDirectory('two'));
  await expect(other.work()).rejects.toThrow(/another layout of tasks.*Stop all of them first/);
  await old.work();
  expect(world.read()).toEqual(['-,- at 0']);
  await old.leave();

  const alone = await world.start(apart, new MemoryStateDirectory('two'));
  await world.feed('b', 'b1');
  await alone.work();
  expect(world.read()).toEqual(['a1 at 0']);
  await alone.leave();
});

test('an instance with other operators between the same topics and stores is let in', async () => {
  const world = await World.create();
  const [old, changed] = [await world.start(apart), await world.start((builder) => apart({ stream: (topic: string, how: typeof text) => builder.stream(topic, how).peek(() => {}) } as never), new MemoryStateDirectory('two'))];
  await Promise.all([old.work(), changed.work()]);
  await world.feed('a', 'a1');
  await world.feed('b', 'b1');
  await Promise.all([old.work(), changed.work()]);
  expect(world.read().sort()).toEqual(['- at 0', '- at 0']);
  await Promise.all([old.leave(), changed.leave(), old.work(), changed.work()]);
});

/** Versions of one application: the same stores, cut into tasks in every way, partly read from other topics or not there at all. */
const z = last('z');
const VERSIONS: readonly { readonly define: Define; readonly stores: Readonly<Record<string, readonly string[]>> }[] = [
  { define: both(side('a', x, y), side('b', y), side('c', z)), stores: { a: ['x', 'y'], b: ['y'], c: ['z'] } },
  { define: both(side('a', x), side('b', y), side('c', z)), stores: { a: ['x'], b: ['y'], c: ['z'] } },
  { define: both(side('c', z), side('b', y), side('a', x)), stores: { a: ['x'], b: ['y'], c: ['z'] } },
  { define: both(side('b', y, x), side('a', x, z), side('c', z)), stores: { a: ['x', 'z'], b: ['y', 'x'], c: ['z'] } },
  { define: both(side('a', x, y), side('c', z)), stores: { a: ['x', 'y'], c: ['z'] } },
  { define: both(side('c', y, z), side('a', x)), stores: { a: ['x'], c: ['y', 'z'] } },
  { define: both(side('b', x), side('c')), stores: { b: ['x'], c: [] } },
];

test('whatever versions follow one another, on whatever computers, each store holds what was put last', async () => {
  const deployment = fc.record({
    version: fc.nat(VERSIONS.length - 1),
    disk: fc.nat(1),
    crashes: fc.boolean(),
    pauseMs: fc.constantFrom(1, 3_600_000, 90_000_000),
    topics: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 }),
  });
  const last = { version: 0, disk: 0, crashes: false, pauseMs: 1, topics: ['a', 'c'] };
  await fc.assert(
    fc.asyncProperty(fc.array(deployment, { minLength: 2, maxLength: 7 }), async (deployments) => {
      const world = await World.create();
      const disks = [new MemoryStateDirectory('one'), new MemoryStateDirectory('two')];
      const held: Record<string, string> = {};
      let count = 0;
      for (const { version, disk, crashes, pauseMs, topics } of [...deployments, last]) {
        world.nowMs += pauseMs;
        const { define, stores } = VERSIONS[version]!;
        const instance = await world.start(define, disks[disk]);
        await instance.work();
        const expected: string[] = [];
        for (const topic of topics.filter((one) => one in stores)) {
          const value = `${topic}${count++}`;
          await world.feed(topic, value);
          await instance.work();
          expected.push(stores[topic]!.map((store) => held[store] ?? '-').join());
          for (const store of stores[topic]!) held[store] = value;
        }
        await (crashes ? instance.crash(world) : instance.leave());
        expect(world.read().map((value) => value.replace(/ at .*/, '')), world.logged.join('\n')).toEqual(expected);
      }
    }),
    { numRuns: 150 },
  );
});
