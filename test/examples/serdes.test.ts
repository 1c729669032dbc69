// The snippets of docs/serdes.md.

import { expect, test } from 'vitest';
import { memoryRegistry, Serdes, StreamsBuilder, type Registry, type Serde } from 'millrace';
import { conflicts, conflictText, readSchemaFolder } from 'millrace/schemas';
import { TopologyTestDriver } from 'millrace/testing';
import type { OrderPlaced } from '../../src/orders/generated/records.ts';

function orderSerde(registry: Registry) {
  const { schema, compatibility } = readSchemaFolder('schemas').find(({ subject }) => subject === 'orders-value')!;
  return Serdes.avro<OrderPlaced>({ registry, schema, compatibility });
}

test('an Avro topic in a topology', async () => {
  const registry = memoryRegistry(); // in production: connectRegistry({ url: 'http://localhost:8081' })
  const orders = { key: Serdes.string(), value: orderSerde(registry) };
  const builder = new StreamsBuilder();
  builder
    .stream('orders', orders)
    .mapValues((order) => order?.totalCents ?? 0)
    .to('totals', { key: Serdes.string(), value: Serdes.long() });

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  const totals = driver.createOutputTopic('totals', { key: Serdes.string(), value: Serdes.long() });
  await input.pipeInput('o-1', { eventId: 'e', orderId: 'o-1', customerId: 'c', lines: [], totalCents: 1_200, currency: 'EUR', placedAt: 0 });
  await input.pipeInput('o-2', null);
  expect(totals.readValues()).toEqual([1_200, 0]);
});

test('a serde of one\'s own', () => {
  const day: Serde<Date> = {
    name: 'day',
    serialize: (_topic, date) => Buffer.from(date.toISOString().slice(0, 10)),
    deserialize: (_topic, bytes) => new Date(`${bytes.toString()}T00:00:00Z`),
  };
  expect(day.deserialize('t', day.serialize('t', new Date('2024-02-29T13:00:00Z')))).toEqual(new Date('2024-02-29T00:00:00Z'));
});

test('a change that is refused names its field', () => {
  const before = { type: 'record', name: 'Reading', fields: [{ name: 'celsius', type: 'double' }] };
  const after = { type: 'record', name: 'Reading', fields: [{ name: 'celsius', type: 'double' }, { name: 'sensor', type: 'string' }] };
  const [conflict] = conflicts(after, [{ version: 1, schema: before }], 'BACKWARD');
  expect(conflictText(conflict!)).toBe(
    'field sensor (string) is not in version 1 and has no default, so records of that version could not be read. Give it a default.',
  );
});
