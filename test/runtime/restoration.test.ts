// Restoring stores whose values need schemas: they are read in the middle of processing, so all that can be needed must be there before.

import { expect, it } from 'vitest';
import { memoryRegistry, Serdes, Stores, type AvroSchema, type KeyValueStore, type Registry, type VersionedStore } from 'millrace';
import { Restoration } from '../../src/runtime/restoration.ts';
import { MemoryStateDirectory } from '../../src/state/memory/memory-state-directory.ts';
import { TaskState } from '../../src/state/task-state.ts';
import { InMemoryCluster } from '../../src/testing/in-memory-broker.ts';
import { eventually } from '../support/topics.ts';

const V1: AvroSchema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] };
const V2: AvroSchema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }, { name: 'b', type: 'long', default: 0 }] };

/** Another instance's registry knows schemas at once; ours must ask, and gets its answers when the test says so. */
function registries() {
  const all = memoryRegistry();
  const learned = new Set<number>();
  const asked: number[] = [];
  const answered = Promise.withResolvers<void>();
  const ours: Registry = {
    ...all,
    register: async (...args) => {
      const id = await all.register(...args);
      learned.add(id);
      return id;
    },
    known: (id) => (learned.has(id) ? all.known(id) : undefined),
    fetch: (id) => {
      if (learned.has(id)) return undefined;
      asked.push(id);
      return answered.promise.then(() => void learned.add(id));
    },
  };
  return { all, ours, asked, answer: () => answered.resolve() };
}

const clock = { streamTime: () => 0, recordTimestamp: () => 0 };

it.each(['keyValue', 'versioned'] as const)('waits for the schema of a %s entry that another instance wrote, and for nothing else', async (kind) => {
  const { all, ours, asked, answer } = registries();
  const specOf = (registry: Registry, schema: AvroSchema) => {
    const options = { name: 's', key: Serdes.string(), value: Serdes.avro<{ a: string; b?: number }>({ registry, schema }) };
    return kind === 'keyValue' ? Stores.keyValue(options) : Stores.versioned({ ...options, historyMs: 1_000 });
  };
  const theirs = specOf(all, V2);
  await theirs.value.open!('changelog', 'value');
  const directory = new MemoryStateDirectory();
  const source = new TaskState(await directory.open('theirs'), [theirs], clock, () => 'changelog');
  const written = source.store(theirs) as KeyValueStore<string, { a: string; b?: number }> & VersionedStore<string, { a: string; b?: number }>;
  for (const b of [1, 2]) written.put('k', { a: 'x', b }, b);

  const cluster = new InMemoryCluster();
  const broker = cluster.connect();
  await broker.admin.ensureTopics([{ topic: 'changelog', partitions: 1 }]);
  const producer = broker.producer();
  await producer.send([...source.changelogWrites()].map(({ store: _store, ...record }) => ({ topic: 'changelog', partition: 0, ...record })));

  const own = specOf(ours, V1);
  await own.value.open!('changelog', 'value');
  const state = new TaskState(await directory.open('ours'), [own], clock, () => 'changelog');
  const restoration = new Restoration(broker, { now: () => 0 }, () => {});
  restoration.add(state, [{ topic: 'changelog', partition: 0, store: 's', position: 0, end: 1 }]);
  for (let step = 0; step < 5; step++) await restoration.step(1);
  expect(new Set(asked)).toEqual(new Set([1]));
  expect(restoration.isRestoring(state)).toBe(true);

  answer();
  await eventually(async () => {
    await restoration.step(1);
    return !restoration.isRestoring(state);
  }, 'the restore to end');
  await state.load();
  expect((state.store(own) as typeof written).get('k')).toMatchObject(kind === 'keyValue' ? { a: 'x' } : { value: { a: 'x' } });
  if (kind === 'versioned') expect((state.store(own) as VersionedStore<string, { a: string }>).get('k', 1)).toMatchObject({ value: { a: 'x' } });
  await restoration.close();
});
