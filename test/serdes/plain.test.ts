import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { StreamsError } from '../../src/record/errors.ts';
import { Serdes, UndecodableError, UnserializableError } from '../../src/serdes/index.ts';

describe('string serde', () => {
  const serde = Serdes.string();

  it('reads back every well-formed text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => serde.deserialize('t', serde.serialize('t', text)) === text));
  });

  it('refuses bytes that are not UTF-8 instead of replacing them', () => {
    expect(() => serde.deserialize('orders', Buffer.from([0x61, 0xff]))).toThrow(UndecodableError);
    expect(() => serde.deserialize('orders', Buffer.from([0x61, 0xff]))).toThrow(/orders cannot be read as string: the bytes are not UTF-8/);
  });

  it('refuses half a surrogate pair and what is no string', () => {
    expect(() => serde.serialize('orders', 'a\ud800')).toThrow(UnserializableError);
    expect(() => serde.serialize('orders', 5 as unknown as string)).toThrow(/it is 5/);
  });
});

describe('long serde', () => {
  const serde = Serdes.long();

  it.each([
    [0, '0000000000000000'],
    [1, '0000000000000001'],
    [-1, 'ffffffffffffffff'],
    [4_294_967_296, '0000000100000000'],
    [-4_294_967_297, 'fffffffeffffffff'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ])('writes %d as Kafka does', (value, hex) => {
    expect(serde.serialize('t', value).toString('hex')).toBe(hex);
    expect(serde.deserialize('t', Buffer.from(hex, 'hex'))).toBe(value);
  });

  it('agrees with 64-bit arithmetic on every safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = serde.serialize('t', value);
        return bytes.readBigInt64BE() === BigInt(value) && serde.deserialize('t', bytes) === value;
      }),
    );
  });

  it.each([1.5, 2 ** 53, Number.NaN, Infinity])('refuses to write %d', (value) => {
    expect(() => serde.serialize('counts', value)).toThrow(UnserializableError);
  });

  it('refuses to read other lengths and numbers beyond the safe integers', () => {
    expect(() => serde.deserialize('counts', Buffer.alloc(4))).toThrow(/a long has 8 bytes, these are 4/);
    expect(() => serde.deserialize('counts', Buffer.from('0020000000000000', 'hex'))).toThrow(/beyond 2\^53 - 1/);
    expect(() => serde.deserialize('counts', Buffer.from('8000000000000000', 'hex'))).toThrow(UndecodableError);
  });
});

describe('json serde', () => {
  const serde = Serdes.json<{ a: number }>();

  it('reads back what it wrote', () => {
    expect(serde.deserialize('t', serde.serialize('t', { a: 1 }))).toEqual({ a: 1 });
  });

  it('refuses what JSON cannot express, and bytes that are no JSON', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => serde.serialize('t', cycle as never)).toThrow(UnserializableError);
    expect(() => serde.serialize('t', (() => 1) as never)).toThrow(/it is a function/);
    // JSON.stringify makes null and {} of these.
    expect(() => serde.serialize('t', Number.NaN as never)).toThrow(/it is NaN, which JSON cannot express/);
    expect(() => serde.serialize('t', Number.NEGATIVE_INFINITY as never)).toThrow(UnserializableError);
    expect(() => serde.serialize('t', Promise.resolve({ a: 1 }) as never)).toThrow(/it is a promise.*at once/);
    expect(() => serde.deserialize('t', Buffer.from('{"a":'))).toThrow(UndecodableError);
  });
});

describe('buffer serde', () => {
  it('hands bytes through without copying', () => {
    const bytes = Buffer.from('abc');
    expect(Serdes.buffer().serialize('t', bytes)).toBe(bytes);
    expect(Serdes.buffer().deserialize('t', bytes)).toBe(bytes);
    expect(() => Serdes.buffer().serialize('t', 'abc' as never)).toThrow(UnserializableError);
  });
});

it('gives every error a code and a remedy', () => {
  const error = new UndecodableError('x');
  expect(error).toBeInstanceOf(StreamsError);
  expect([error.name, error.code, error.remedy]).toEqual(['UndecodableError', 'UNDECODABLE', 'fix-data']);
});
