// The Avro serde against the real registry at SCHEMA_REGISTRY_URL.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AvroSchema, type Registry, SchemaRefusedError, Serdes, UnknownSchemaError, connectRegistry } from '../../src/serdes/index.ts';

const url = process.env['SCHEMA_REGISTRY_URL'] ?? '';
const topic = `avro-real-${randomUUID()}`;
const V1 = record([{ name: 'a', type: 'string' }]);
const V2 = record([{ name: 'a', type: 'string' }, { name: 'b', type: 'long', default: 7 }]);
const BROKEN = record([{ name: 'a', type: 'string' }, { name: 'c', type: 'long' }]);

let writing: Registry;
let reading: Registry;
const troubles: string[] = [];
beforeAll(() => {
  writing = connectRegistry({ url, onTrouble: (message) => troubles.push(message) });
  reading = connectRegistry({ url, onTrouble: (message) => troubles.push(message) });
});
afterAll(() => {
  writing.close();
  reading.close();
  expect(troubles).toEqual([]);
});

it('registers under <topic>-value with BACKWARD compatibility, and reads what an older version wrote', async () => {
  const old = Serdes.avro<{ a: string }>({ registry: writing, schema: V1 });
  await old.open!(topic, 'value');
  const bytes = old.serialize(topic, { a: 'x' });
  expect(await config(`${topic}-value`)).toEqual({ compatibilityLevel: 'BACKWARD' });

  const current = Serdes.avro<{ a: string; b: number }>({ registry: reading, schema: V2 });
  await current.open!(topic, 'value');
  await current.prepare!(topic, bytes);
  expect(current.deserialize(topic, bytes)).toEqual({ a: 'x', b: 7 });

  const older = Serdes.avro<{ a: string }>({ registry: writing, schema: V1 });
  const newer = current.serialize(topic, { a: 'y', b: 8 });
  await older.prepare!(topic, newer);
  expect(older.deserialize(topic, newer)).toEqual({ a: 'y' });
});

it('writes and reads the bytes of another client of the registry', async () => {
  const other = new SchemaRegistry({ host: url });
  const serde = Serdes.avro<{ a: string; b: number }>({ registry: writing, schema: V2 });
  await serde.open!(`${topic}-other`, 'value');
  const bytes = serde.serialize(`${topic}-other`, { a: 'x', b: 5 });
  expect({ ...((await other.decode(bytes)) as object) }).toEqual({ a: 'x', b: 5 });
  expect(await other.encode(bytes.readInt32BE(1), { a: 'x', b: 5 })).toEqual(bytes);
});

it('has the same id for the same schema, also when several register it at the same moment', async () => {
  for (let round = 0; round < 10; round++) {
    const subject = `${topic}-again-${round}`;
    const ids = await Promise.all([writing, reading, writing, reading].map((registry) => registry.register(subject, V1, 'BACKWARD')));
    expect(new Set(ids).size).toBe(1);
  }
});

it('is refused a schema that could not read what is there', async () => {
  await writing.register(`${topic}-strict`, V1, 'BACKWARD');
  await expect(writing.register(`${topic}-strict`, BROKEN, 'BACKWARD')).rejects.toThrow(SchemaRefusedError);
});

it('hears that an id does not exist', async () => {
  const serde = Serdes.avro({ registry: reading, schema: V1 });
  const bytes = Buffer.from('007fffffff0278', 'hex');
  await serde.prepare!(topic, bytes);
  expect(() => serde.deserialize(topic, bytes)).toThrow(UnknownSchemaError);
});

it.each(['orders', 'payments', 'order-payments', 'order-status', 'refunds'])('takes schemas/%s.avsc', async (name) => {
  const schema = JSON.parse(readFileSync(new URL(`../../schemas/${name}.avsc`, import.meta.url), 'utf8')) as AvroSchema;
  const id = await writing.register(`${topic}-${name}-value`, schema, 'BACKWARD');
  await reading.fetch(id);
  expect(reading.known(id)).toMatchObject({ kind: 'avro', schema: { name: expect.stringMatching(/^millrace\.orders\./) as unknown, fields: expect.any(Array) as unknown } });
});

async function config(subject: string): Promise<unknown> {
  return (await fetch(`${url}/config/${subject}`)).json();
}

function record(fields: object[]): AvroSchema {
  return { type: 'record', name: 'R', namespace: 'avro.real', fields };
}
