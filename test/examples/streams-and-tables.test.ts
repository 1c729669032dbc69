// The code of docs/streams-and-tables.md, run.

import { expect, expectTypeOf, test, vi } from 'vitest';
import { Serdes, StreamsBuilder, type KStream } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

interface Order {
  readonly id: string;
  readonly customer: string;
  readonly cents: number;
  readonly placedAt: number;
}

interface Customer {
  readonly name: string;
  readonly isActive: boolean;
}

const orders = { key: Serdes.string(), value: Serdes.json<Order>() };
const customers = { key: Serdes.string(), value: Serdes.json<Customer>() };
const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

const order = (id: string, customer: string, cents: number, placedAt = 0): Order => ({ id, customer, cents, placedAt });

test('a stream has every record, a table the latest of each key', async () => {
  const builder = new StreamsBuilder();
  const orderStream = builder.stream('orders', orders);
  const customerTable = builder.table('customers', { name: 'customers', ...customers });

  orderStream.mapValues((order) => order?.cents ?? 0).to('cents', long);
  customerTable.toStream().mapValues((customer) => customer?.name ?? 'gone').to('names', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('orders', orders).pipeInput('o-1', order('o-1', 'ann', 500));
  await driver.createInputTopic('orders', orders).pipeInput('o-1', null);
  const customerInput = driver.createInputTopic('customers', customers);
  await customerInput.pipeInput('ann', { name: 'Ann', isActive: true });
  await customerInput.pipeInput(null, { name: 'Nobody', isActive: true });
  await customerInput.pipeInput('ann', null);
  expect(driver.createOutputTopic('cents', long).readValues()).toEqual([500, 0]);
  expect(driver.createOutputTopic('names', text).readValues()).toEqual(['Ann', 'gone']);
});

test('event time may stand in the value', async () => {
  const builder = new StreamsBuilder();
  const orderStream = builder.stream('orders', { ...orders, timestamp: (record) => record.value?.placedAt ?? record.timestamp });

  orderStream.to('out', orders);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput('o-1', order('o-1', 'ann', 500, 4_000), 9_000);
  await input.pipeInput('o-2', order('o-2', 'ann', 500, -1), 9_000);
  expect(driver.createOutputTopic('out', orders).readRecords().map(({ key, timestamp }) => [key, timestamp])).toEqual([['o-1', 4_000]]);
});

test('a filter takes null out of the type', async () => {
  const builder = new StreamsBuilder();
  const large: KStream<string | null, string> = builder
    .stream('orders', orders)
    .filter((order) => order !== null)
    .filter((order) => order.cents > 10_000)
    .mapValues((order, key) => `${key} of ${order.customer}`);

  expectTypeOf(large).toEqualTypeOf<KStream<string | null, string>>();
  large.to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput('o-1', order('o-1', 'ann', 20_000));
  await input.pipeInput('o-2', order('o-2', 'bob', 20));
  await input.pipeInput('o-3', null);
  expect(driver.createOutputTopic('out', text).readValues()).toEqual(['o-1 of ann']);
});

test('a split gives a stream for each branch, a merge makes one of two', async () => {
  const info = vi.spyOn(console, 'info').mockImplementation(() => {});
  const builder = new StreamsBuilder();
  const orderStream = builder.stream('orders', orders).filter((order) => order !== null);
  const { large, small } = orderStream.split({ large: (order) => order.cents >= 10_000 }, { default: 'small' });
  const reviewed = large.peek((order) => console.info('to be looked at:', order.id));
  reviewed.merge(small).to('all-orders', orders);

  small.to('small', orders);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput('o-1', order('o-1', 'ann', 20_000));
  await input.pipeInput('o-2', order('o-2', 'bob', 20));
  expect(driver.createOutputTopic('all-orders', orders).readRecords().map(({ key }) => key)).toEqual(['o-1', 'o-2']);
  expect(driver.createOutputTopic('small', orders).readRecords().map(({ key }) => key)).toEqual(['o-2']);
  expect(info.mock.calls).toEqual([['to be looked at:', 'o-1']]);
  info.mockRestore();
});

test('what depends on the key goes through a topic of the application once the key has changed', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('orders', orders)
    .filter((order) => order !== null)
    .selectKey((order) => order.customer)
    .groupByKey({ name: 'by-customer', ...orders })
    .count({ name: 'orders-per-customer' })
    .toStream()
    .to('orders-per-customer', long);

  const topology = builder.build();
  expect(topology.internalTopics().map(({ suffix }) => suffix)).toEqual(['by-customer-repartition']);
  await using driver = await TopologyTestDriver.start(topology, { partitions: 3 });
  const input = driver.createInputTopic('orders', orders);
  for (const [id, customer] of [['o-1', 'ann'], ['o-2', 'bob'], ['o-3', 'ann']] as const) await input.pipeInput(id, order(id, customer, 1));
  const counts = driver.createOutputTopic('orders-per-customer', long).readRecords().map(({ key, value }) => `${key} ${value}`);
  expect(counts.sort()).toEqual(['ann 1', 'ann 2', 'bob 1']);
});

test('a stream is repartitioned where one says so', async () => {
  const builder = new StreamsBuilder();
  builder.stream('orders', orders).repartition({ name: 'spread', partitions: 12, ...orders }).to('spread-orders', orders);

  await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { orders: 2, 'spread-orders': 12 } });
  await driver.createInputTopic('orders', orders).pipeInput('o-1', order('o-1', 'ann', 1));
  expect(driver.createOutputTopic('spread-orders', orders).readRecords()).toHaveLength(1);
});

test('a table is filtered and mapped row by row', async () => {
  const builder = new StreamsBuilder();
  const active = builder
    .table('customers', { name: 'customers', ...customers })
    .filter((customer) => customer.isActive)
    .mapValues((customer) => customer.name);
  active.toStream().to('active-customers', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('customers', customers);
  await input.pipeInput('ann', { name: 'Ann', isActive: true });
  await input.pipeInput('ann', { name: 'Ann', isActive: false });
  expect(driver.createOutputTopic('active-customers', text).readValues()).toEqual(['Ann', null]);
  expect(driver.storeSpec('customers')).toBeUndefined();
});

test('a table is kept when one says so', async () => {
  const builder = new StreamsBuilder();
  const customerTable = builder.table('customers', { name: 'customers', ...customers, materialized: true });
  customerTable.mapValues((customer) => customer.name, { name: 'customer-names', ...text });

  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('customers', customers).pipeInput('ann', { name: 'Ann', isActive: true });
  expect(driver.keyValueStore('customers').get('ann')).toEqual({ name: 'Ann', isActive: true });
  expect(driver.keyValueStore('customer-names').get('ann')).toBe('Ann');
});

test('a stream becomes a table, and a table a stream', async () => {
  const builder = new StreamsBuilder();
  const lastOrder = builder
    .stream('orders', orders)
    .filter((order) => order !== null)
    .selectKey((order) => order.customer)
    .toTable({ name: 'last-order', ...orders });
  lastOrder
    .toStream((order) => order?.id ?? null)
    .mapValues((_order, id) => `the last one is ${id}`)
    .to('last-orders', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput('o-1', order('o-1', 'ann', 1));
  await input.pipeInput('o-2', order('o-2', 'ann', 1));
  expect(driver.createOutputTopic('last-orders', text).readRecords().map(({ key, value }) => [key, value])).toEqual([
    ['o-1', 'the last one is o-1'],
    ['o-2', 'the last one is o-2'],
  ]);
});

test('records choose their topic and their partition', async () => {
  const builder = new StreamsBuilder();
  const orderStream = builder.stream('orders', orders).filter((order) => order !== null);
  orderStream.to((order) => `orders-of-${order.customer}`, orders);
  orderStream.to('orders-by-size', { ...orders, partitioner: (_key, order, partitions) => (order.cents > 10_000 ? 0 : partitions - 1) });

  await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { 'orders-by-size': 2 } });
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput('o-1', order('o-1', 'ann', 1));
  await input.pipeInput('o-2', order('o-2', 'bob', 20_000));
  expect(driver.createOutputTopic('orders-of-ann', orders).readRecords().map(({ key }) => key)).toEqual(['o-1']);
  expect(driver.createOutputTopic('orders-by-size', orders).readRecords().map(({ key }) => key)).toEqual(['o-2', 'o-1']);
});

test('repetitions are dropped', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('orders', orders)
    .filter((order) => order !== null)
    .dedupe({ name: 'orders-seen', id: (order) => order.id, retentionMs: 86_400_000, serde: Serdes.string() })
    .to('new-orders', orders);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  for (const cents of [1, 2]) await input.pipeInput('o-1', order('o-1', 'ann', cents));
  expect(driver.createOutputTopic('new-orders', orders).readValues()).toEqual([order('o-1', 'ann', 1)]);
  expect(driver.metrics()['orders-seen.duplicates']).toBe(1);
});
