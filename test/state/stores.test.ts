// The cases of stores that a reader should know; stores.property.test.ts attacks the rest.

import { describe, expect, test } from 'vitest';
import { InvalidWindowError, memoryRegistry, Serdes, Stores, type AnyStoreSpec, type AvroSchema, type Registry } from 'millrace';
import { MemoryStateDirectory } from 'millrace/testing';
import type { TaskDatabase } from '../../src/ports/state-directory.ts';
import { CorruptStateError, EntryTooLargeError } from '../../src/state/errors.ts';
import { TaskState } from '../../src/state/task-state.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const sorted = Stores.keyValue({ name: 'sorted', ...text, ordered: true });
const rows = Stores.versioned({ name: 'rows', ...text, historyMs: 100 });

async function open(specs: readonly AnyStoreSpec[], directory = new MemoryStateDirectory(), around = (database: TaskDatabase) => database): Promise<TaskState> {
  const state = new TaskState(around(await directory.open('0_0')), specs, { streamTime: () => 0, recordTimestamp: () => 0 }, (store) => store);
  await state.load();
  return state;
}

const persist = (state: TaskState): Promise<void> => state.persist({ n: 1, positions: new Map(), streamTime: 0, wallTime: 0 });

test('only a store that says so can be walked', async () => {
  const state = await open([sorted, Stores.keyValue({ name: 'plain', ...text })]);
  const plain = state.store(Stores.keyValue({ name: 'plain', ...text }));
  // @ts-expect-error range is there with `ordered: true` only
  expect(plain.range).toBeUndefined();
  expect([...state.store(sorted).range()]).toEqual([]);
});

test('a range goes by the bytes of keys, not by their characters', async () => {
  const state = await open([sorted]);
  const store = state.store(sorted);
  for (const key of ['😀', '\uffff', 'b', 'a']) store.put(key, 'x');
  expect([...store.all()].map(({ key }) => key)).toEqual(['a', 'b', '\uffff', '😀']);
  expect([...store.range({ from: 'b', to: '\uffff', reverse: true })].map(({ key }) => key)).toEqual(['\uffff', 'b']);
});

test('a loop that is left early is over, and another begins anew', async () => {
  const state = await open([sorted]);
  const store = state.store(sorted);
  for (const key of ['a', 'b', 'c']) store.put(key, 'x');
  const range = store.range();
  for (const { key } of range) if (key === 'a') break;
  expect([...range]).toEqual([]);
  expect([...store.range({ limit: 1 })].map(({ key }) => key)).toEqual(['a']);
});

test('a scan that is left early releases its iterator, and one that is never read holds none', async () => {
  let held = 0;
  const counting = (database: TaskDatabase): TaskDatabase => ({
    get: (key) => database.get(key),
    write: (writes) => database.write(writes),
    close: () => database.close(),
    scan: (from, to) => {
      held++;
      const entries = database.scan(from, to);
      return (async function* () {
        try {
          yield* entries;
        } finally {
          held--;
        }
      })();
    },
  });
  const state = await open([sorted, rows], new MemoryStateDirectory(), counting);
  for (const key of ['a', 'b', 'c']) {
    state.store(sorted).put(key, 'x');
    state.store(rows).put(key, 'x', 1);
  }
  await persist(state);
  state.store(sorted).scan();
  expect(held).toBe(0);
  for (const store of [state.store(sorted), state.store(rows)]) {
    for await (const { key } of store.scan()) {
      expect([key, held]).toEqual(['a', 1]);
      break;
    }
    expect(held).toBe(0);
  }
  const seen: string[] = [];
  for await (const { key } of state.store(sorted).scan({ from: 'b' })) seen.push(key);
  expect([seen, held]).toEqual([['b', 'c'], 0]);
});

test('a scan shows one moment: what is written or committed while it is read is not in it', async () => {
  const state = await open([sorted]);
  const store = state.store(sorted);
  store.put('a', 'committed');
  store.put('c', 'committed');
  await persist(state);
  store.put('b', 'pending');
  store.delete('c');
  const seen: string[] = [];
  for await (const { key, value } of store.scan()) {
    if (seen.length === 0) {
      store.put('aa', 'later');
      await persist(state);
    }
    seen.push(`${key}=${value}`);
  }
  expect(seen).toEqual(['a=committed', 'b=pending']);
});

test('a delete with the very timestamp of a row\'s only version is remembered: an older update does not bring the row back (Kafka Streams forgets it)', async () => {
  const state = await open([rows]);
  const store = state.store(rows);
  store.put('k', 'x', 50);
  expect(store.put('k', null, 50)).toBe('latest');
  expect(store.put('k', 'late', 40)).toBe('older');
  expect([store.get('k'), store.get('k', 45)?.value]).toEqual([undefined, 'late']);
});

test('a row that nobody changes is there for ever; its past is not', async () => {
  const state = await open([rows]);
  const store = state.store(rows);
  store.put('k', 'old', 10);
  store.put('k', 'new', 20);
  store.put('other', 'x', 119);
  expect([store.get('k', 19)?.value, store.get('k', 20)?.value]).toEqual(['old', 'new']);
  store.put('other', 'x', 120);
  expect([store.get('k', 19), store.get('k', 20)?.value, store.get('k')?.value]).toEqual([undefined, 'new', 'new']);
  expect([store.put('k', 'late', 19), store.put('k', 'just in time', 20)]).toEqual(['dropped', 'latest']);
});

test.each<[string, AnyStoreSpec, (state: TaskState, at: number, value: string) => void]>([
  ['window', Stores.window({ name: 's', ...text, retentionMs: 1_000_000, retainDuplicates: true }), (state, at, value) => state.store(Stores.window({ name: 's', ...text, retentionMs: 1_000_000 })).put('k', value, at)],
  ['session', Stores.session({ name: 's', ...text, retentionMs: 1_000_000 }), (state, at, value) => state.store(Stores.session({ name: 's', ...text, retentionMs: 1_000_000 })).put('k', at, at, value)],
  ['versioned', Stores.versioned({ name: 's', ...text, historyMs: 1_000_000 }), (state, at, value) => void state.store(Stores.versioned({ name: 's', ...text, historyMs: 1_000_000 })).put('k', value, at)],
])('of a long list in a %s store, what is new counts as uncommitted: else its task would have to commit after each record', async (_, spec, put) => {
  const state = await open([spec]);
  for (let at = 0; at < 10_000; at++) put(state, at, 'x'.repeat(500));
  expect(state.pendingBytes).toBeGreaterThan(5_000_000);
  await persist(state);
  put(state, 10_000, 'x'.repeat(500));
  const { pendingBytes } = state;
  expect(pendingBytes).toBeLessThan(1_000_000);
  for (let at = 10_001; at < 12_001; at++) put(state, at, 'x'.repeat(500));
  expect(state.pendingBytes - pendingBytes).toBeGreaterThan(1_000_000);
  await persist(state);
  expect(state.pendingBytes).toBe(0);
});

test('windows and sessions of a key may be many: only what goes to the changelog in one record has a limit', async () => {
  const window = Stores.window({ name: 'window', ...text, retentionMs: 1_000_000 });
  const session = Stores.session({ name: 'session', ...text, retentionMs: 1_000_000 });
  const versioned = Stores.versioned({ name: 'versioned', ...text, historyMs: 1_000_000 });
  const state = await open([window, session, versioned]);
  const puts = [
    (at: number, value: string): void => state.store(window).put('k', value, at),
    (at: number, value: string): void => state.store(session).put('k', at, at, value),
    (at: number, value: string): void => void state.store(versioned).put('k', value, at),
  ];
  const mebibytes = 'x'.repeat(5 * 1024 * 1024);
  for (const put of puts) for (let at = 0; at < 2; at++) put(at, mebibytes);
  for (const put of puts.slice(0, 2)) for (let at = 2; at < 4; at++) put(at, mebibytes);
  // A row's changelog record has all its versions.
  expect(() => puts[2]!(2, mebibytes)).toThrow(EntryTooLargeError);
  for (const put of puts) expect(() => put(9, mebibytes.repeat(3))).toThrow(EntryTooLargeError);
});

test('a store that is laid out otherwise than the program looks for it is rebuilt, not misread', async () => {
  const directory = new MemoryStateDirectory();
  const by = (segmentMs: number): AnyStoreSpec => Stores.window({ name: 'window', ...text, retentionMs: 100, segmentMs });
  await persist(await open([by(10)], directory));
  await expect(open([by(10)], directory)).resolves.toBeInstanceOf(TaskState);
  await expect(open([by(20)], directory)).rejects.toThrow(CorruptStateError);
  await expect(open([by(20)], directory)).rejects.toThrow(/"window".*by 10 ms.*by 20 ms.*rebuilt/);
});

describe('what an earlier version of the program wrote', () => {
  const V1: AvroSchema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] };
  const V2: AvroSchema = { type: 'record', name: 'R', fields: [...(V1['fields'] as object[]), { name: 'b', type: 'long', default: 7 }] };

  /** A registry that knows at once only what it has been asked for since this process began. */
  function afterRestart(registry: Registry): Registry {
    const known = new Set<number>();
    return {
      ...registry,
      known: (id) => (known.has(id) ? registry.known(id) : undefined),
      fetch: (id) => (known.has(id) ? undefined : Promise.resolve().then(() => void known.add(id))),
    };
  }

  const kinds = (registry: Registry, schema: AvroSchema) => {
    const avro = { key: Serdes.string(), value: Serdes.avro<{ a: string; b?: number }>({ registry, schema }) };
    return {
      keyValue: Stores.keyValue({ name: 'keyValue', ...avro }),
      window: Stores.window({ name: 'window', key: avro.key, value: Serdes.timestamped(avro.value), retentionMs: 1_000 }),
      session: Stores.session({ name: 'session', ...avro, retentionMs: 1_000 }),
      versioned: Stores.versioned({ name: 'versioned', ...avro, historyMs: 1_000 }),
    };
  };

  test('is read after a restart, though its schema is another and nothing was restored', async () => {
    const registry = memoryRegistry();
    const directory = new MemoryStateDirectory();
    const before = kinds(registry, V1);
    for (const spec of Object.values(before)) await spec.value.open!(spec.name, 'value');
    const old = await open(Object.values(before), directory);
    old.store(before.keyValue).put('k', { a: 'x' });
    old.store(before.window).put('k', { timestamp: 5, value: { a: 'x' } }, 4);
    old.store(before.session).put('k', 1, 2, { a: 'x' });
    old.store(before.versioned).put('k', { a: 'x' }, 1);
    old.store(before.versioned).put('k', { a: 'y' }, 2);
    await persist(old);

    const now = kinds(afterRestart(registry), V2);
    const state = await open(Object.values(now), directory);
    expect(state.store(now.keyValue).get('k')).toEqual({ a: 'x', b: 7 });
    expect(state.store(now.window).get('k', 4)).toEqual({ timestamp: 5, value: { a: 'x', b: 7 } });
    expect(state.store(now.session).get('k', 1, 2)).toEqual({ a: 'x', b: 7 });
    expect(state.store(now.versioned).get('k', 1)).toEqual({ timestamp: 1, value: { a: 'x', b: 7 } });
  });
});

test.each([
  () => Stores.keyValue({ name: 's', ...text, ttlMs: -1 }),
  () => Stores.window({ name: 's', ...text, retentionMs: 0 }),
  () => Stores.window({ name: 's', ...text, retentionMs: 10, segmentMs: 0.5 }),
  () => Stores.session({ name: 's', ...text, retentionMs: Number.NaN }),
  () => Stores.versioned({ name: 's', ...text, historyMs: Number.POSITIVE_INFINITY }),
])('a length of time that is none is refused where it is given: %s', (make) => {
  expect(make).toThrow(InvalidWindowError);
  expect(make).toThrow(/store "s" has \w+Ms .*milliseconds/);
});
