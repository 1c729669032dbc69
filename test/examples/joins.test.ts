// The code of docs/joins.md, run. The joins of streams are in stream-joins.test.ts.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

interface Order {
  readonly item: string;
  readonly customer: string | null;
}

const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };
const orders = { key: Serdes.string(), value: Serdes.json<Order>() };

test('two tables, row by row', async () => {
  const builder = new StreamsBuilder();
  const names = builder.table('product-names', { name: 'product-names', ...text });
  const stock = builder.table('stock', { name: 'stock', ...long });
  const offers = names.leftJoin(stock, (name, left) => `${name}: ${left ?? 0} left`);
  offers.toStream().to('offers', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const nameInput = driver.createInputTopic('product-names', text);
  const stockInput = driver.createInputTopic('stock', long);
  const output = driver.createOutputTopic('offers', text);
  const changes = () => output.readRecords().map(({ value, timestamp }) => [value, timestamp]);
  await nameInput.pipeInput('p-1', 'tea', 10);
  expect(changes()).toEqual([['tea: 0 left', 10]]);
  await stockInput.pipeInput('p-1', 7, 5);
  expect(changes()).toEqual([['tea: 7 left', 10]]);
  await stockInput.pipeInput('p-2', 7, 11);
  expect(changes()).toEqual([]);
  await nameInput.pipeInput('p-1', null, 12);
  expect(changes()).toEqual([[null, 12]]);
});

test('a result that is kept', async () => {
  const builder = new StreamsBuilder();
  const names = builder.table('product-names', { name: 'product-names', ...text });
  const stock = builder.table('stock', { name: 'stock', ...long });
  const offers = names.join(stock, (name, left) => `${name}: ${left} left`, { name: 'offers', ...text });

  offers.toStream().to('offers', text);
  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('product-names', text).pipeInput('p-1', 'tea');
  expect(driver.keyValueStore('offers').get('p-1')).toBeUndefined();
  await driver.createInputTopic('stock', long).pipeInput('p-1', 7);
  expect(driver.keyValueStore('offers').get('p-1')).toBe('tea: 7 left');
});

test('a row that names another', async () => {
  const builder = new StreamsBuilder();
  const orderTable = builder.table('orders', { name: 'orders', ...orders });
  const customers = builder.table('customers', { name: 'customers', ...text });
  const shipments = orderTable.foreignKeyJoin(
    customers,
    (order) => order.customer,
    (order, address) => `${order.item} to ${address}`,
    { name: 'shipments', ...orders, foreignKey: Serdes.string(), otherValue: Serdes.string(), result: Serdes.string() },
  );
  shipments.toStream().to('shipments', text);

  await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { orders: 4, customers: 2, shipments: 4 } });
  const orderInput = driver.createInputTopic('orders', orders);
  const customerInput = driver.createInputTopic('customers', text);
  const output = driver.createOutputTopic('shipments', text);
  const changes = () => output.readRecords().map(({ key, value }) => `${key}: ${value}`).sort();
  await customerInput.pipeInput('ann', 'Helsinki');
  await orderInput.pipeInput('o-1', { item: 'tea', customer: 'ann' });
  await orderInput.pipeInput('o-2', { item: 'cups', customer: 'ann' });
  await orderInput.pipeInput('o-3', { item: 'spoons', customer: null });
  expect(changes()).toEqual(['o-1: tea to Helsinki', 'o-2: cups to Helsinki']);
  await customerInput.pipeInput('ann', 'Lima');
  expect(changes()).toEqual(['o-1: tea to Lima', 'o-2: cups to Lima']);
  await orderInput.pipeInput('o-1', { item: 'tea', customer: 'bob' });
  expect(changes()).toEqual(['o-1: null']);
});

test('topics that do not fit together are refused at the start, and a repartition mends it', async () => {
  const joined = (spread: boolean) => {
    const builder = new StreamsBuilder();
    const prices = builder.table('prices', { name: 'prices', ...long });
    const sales = builder.stream('sales', text);
    const inStep = spread ? sales.repartition({ name: 'sales-by-product', ...text }) : sales;
    inStep.join(prices, (sale, cents) => `${sale} for ${cents}`, { name: 'sale-price', ...text }).to('priced', text);
    return builder.build();
  };
  const partitions = { sales: 3, prices: 2, priced: 2 };
  await expect(TopologyTestDriver.start(joined(false), { partitions })).rejects.toThrow(/sales \(3\), prices \(2\)|prices \(2\), sales \(3\)/);

  await using driver = await TopologyTestDriver.start(joined(true), { partitions });
  await driver.createInputTopic('prices', long).pipeInput('p-1', 450);
  await driver.createInputTopic('sales', text).pipeInput('p-1', 'tea');
  expect(driver.createOutputTopic('priced', text).readValues()).toEqual(['tea for 450']);
});
