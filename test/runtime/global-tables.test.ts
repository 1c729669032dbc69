// Global tables hold what their topics say, neither more nor less: whatever dies, in the middle of whatever, however slowly data comes, and whatever the topics lose.

import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { NO_HEADERS, partitionFor, Serdes, StreamsBuilder, type KeyValueStore, type Serde } from 'millrace';
import { FaultyBroker, FaultyStateDirectory, InMemoryCluster, LateCommits, Lifeline, MemoryStateDirectory } from 'millrace/testing';
import { GLOBAL_TABLES } from '../../src/ports/state-directory.ts';
import { GlobalTables } from '../../src/runtime/global-tables.ts';
import type { ErrorDecision } from '../../src/runtime/settings.ts';
import { storePrefix } from '../../src/state/store-overlay.ts';

const string = Serdes.string();
const DAY_MS = 86_400_000;
const PARTITIONS = 3;

let world: World;
beforeEach(async () => {
  world = new World();
  await world.create('t');
});

interface Reader {
  readonly tables: GlobalTables;
  readonly life: Lifeline;
  readonly log: string[];
  readonly counts: Record<string, number>;
}

interface Weather {
  /** How many of what has arrived a fetch brings. */
  deliver?(arrived: number): number;
  write?(): 'dies-before' | 'dies-after' | undefined;
  decision?: ErrorDecision;
}

/** A cluster, a disk, a clock, and one reader after another. */
class World {
  readonly cluster = new InMemoryCluster();
  readonly disk = new MemoryStateDirectory();
  nowMs = 10 * DAY_MS;

  async create(topic: string): Promise<void> {
    await this.cluster.connect().admin.ensureTopics([{ topic, partitions: PARTITIONS, config: { 'cleanup.policy': 'compact' } }]);
  }

  reader(weather: Weather = {}, { store = 'rows', topic = 't', value = string }: { store?: string; topic?: string; value?: Serde<string> } = {}): Reader {
    const life = new Lifeline();
    const builder = new StreamsBuilder();
    builder.globalTable(topic, { name: store, key: string, value });
    const plan = { fault: () => undefined, travel: async () => {}, deliver: weather.deliver ?? ((arrived: number) => arrived) };
    const log: string[] = [];
    const counts: Record<string, number> = {};
    const tables = new GlobalTables({
      tables: builder.build().globalTables,
      broker: new FaultyBroker(this.cluster.connect(), { plan, life, late: new LateCommits() }),
      directory: new FaultyStateDirectory(this.disk, { plan: { travel: async () => {}, write: weather.write ?? (() => undefined) }, life }),
      clock: { now: () => this.nowMs },
      counters: { add: (name: string, by = 1) => void (counts[name] = (counts[name] ?? 0) + by) },
      errors: { deserialization: () => weather.decision ?? 'fail', processing: () => 'fail' },
      log: (_level, message) => void log.push(message),
    });
    return { tables, life, log, counts };
  }

  async put(rows: Readonly<Record<string, string | null>>): Promise<void> {
    await this.cluster.connect().producer().send(Object.entries(rows).map(([key, value]) => this.#record(key, value)));
  }

  async putRaw(key: Buffer | null, value: Buffer): Promise<void> {
    await this.cluster.connect().producer().send([{ topic: 't', partition: 0, key, value, timestamp: 1, headers: NO_HEADERS }]);
  }

  async putInTransaction(id: string, rows: Readonly<Record<string, string | null>>): Promise<{ commit(): Promise<void>; abort(): Promise<void> }> {
    const producer = this.cluster.connect().transactionalProducer({ transactionalId: id, transactionTimeoutMs: 60_000 });
    await producer.init();
    await producer.send(Object.entries(rows).map(([key, value]) => this.#record(key, value)));
    return producer;
  }

  /** What the topic says to those who read committed records only; with `ever`, also what has been removed from it since. */
  said(ever = false): Record<string, string> {
    const rows: Record<string, string> = {};
    for (const log of this.cluster.topics.get('t')!) {
      for (const { record, transaction } of log.slots.slice(ever ? 0 : log.start, log.lastStableOffset)) {
        if (record?.key === null || record === undefined || transaction?.state === 'aborted') continue;
        if (record.value === null) delete rows[record.key.toString()];
        else rows[record.key.toString()] = record.value.toString();
      }
    }
    return rows;
  }

  /** As compaction does in the end: neither the row nor its deletion is left. */
  compactAway(key: string): void {
    for (const log of this.cluster.topics.get('t')!) {
      log.slots.forEach((slot, at) => {
        if (slot.record?.key?.toString() === key) log.slots[at] = { ...slot, record: undefined };
      });
    }
  }

  #record(key: string, value: string | null) {
    const bytes = Buffer.from(key);
    return { topic: 't', partition: partitionFor(bytes, this.cluster.topics.get('t')!.length), key: bytes, value: value === null ? null : Buffer.from(value), timestamp: 1, headers: NO_HEADERS };
  }
}

/** Steps until nothing more comes, or the process is dead. */
async function settle({ tables, life }: Reader): Promise<void> {
  for (let quiet = 0; quiet < 5 && life.isAlive; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const step = tables.step(0).then((hasApplied) => void (quiet = hasApplied || !tables.isIdle ? 0 : quiet + 1));
    const death = new Promise<void>((resolve) => {
      const look = (): void => void (life.isAlive ? setImmediate(look) : resolve());
      look();
      step.finally(resolve).catch(() => {});
    });
    await Promise.race([step, death]);
  }
}

async function rowsOf({ tables }: Reader, name = 'rows'): Promise<Record<string, string>> {
  const store = tables.store({ name } as never) as KeyValueStore<string, string>;
  const rows: Record<string, string> = {};
  for await (const { key, value } of store.scan()) {
    expect(store.get(key)).toBe(value);
    rows[key] = value;
  }
  return rows;
}

async function settled(reader: Reader): Promise<Reader> {
  await settle(reader);
  return reader;
}

describe('reading', () => {
  test('is ready when all partitions have been read to their ends, and goes on from there', async () => {
    await world.put({ a: '1', b: '2', c: '3', d: '4', e: '5' });
    let mayArrive = 0;
    const reader = world.reader({ deliver: (arrived) => Math.min(arrived, mayArrive) });
    await reader.tables.step(0);
    expect(reader.tables.isReady).toBe(false);
    mayArrive = 1;
    await settle(reader);
    expect(reader.tables.isReady).toBe(true);
    expect(await rowsOf(reader)).toEqual({ a: '1', b: '2', c: '3', d: '4', e: '5' });
    await world.put({ b: null, f: '6' });
    await settle(reader);
    expect(await rowsOf(reader)).toEqual({ a: '1', c: '3', d: '4', e: '5', f: '6' });
  });

  test('does not wait for transactions that are open, and never shows what was aborted', async () => {
    await world.put({ a: '1' });
    const open = await world.putInTransaction('open', { a: 'open', b: 'open' });
    const reader = world.reader();
    await settle(reader);
    expect(reader.tables.isReady).toBe(true);
    expect(await rowsOf(reader)).toEqual({ a: '1' });
    await open.abort();
    await (await world.putInTransaction('other', { b: '2' })).commit();
    await settle(reader);
    expect(await rowsOf(reader)).toEqual({ a: '1', b: '2' });
  });

  test('takes on partitions that a topic gets', async () => {
    const reader = await settled(world.reader());
    const logs = world.cluster.topics.get('t')!;
    logs.push(new (logs[0]!.constructor as new () => (typeof logs)[number])());
    const key = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].find((each) => partitionFor(Buffer.from(each), 4) === 3)!;
    await world.put({ [key]: 'new' });
    await settle(reader);
    expect(await rowsOf(reader)).toEqual({});
    world.nowMs += 30_000;
    await settle(reader);
    expect(await rowsOf(reader)).toEqual({ [key]: 'new' });
  });

  test('leaves out records without a key', async () => {
    await world.putRaw(null, Buffer.from('x'));
    await world.put({ a: '1' });
    const reader = await settled(world.reader());
    expect(await rowsOf(reader)).toEqual({ a: '1' });
    expect(Object.values(reader.counts)).toEqual([1]);
  });
});

describe('records that cannot be decoded', () => {
  const bad = Buffer.of(0xff);
  const strict: Serde<string> = {
    ...string,
    deserialize: (_topic, data) => {
      if (data.equals(bad)) throw new Error('these are no letters');
      return data.toString();
    },
  };
  beforeEach(async () => {
    await world.put({ a: '1' });
    await world.putRaw(Buffer.from('b'), bad);
    await world.put({ c: '3' });
  });

  test('stop the instance where the policy says so, again after each start', async () => {
    for (let start = 0; start < 2; start++) {
      const reader = world.reader({}, { value: strict });
      await expect(settle(reader)).rejects.toThrow(/t-0@\d+: these are no letters/);
      await reader.tables.close();
    }
  });

  test.each<ErrorDecision>(['continue', 'dlq'])('are left out with %s, told and counted', async (decision) => {
    const reader = await settled(world.reader({ decision }, { value: strict }));
    expect(await rowsOf(reader)).toEqual({ a: '1', c: '3' });
    expect(reader.counts).toEqual({ undecodable: 1, skipped: 1 });
    expect(reader.log.join()).toMatch(/t-0@\d+ is left out: these are no letters/);
  });
});

describe('a restart', () => {
  test('goes on where the last one stopped', async () => {
    await world.put({ a: '1', b: '2' });
    await (await settled(world.reader())).tables.close();
    // Whoever read these again would not find them.
    world.compactAway('a');
    await world.put({ c: '3' });
    const reader = await settled(world.reader());
    expect(await rowsOf(reader)).toEqual({ a: '1', b: '2', c: '3' });
    expect(reader.log).toEqual([]);
  });

  test.each<[string, () => void | Promise<void>, string]>([
    ['the topic no longer has what was not read', () => world.cluster.connect().admin.deleteRecords([0, 1, 2].map((partition) => ({ topic: 't', partition, offset: world.cluster.topics.get('t')![partition]!.end }))), 'now starts at'],
    ['the topic was made anew', async () => {
      world.cluster.topics.delete('t');
      await world.create('t');
    }, 'ends at'],
    ['a deletion may have been forgotten', () => {
      world.nowMs += DAY_MS + 1;
      world.compactAway('a');
      world.compactAway('b');
      world.compactAway('c');
    }, 'longer ago than topics keep deletions'],
  ])('reads anew when %s', async (_name, change, why) => {
    await world.put({ a: '1', b: '2', c: '3' });
    await (await settled(world.reader())).tables.close();
    await world.put({ a: null, b: null, c: null });
    await change();
    await world.put({ d: '4' });
    const reader = await settled(world.reader());
    expect(await rowsOf(reader)).toEqual(world.said());
    expect(reader.log.join()).toContain(why);
  });

  test('reads anew as soon as the topic may have forgotten deletions by its own settings, and never for that if it is not compacted', async () => {
    const again = async (config: Readonly<Record<string, string>>): Promise<string> => {
      world = new World();
      await world.cluster.connect().admin.ensureTopics([{ topic: 't', partitions: PARTITIONS, config }]);
      await world.put({ a: '1' });
      await (await settled(world.reader())).tables.close();
      world.nowMs += 1_001;
      return (await settled(world.reader())).log.join();
    };
    expect(await again({ 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' })).toContain('longer ago than topics keep deletions');
    expect(await again({ 'cleanup.policy': 'compact', 'delete.retention.ms': '1001' })).toBe('');
    expect(await again({ 'cleanup.policy': 'delete', 'delete.retention.ms': '1000' })).toBe('');
  });

  test.each<[string, { store?: string; topic?: string }]>([
    ['another name', { store: 'others' }],
    ['another topic', { topic: 'u' }],
  ])('reads anew under %s', async (_name, options) => {
    await world.create('u');
    await world.put({ a: '1' });
    await (await settled(world.reader())).tables.close();
    const reader = await settled(world.reader({}, options));
    expect(await rowsOf(reader, options.store)).toEqual(options.topic === undefined ? { a: '1' } : {});
  });

  test.each<[string, Buffer, Buffer]>([
    ['of its record of positions', Buffer.from('m'), Buffer.from('{')],
    ['by a record of a later release', Buffer.from('m'), Buffer.from('{"v":2}')],
  ])('reads anew after damage %s', async (_name, key, value) => {
    await world.put({ a: '1' });
    await (await settled(world.reader())).tables.close();
    const database = await world.disk.open(GLOBAL_TABLES);
    await database.write([{ key, value }]);
    await database.close();
    expect(await rowsOf(await settled(world.reader()))).toEqual({ a: '1' });
  });

  test('asks for the schemas of rows that it kept', async () => {
    await world.put({ a: '1' });
    await (await settled(world.reader())).tables.close();
    const known = new Set<string>();
    const prepared: Serde<string> = {
      ...string,
      prepare: (_topic, data) => (known.has(data.toString()) ? undefined : Promise.resolve().then(() => void known.add(data.toString()))),
      deserialize: (_topic, data) => {
        if (!known.has(data.toString())) throw new Error('nobody has fetched its schema');
        return data.toString();
      },
    };
    const reader = await settled(world.reader({}, { value: prepared }));
    await world.put({ b: '2' });
    await settle(reader);
    expect(await rowsOf(reader)).toEqual({ a: '1', b: '2' });
  });
});

describe('while it runs', () => {
  test('records that are removed before they were read make it read anew', async () => {
    let mayArrive = 100;
    const reader = world.reader({ deliver: (arrived) => Math.min(arrived, mayArrive) });
    await world.put({ a: '1', b: '2', c: '3' });
    await settle(reader);
    mayArrive = 0;
    await world.put({ a: null, b: null, c: null });
    await world.cluster.connect().admin.deleteRecords([0, 1, 2].map((partition) => ({ topic: 't', partition, offset: world.cluster.topics.get('t')![partition]!.end })));
    mayArrive = 100;
    await settle(reader);
    expect(await rowsOf(reader)).toEqual({});
    expect(reader.tables.isReady).toBe(true);
    expect(reader.log.join()).toMatch(/wiped and read anew/);
  });

  test('being cut off for longer than deletions are kept makes it read anew', async () => {
    let isCutOff = false;
    const reader = world.reader({ deliver: (arrived) => (isCutOff ? 0 : arrived) });
    await world.put({ a: '1', b: '2' });
    await settle(reader);
    isCutOff = true;
    await world.put({ a: null, b: '3' });
    for (let hour = 0; hour < 26; hour++) {
      world.nowMs += DAY_MS / 24;
      await settle(reader);
    }
    world.compactAway('a');
    isCutOff = false;
    for (let look = 0; look < 3; look++) {
      world.nowMs += 30_000;
      await settle(reader);
    }
    expect(await rowsOf(reader)).toEqual({ b: '3' });
  });

  test('a look that finds it current is written down, so that running for days costs nothing at a restart', async () => {
    const reader = world.reader();
    await world.put({ a: '1' });
    for (let hour = 0; hour < 50; hour++) {
      await settle(reader);
      world.nowMs += DAY_MS / 24;
    }
    await reader.tables.close();
    const next = await settled(world.reader());
    expect(await rowsOf(next)).toEqual({ a: '1' });
    expect(next.log).toEqual([]);
  });

  test('damage that a task meets is told apart from damage of the task', async () => {
    const reader = world.reader();
    await world.put({ a: '1' });
    await settle(reader);
    const database = await world.disk.open(GLOBAL_TABLES);
    await database.write([{ key: Buffer.concat([storePrefix('rows'), Buffer.from('a')]), value: Buffer.of(99) }]);
    const store = reader.tables.store({ name: 'rows' } as never)!;
    expect(() => store.get('a')).toThrow(/the global tables/);
    await reader.tables.wipe();
    await settle(reader);
    expect(store.get('a')).toBe('1');
  });
});

/** A row that was read stays when the topic loses its record, as long as nothing else was lost unread: then it is as if it had never been. */
function expectSaid(rows: Record<string, string>): void {
  const [now, ever] = [world.said(), world.said(true)];
  for (const key of new Set([...Object.keys(rows), ...Object.keys(now), ...Object.keys(ever)])) expect([now[key], ever[key]], `${key} in ${JSON.stringify({ rows, now, ever })}`).toContain(rows[key]);
}

test('whatever dies in the middle of whatever, the rows are in the end what the topic says', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const rows = fc.dictionary(key, fc.oneof({ weight: 3, arbitrary: fc.constantFrom('1', '2', '3') }, { weight: 1, arbitrary: fc.constant(null) }), { minKeys: 1, maxKeys: 4 });
  const action = fc.oneof(
    { weight: 6, arbitrary: rows.map((each) => ({ kind: 'put' as const, rows: each })) },
    { weight: 2, arbitrary: fc.tuple(rows, fc.boolean()).map(([each, isCommitted]) => ({ kind: 'transaction' as const, rows: each, isCommitted })) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), diesAt: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }), isBefore: fc.boolean(), atOnce: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'day' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'remove' as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), async (actions) => {
      world = new World();
      await world.create('t');
      for (const [at, step] of actions.entries()) {
        if (step.kind === 'put') await world.put(step.rows);
        else if (step.kind === 'transaction') await (await world.putInTransaction(`${at}`, step.rows))[step.isCommitted ? 'commit' : 'abort']();
        else if (step.kind === 'day') world.nowMs += DAY_MS + 1;
        else if (step.kind === 'remove') await world.cluster.connect().admin.deleteRecords([0, 1].map((partition) => ({ topic: 't', partition, offset: world.cluster.topics.get('t')![partition]!.end })));
        else {
          let writes = 0;
          const reader = world.reader({ deliver: (arrived) => Math.min(arrived, step.atOnce), write: () => (writes++ === step.diesAt ? (step.isBefore ? 'dies-before' : 'dies-after') : undefined) });
          await settle(reader);
          if (!reader.life.isAlive) continue;
          expectSaid(await rowsOf(reader));
          await reader.tables.close();
        }
      }
      expectSaid(await rowsOf(await settled(world.reader())));
    }),
    { numRuns: 150 },
  );
});
