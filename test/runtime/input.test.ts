import { expect, test } from 'vitest';
import { NO_HEADERS, type RawRecord, type Serde } from 'millrace';
import { Input } from '../../src/runtime/input.ts';
import type { FetchedPartition } from '../../src/ports/broker.ts';
import type { SourceNode } from '../../src/topology/graph/node.ts';

/** A serde that must look up what each value names; lookups end when the test says so. */
function lookups() {
  const pending = new Map<string, () => void>();
  const known = new Set<string>();
  const asked: string[] = [];
  const serde: Serde<string> = {
    name: 'looked-up',
    serialize: () => Buffer.alloc(0),
    prepare(_topic, data) {
      const schema = data.toString();
      if (known.has(schema)) return undefined;
      asked.push(schema);
      return new Promise((resolve) => pending.set(schema, resolve));
    },
    deserialize: (_topic, data) => data.toString(),
  };
  const arrive = async (schema: string): Promise<void> => {
    known.add(schema);
    pending.get(schema)!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { serde, arrive, asked };
}

function sourceOf(value: Serde<string>): SourceNode {
  const key: Serde<string> = { name: 'key', serialize: () => Buffer.alloc(0), deserialize: String };
  return { kind: 'source', name: 'source', topics: ['in'], key, value, timestamp: undefined };
}

function fetched(partition: number, position: number, ...values: (string | null)[]): FetchedPartition {
  const records = values.map((value, at): RawRecord => ({ offset: position + at, timestamp: 0, key: null, value: value === null ? null : Buffer.from(value), headers: NO_HEADERS }));
  const nextPosition = position + values.length;
  return { topic: 'in', partition, records, nextPosition, highWatermark: nextPosition, lastStableOffset: nextPosition };
}

function bench() {
  const delivered: string[] = [];
  const input = new Input(({ partition, nextPosition }) => void delivered.push(`${partition}@${nextPosition}`));
  return { delivered, input, ...lookups() };
}

test('passes on at once what lacks nothing', async () => {
  const { delivered, input, serde, arrive, asked } = bench();
  input.add(fetched(0, 0, 'a'), sourceOf(serde));
  await arrive('a');
  input.add(fetched(0, 1, 'a', null), sourceOf(serde));
  expect(delivered).toEqual(['0@1', '0@3']);
  expect(input.isHolding({ topic: 'in', partition: 0 })).toBe(false);
  expect(asked).toEqual(['a']);
});

test('holds a partition back in order, and no other one', async () => {
  const { delivered, input, serde, arrive } = bench();
  const source = sourceOf(serde);
  await Promise.resolve();
  input.add(fetched(0, 0, 'a'), source);
  input.add(fetched(0, 1), source); // needs nothing, and must wait all the same
  input.add(fetched(0, 1, 'b'), source);
  input.add(fetched(1, 0), source);
  expect(delivered).toEqual(['1@0']);
  expect([0, 1].map((partition) => input.isHolding({ topic: 'in', partition }))).toEqual([true, false]);
  expect(input.isHoldingAny).toBe(true);
  await arrive('a');
  expect(delivered).toEqual(['1@0', '0@1', '0@1']);
  await arrive('b');
  expect(delivered).toEqual(['1@0', '0@1', '0@1', '0@2']);
  expect(input.isHoldingAny).toBe(false);
});

test('forgets what is dropped, also when the partition comes back before the lookup ends', async () => {
  const { delivered, input, serde, arrive } = bench();
  const source = sourceOf(serde);
  input.add(fetched(0, 0, 'a'), source);
  input.drop({ topic: 'in', partition: 0 });
  expect(input.isHolding({ topic: 'in', partition: 0 })).toBe(false);
  input.add(fetched(0, 5, 'b'), source);
  await arrive('a');
  expect(delivered).toEqual([]);
  await arrive('b');
  expect(delivered).toEqual(['0@6']);
});

test('a lookup that fails lets the record through: its deserializer says what is wrong', async () => {
  const { delivered, input, serde } = bench();
  const failing: Serde<string> = { ...serde, prepare: () => Promise.reject(new Error('no such schema')) };
  input.add(fetched(0, 0, 'a'), sourceOf(failing));
  await new Promise((resolve) => setImmediate(resolve));
  expect(delivered).toEqual(['0@1']);
});
