// Keys of two parts, and values with a time: there and back, and in the order of their parts.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryRegistry, Serdes, UndecodableError, UnserializableError } from 'millrace';
import { readTerminated, terminated } from '../../src/serdes/ordered-bytes.ts';

const buffer = fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes));
/** Zeros and their neighbours, of which end marks and escapes are made. */
const tricky = fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 5 }).map((bytes) => Buffer.from(bytes));
const bytes = fc.oneof(buffer, tricky);
const time = fc.oneof(fc.nat(300), fc.maxSafeNat());
const sign = (order: number): number => Math.sign(order);

test('terminated bytes come back, whatever follows them, and sort as they did without what follows', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, bytes, (a, b, afterA, afterB) => {
      const [one, other] = [Buffer.concat([terminated(a), afterA]), Buffer.concat([terminated(b), afterB])];
      expect(readTerminated(one)).toEqual({ bytes: a, end: terminated(a).length });
      if (!a.equals(b)) expect(sign(Buffer.compare(one, other))).toBe(sign(Buffer.compare(a, b)));
    }),
  );
});

test('a pair sorts by its first part, then by its second, and is found by a prefix that is no other\'s', () => {
  const pair = Serdes.pair(Serdes.buffer(), Serdes.buffer());
  fc.assert(
    fc.property(bytes, bytes, bytes, bytes, (a, a2, b, b2) => {
      const [one, other] = [pair.serialize('t', [a, a2]), pair.serialize('t', [b, b2])];
      expect(pair.deserialize('t', one)).toEqual([a, a2]);
      expect(sign(Buffer.compare(one, other))).toBe(sign(Buffer.compare(a, b) || Buffer.compare(a2, b2)));
      const prefix = pair.prefix('t', a);
      expect(one.subarray(0, prefix.length)).toEqual(prefix);
      if (!a.equals(b)) expect(other.subarray(0, prefix.length).equals(prefix)).toBe(false);
    }),
  );
});

test('a time and a key sort by time, then by the key', () => {
  const serde = Serdes.timeKey(Serdes.buffer());
  fc.assert(
    fc.property(time, bytes, time, bytes, (t, a, u, b) => {
      const [one, other] = [serde.serialize('t', [t, a]), serde.serialize('t', [u, b])];
      expect(serde.deserialize('t', one)).toEqual([t, a]);
      expect(sign(Buffer.compare(one, other))).toBe(sign(t - u || Buffer.compare(a, b)));
    }),
  );
});

test('a value with a timestamp comes back with it', () => {
  const serde = Serdes.timestamped(Serdes.string());
  expect(serde.deserialize('t', serde.serialize('t', { timestamp: 5, value: 'x' }))).toEqual({ timestamp: 5, value: 'x' });
  expect(serde.serialize('t', { timestamp: 5, value: 'x' }).subarray(serde.asideBytes)).toEqual(Buffer.from('x'));
});

test.each([
  ['a time below 0', () => Serdes.timeKey(Serdes.string()).serialize('t', [-1, 'k']), UnserializableError, /time is -1/],
  ['a fraction of a millisecond', () => Serdes.timestamped(Serdes.string()).serialize('t', { timestamp: 0.5, value: 'x' }), UnserializableError, /timestamp is 0.5/],
  ['a key without a time', () => Serdes.timeKey(Serdes.string()).deserialize('t', Buffer.alloc(7)), UndecodableError, /7/],
  ['a value without a timestamp', () => Serdes.timestamped(Serdes.string()).deserialize('t', Buffer.alloc(7)), UndecodableError, /7/],
  ['a pair whose first part does not end', () => Serdes.pair(Serdes.string(), Serdes.string()).deserialize('t', Buffer.from('ab')), UndecodableError, /does not end/],
  ['a pair of nothing', () => Serdes.pair(Serdes.string(), Serdes.string()).deserialize('t', Buffer.alloc(0)), UndecodableError, /does not end/],
])('%s is refused, in words', (_, attempt, kind, message) => {
  expect(attempt).toThrow(kind);
  expect(attempt).toThrow(message);
});

test('the parts\' serdes are opened, and asked to prepare their own bytes', async () => {
  const registry = memoryRegistry();
  const avro = Serdes.avro<string>({ registry, schema: { type: 'string' } });
  const asked: Buffer[] = [];
  const watched = { ...avro, open: avro.open!.bind(avro), serialize: avro.serialize.bind(avro), deserialize: avro.deserialize.bind(avro), prepare: (_topic: string, data: Buffer) => void asked.push(data) };
  for (const serde of [Serdes.pair(watched, watched), Serdes.timeKey(watched), Serdes.timestamped(watched)]) {
    await serde.open!('t', 'key');
    await serde.open!('t', 'value');
  }
  const inner = avro.serialize('t', 'x');
  Serdes.pair(watched, watched).prepare!('t', Serdes.pair(watched, watched).serialize('t', ['x', 'x']));
  Serdes.timeKey(watched).prepare!('t', Serdes.timeKey(watched).serialize('t', [1, 'x']));
  Serdes.timestamped(watched).prepare!('t', Serdes.timestamped(watched).serialize('t', { timestamp: 1, value: 'x' }));
  expect(asked).toEqual([inner, inner, inner, inner]);
});
