// The bytes of Kafka's own serializers, so that Java and Millrace read each other's topics. The vectors were written once by kafka-clients 4.3.1:
// StringSerializer, LongSerializer, DoubleSerializer and ByteArraySerializer; those of Avro's bodies by GenericDatumWriter of Avro 1.12.0.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AvroSchema, memoryRegistry, Serdes, UndecodableError, UnserializableError } from '../../src/serdes/index.ts';

describe('double', () => {
  const serde = Serdes.double();

  it.each([
    [0, '0000000000000000'],
    [-0, '8000000000000000'],
    [1, '3ff0000000000000'],
    [-1, 'bff0000000000000'],
    [0.1, '3fb999999999999a'],
    [1.5, '3ff8000000000000'],
    [-2.25, 'c002000000000000'],
    [Math.PI, '400921fb54442d18'],
    [1e21, '444b1ae4d6e2ef50'],
    [1e-7, '3e7ad7f29abcaf48'],
    [123_456_789.125, '419d6f3454800000'],
    [Number.MAX_VALUE, '7fefffffffffffff'],
    [Number.MIN_VALUE, '0000000000000001'],
    [2.2250738585072014e-308, '0010000000000000'],
    [Infinity, '7ff0000000000000'],
    [-Infinity, 'fff0000000000000'],
    [NaN, '7ff8000000000000'],
    [2 ** 53, '4340000000000000'],
    [-1e308, 'ffe1ccf385ebc8a0'],
  ])('writes %d as Java does, and reads it', (value, hex) => {
    expect(serde.serialize('t', value).toString('hex')).toBe(hex);
    expect(serde.deserialize('t', Buffer.from(hex, 'hex'))).toBe(value);
  });

  it('reads back every number', () => {
    fc.assert(fc.property(fc.double(), (value) => Object.is(serde.deserialize('t', serde.serialize('t', value)), value)));
  });

  it('has one NaN, as Java has: a key must not be two because of bits that nobody sees', () => {
    const another = new DataView(new ArrayBuffer(8));
    another.setBigUint64(0, 0xfff8_0000_0000_0001n);
    expect(serde.serialize('t', another.getFloat64(0)).toString('hex')).toBe('7ff8000000000000');
  });

  it('refuses other lengths, and what is no number', () => {
    expect(() => serde.deserialize('t', Buffer.alloc(4))).toThrow(UndecodableError);
    expect(() => serde.deserialize('prices', Buffer.alloc(4))).toThrow(/prices cannot be read as double: a double has 8 bytes, these are 4/);
    expect(() => serde.serialize('t', '1' as never)).toThrow(UnserializableError);
    expect(() => serde.serialize('t', 1n as never)).toThrow(/it is 1n, not a number/);
  });
});

describe('long', () => {
  it.each([
    [42, '000000000000002a'],
    [-128, 'ffffffffffffff80'],
    [1_700_000_000_000, '0000018bcfe56800'],
    [4_294_967_296, '0000000100000000'],
    [-4_294_967_297, 'fffffffeffffffff'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ])('writes %d as Java does, and reads it', (value, hex) => {
    expect(Serdes.long().serialize('t', value).toString('hex')).toBe(hex);
    expect(Serdes.long().deserialize('t', Buffer.from(hex, 'hex'))).toBe(value);
  });
});

describe('string', () => {
  it.each([
    ['', ''],
    ['a', '61'],
    ['order-1', '6f726465722d31'],
    ['é', 'c3a9'],
    ['€ 5', 'e282ac2035'],
    ['🚀', 'f09f9a80'],
    ['\u0000', '00'],
    ['a\u0301', '61cc81'],
    ['日本語', 'e697a5e69cace8aa9e'],
  ])('writes %j as Java does, and reads it', (value, hex) => {
    expect(Serdes.string().serialize('t', value).toString('hex')).toBe(hex);
    expect(Serdes.string().deserialize('t', Buffer.from(hex, 'hex'))).toBe(value);
  });
});

describe('buffer', () => {
  it('writes bytes as they are, as ByteArraySerializer does', () => {
    expect(Serdes.buffer().serialize('t', Buffer.from([0, 1, 255])).toString('hex')).toBe('0001ff');
  });
});

describe('avro', () => {
  const order = {
    eventId: 'e-1',
    orderId: 'o-1',
    customerId: 'c-€',
    lines: [
      { sku: 'tea', quantity: 2, unitPriceCents: 450 },
      { sku: 'cup', quantity: -1, unitPriceCents: Number.MAX_SAFE_INTEGER - 1 },
    ],
    totalCents: 1_800,
    currency: 'EUR',
    placedAt: 1_700_000_000_000,
  };
  const status = { orderId: 'o-1', status: 'CONFIRMED', reason: null, paymentId: 'p-1', sequence: 2, at: 1_700_000_000_001 };
  const kinds: AvroSchema = {
    type: 'record',
    name: 'K',
    fields: [
      { name: 'b', type: 'boolean' },
      { name: 'f', type: 'float' },
      { name: 'd', type: 'double' },
      { name: 'y', type: 'bytes' },
      { name: 'x', type: { type: 'fixed', name: 'F', size: 3 } },
      { name: 'm', type: { type: 'map', values: 'int' } },
      { name: 'u', type: ['null', 'long', 'string'] },
    ],
  };

  it.each<[string, AvroSchema, unknown, string]>([
    ['an order', schemaFile('orders'), order, '06652d31066f2d310a632de282ac04067465610484070663757001fcffffffffffff1f00901c0645555280a0abfef962'],
    ['an order status', schemaFile('order-status'), status, '066f2d3102000206702d310482a0abfef962'],
    [
      'every kind of type',
      kinds,
      { b: true, f: 1.5, d: -0.1, y: Buffer.from([1, 2, 255]), x: Buffer.from([7, 8, 9]), m: { k: -5 }, u: -3 },
      '010000c03f9a9999999999b9bf060102ff07080902026b09000205',
    ],
  ])('writes %s as Java does, behind a zero byte and the schema id, and reads it', async (_what, schema, value, hex) => {
    const serde = Serdes.avro({ registry: memoryRegistry(), schema });
    await serde.open!('t', 'key');
    expect(serde.serialize('t', value).toString('hex')).toBe(`0000000001${hex}`);
    expect(serde.deserialize('t', Buffer.from(`0000000001${hex}`, 'hex'))).toEqual(value);
  });
});

function schemaFile(topic: string): AvroSchema {
  return JSON.parse(readFileSync(new URL(`../../schemas/${topic}.avsc`, import.meta.url), 'utf8')) as AvroSchema;
}
