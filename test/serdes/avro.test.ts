import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderPlaced, OrderStatusChanged } from '../../src/orders/domain.ts';
import {
  type AvroSchema,
  type Registry,
  SchemaMismatchError,
  SchemaNotReadyError,
  Serdes,
  UndecodableError,
  UnknownSchemaError,
  UnserializableError,
  memoryRegistry,
} from '../../src/serdes/index.ts';

const ORDERS = schemaFile('orders');
const ORDER: OrderPlaced = {
  eventId: 'e-1',
  orderId: 'o-1',
  customerId: 'c-1',
  lines: [
    { sku: 'tea', quantity: 2, unitPriceCents: 450 },
    { sku: 'cup', quantity: 1, unitPriceCents: 900 },
  ],
  totalCents: 1_800,
  currency: 'EUR',
  placedAt: 1_700_000_000_000,
};

async function orderSerde(registry: Registry = memoryRegistry()) {
  const serde = Serdes.avro<OrderPlaced>({ registry, schema: ORDERS });
  await serde.open!('orders', 'value');
  return serde;
}

describe('avro serde', () => {
  it('writes a zero byte, the schema id and the body, and reads it back', async () => {
    const serde = await orderSerde();
    const bytes = serde.serialize('orders', ORDER);
    expect(bytes.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 1]));
    expect(serde.prepare!('orders', bytes)).toBeUndefined();
    expect(serde.deserialize('orders', bytes)).toEqual(ORDER);
    expect(serde.name).toBe('avro(OrderPlaced)');
  });

  it('keeps values apart although they are encoded in one place', async () => {
    const serde = await orderSerde();
    const first = serde.serialize('orders', ORDER);
    const second = serde.serialize('orders', { ...ORDER, orderId: 'o-2' });
    expect([serde.deserialize('orders', first).orderId, serde.deserialize('orders', second).orderId]).toEqual(['o-1', 'o-2']);
  });

  it('writes values larger than its first buffer', async () => {
    const serde = await orderSerde();
    const large = { ...ORDER, customerId: 'c'.repeat(100_000) };
    expect(serde.deserialize('orders', serde.serialize('orders', large))).toEqual(large);
  });

  it.each([
    ['a field that is missing', { ...ORDER, eventId: undefined }, 'field eventId is missing'],
    ['a field of another type', { ...ORDER, totalCents: '1800' }, 'field totalCents is "1800", not a long'],
    ['a long beyond the safe integers', { ...ORDER, totalCents: 2 ** 53 }, 'field totalCents is 9007199254740992'],
    ['a nested field', { ...ORDER, lines: [ORDER.lines[0], { ...ORDER.lines[1], quantity: 0.5 }] }, 'field lines.1.quantity is 0.5, not an int'],
    ['a field the schema does not have', { ...ORDER, note: 'quick' }, 'field note is not in the schema'],
    ['a nested field the schema does not have', { ...ORDER, lines: [{ ...ORDER.lines[0], colour: 'red' }] }, 'field lines.0.colour is not in the schema'],
    ['no record at all', 5, 'it is 5, not of type millrace.orders.OrderPlaced'],
  ])('names %s', async (_what, value, message) => {
    const serde = await orderSerde();
    const write = () => serde.serialize('orders', value as OrderPlaced);
    expect(write).toThrow(UnserializableError);
    expect(write).toThrow(message);
  });

  it('names the symbols of an enum, and takes null where the schema does', async () => {
    const serde = Serdes.avro<OrderStatusChanged>({ registry: memoryRegistry(), schema: schemaFile('order-status') });
    await serde.open!('order-status', 'value');
    const status = { orderId: 'o', status: 'RESERVED', reason: null, paymentId: null, sequence: 1, at: 5 } as const;
    expect(serde.deserialize('order-status', serde.serialize('order-status', status))).toEqual(status);
    expect(() => serde.serialize('order-status', { ...status, status: 'LOST' as never })).toThrow(/field status is "LOST", not one of RESERVED, CONFIRMED/);
    expect(() => serde.serialize('order-status', { ...status, reason: 7 as never })).toThrow(/field reason is 7, not of one of the types null, string/);
  });

  it('insists on open before writing, and on prepare before reading', async () => {
    const closed = Serdes.avro<OrderPlaced>({ registry: memoryRegistry(), schema: ORDERS });
    expect(() => closed.serialize('orders', ORDER)).toThrow(SchemaNotReadyError);
    const unprepared = Serdes.avro<OrderPlaced>({ registry: { ...memoryRegistry(), known: () => undefined }, schema: ORDERS });
    expect(() => unprepared.deserialize('orders', Buffer.from([0, 0, 0, 0, 7, 1]))).toThrow(SchemaNotReadyError);
  });

  it('registers once per topic and side, and asks again after a failure', async () => {
    const subjects: string[] = [];
    let isAway = true;
    const registry: Registry = {
      ...memoryRegistry(),
      register: (subject) => {
        subjects.push(subject);
        return isAway ? Promise.reject(new Error('refused')) : Promise.resolve(4);
      },
    };
    const serde = Serdes.avro<OrderPlaced>({ registry, schema: ORDERS });
    await expect(serde.open!('orders', 'value')).rejects.toThrow('refused');
    isAway = false;
    await Promise.all([serde.open!('orders', 'value'), serde.open!('orders', 'value'), serde.open!('orders', 'key')]);
    expect(subjects).toEqual(['orders-value', 'orders-value', 'orders-key']);
    expect(serde.serialize('orders', ORDER).readInt32BE(1)).toBe(4);
  });
});

describe('avro serde, reading what others wrote', () => {
  it('resolves an older and a newer schema into its own', async () => {
    const registry = memoryRegistry();
    const v1: AvroSchema = record([{ name: 'a', type: 'string' }, { name: 'gone', type: { type: 'array', items: 'long' } }]);
    const v2: AvroSchema = record([{ name: 'a', type: 'string' }, { name: 'b', type: 'long', default: 7 }]);
    const old = Serdes.avro<{ a: string; gone: number[] }>({ registry, schema: v1 });
    const current = Serdes.avro<{ a: string; b: number }>({ registry, schema: v2 });
    await old.open!('t', 'value');
    await current.open!('t', 'value');
    expect(current.deserialize('t', old.serialize('t', { a: 'x', gone: [1, 2] }))).toEqual({ a: 'x', b: 7 });
    expect(current.deserialize('t', current.serialize('t', { a: 'x', b: 2 }))).toEqual({ a: 'x', b: 2 });
  });

  it.each<[string, unknown, unknown]>([
    ['bytes that are no text', ['string', 'bytes'], Buffer.from([0xff, 0xfe])],
    ['text beside bytes', ['bytes', 'string'], 'é'],
    ['a long beside a double', ['double', 'long'], { long: 5 }],
    ['an int beside wider numbers', ['null', 'double', 'long', 'int'], { int: 5 }],
    ['nothing', ['null', 'string'], null],
  ])('reads %s of a union as what it was written as, also from another version', async (_what, type, value) => {
    const registry = memoryRegistry();
    const old = Serdes.avro<{ u: unknown }>({ registry, schema: record([{ name: 'u', type }]) });
    const current = Serdes.avro<{ u: unknown; n: number }>({ registry, schema: record([{ name: 'u', type }, { name: 'n', type: 'int', default: 1 }]) });
    await old.open!('t', 'value');
    await current.open!('t', 'value');
    expect(current.deserialize('t', old.serialize('t', { u: value }))).toEqual({ u: value, n: 1 });
    expect(old.deserialize('t', current.serialize('t', { u: value, n: 2 }))).toEqual({ u: value });
  });

  it('says why a schema cannot be resolved', async () => {
    const registry = memoryRegistry();
    const other = Serdes.avro({ registry, schema: record([{ name: 'a', type: 'string' }]) });
    const serde = Serdes.avro({ registry, schema: record([{ name: 'a', type: 'string' }, { name: 'b', type: 'long' }]) });
    await other.open!('t', 'value');
    expect(() => serde.deserialize('t', other.serialize('t', { a: 'x' }))).toThrow(SchemaMismatchError);
    expect(() => serde.deserialize('t', other.serialize('t', { a: 'x' }))).toThrow(/schema 1 .*no matching field/);
  });

  it('calls an unknown id unknown, until the registry has it', async () => {
    const registry = memoryRegistry();
    const serde = Serdes.avro<OrderPlaced>({ registry, schema: ORDERS });
    const bytes = (await orderSerde()).serialize('orders', ORDER); // id 1 of another registry
    expect(() => serde.deserialize('orders', bytes)).toThrow(UnknownSchemaError);
    await serde.open!('orders', 'value');
    expect(serde.deserialize('orders', bytes)).toEqual(ORDER);
  });

  it('reads longs beyond the safe integers as an error', async () => {
    const registry = memoryRegistry();
    const serde = Serdes.avro<{ n: number }>({ registry, schema: record([{ name: 'n', type: 'long' }]) });
    await serde.open!('t', 'value');
    const max = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from('feffffffffffffffff01', 'hex')]); // 2^63 - 1
    expect(() => serde.deserialize('t', max)).toThrow(/precision loss/);
  });
});

describe('avro serde, reading nonsense', () => {
  it.each([
    ['nothing', ''],
    ['a header cut short', '000000'],
    ['another first byte', '0100000001'],
    ['JSON', Buffer.from('{"orderId":"o-1"}').toString('hex')],
    ['a body cut short', '000000000106652d31'],
    ['a negative string length', '000000000101'],
    ['an array said to hold a billion lines', `0000000001${'00'.repeat(3)}80a8d6b907`],
  ])('refuses %s', async (_what, hex) => {
    const serde = await orderSerde();
    const bytes = Buffer.from(hex, 'hex');
    expect(serde.prepare!('orders', bytes)).toBeUndefined();
    expect(() => serde.deserialize('orders', bytes)).toThrow(UndecodableError);
  });

  it('refuses trailing bytes', async () => {
    const serde = await orderSerde();
    expect(() => serde.deserialize('orders', Buffer.concat([serde.serialize('orders', ORDER), Buffer.of(0)]))).toThrow(/1 bytes follow its end/);
  });

  it('refuses a block size that would lead back to its own start, also in fields that are skipped', async () => {
    const registry = memoryRegistry();
    const writer = Serdes.avro({ registry, schema: record([{ name: 'skipped', type: { type: 'array', items: 'long' } }]) });
    const reader = Serdes.avro<{ a: string }>({ registry, schema: record([{ name: 'a', type: 'string', default: '' }]) });
    await writer.open!('t', 'value');
    const loop = Buffer.from('00000000010103', 'hex'); // count −1, size −2: "go back two bytes"
    expect(() => reader.deserialize('t', loop)).toThrow(UndecodableError);
  });

  it('reads maps with any key, and arrays of nothing', async () => {
    const schema = record([{ name: 'm', type: { type: 'map', values: 'long' } }, { name: 'n', type: { type: 'array', items: 'null' } }]);
    const serde = Serdes.avro<{ m: Record<string, number>; n: null[] }>({ registry: memoryRegistry(), schema });
    await serde.open!('t', 'value');
    const value = { m: JSON.parse('{"__proto__":1,"a":2}') as Record<string, number>, n: [null, null, null] };
    const read = serde.deserialize('t', serde.serialize('t', value));
    expect(Object.entries(read.m)).toEqual([['__proto__', 1], ['a', 2]]);
    expect(read.n).toEqual([null, null, null]);
  });

  it('survives every corruption of a record: a value or an error, and soon', async () => {
    const serde = await orderSerde();
    const good = serde.serialize('orders', ORDER);
    const corrupt = fc.array(fc.tuple(fc.nat(good.length - 6), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(corrupt, fc.nat(good.length), (changes, cut) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at + 5] = byte;
        try {
          serde.deserialize('orders', bytes.subarray(0, cut));
        } catch (error) {
          if (!(error instanceof UndecodableError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function record(fields: object[]): AvroSchema {
  return { type: 'record', name: 'R', fields };
}

function schemaFile(name: string): AvroSchema {
  return JSON.parse(readFileSync(new URL(`../../schemas/${name}.avsc`, import.meta.url), 'utf8')) as AvroSchema;
}
