// The code of docs/stream-joins.md, run.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };
const order = Serdes.json<{ item: string; country: string }>();
const payment = Serdes.json<{ cents: number }>();

test('orders and payments', async () => {
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', { key: text.key, value: order });
  const payments = builder.stream('payments', { key: text.key, value: payment });
  const settled = orders.leftJoin(payments, (order, payment) => `${order.item}: ${payment === null ? 'not paid' : payment.cents}`, {
    name: 'order-payment',
    window: { beforeMs: 0, afterMs: 60_000, graceMs: 10_000 },
    key: Serdes.string(),
    value: order,
    otherValue: payment,
  });
  settled.to('settled', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const [ordered, paid] = [driver.createInputTopic('orders', { key: text.key, value: order }), driver.createInputTopic('payments', { key: text.key, value: payment })];
  await ordered.pipeInput('o-1', { item: 'tea', country: 'de' }, 0);
  await ordered.pipeInput('o-2', { item: 'cups', country: 'fr' }, 0);
  await paid.pipeInput('o-1', { cents: 450 }, 30_000);
  await ordered.pipeInput('o-3', { item: 'spoons', country: 'de' }, 70_001);
  expect(driver.createOutputTopic('settled', text).readValues()).toEqual(['tea: 450', 'cups: not paid']);
});

test('clicks and what the page showed', async () => {
  const builder = new StreamsBuilder();
  const prices = builder.table('prices', { name: 'prices', key: Serdes.string(), value: Serdes.string(), historyMs: 3_600_000 });
  builder
    .stream('sales', text)
    .join(prices, (sale, price) => `${sale} at ${price}`, { name: 'sale-price', key: Serdes.string(), value: Serdes.string(), graceMs: 60_000 })
    .to('priced', text);

  await using driver = await TopologyTestDriver.start(builder.build());
  const [price, sale] = [driver.createInputTopic('prices', text), driver.createInputTopic('sales', text)];
  await price.pipeInput('tea', '450', 0);
  await sale.pipeInput('tea', 'first', 20_000);
  await price.pipeInput('tea', '470', 30_000);
  await price.pipeInput('tea', '460', 10_000);
  await sale.pipeInput('tea', 'second', 80_000);
  expect(driver.createOutputTopic('priced', text).readValues()).toEqual(['first at 460']);
});

test('orders and their countries', async () => {
  const builder = new StreamsBuilder();
  const countries = builder.globalTable('countries', { name: 'countries', key: Serdes.string(), value: Serdes.string() });
  builder
    .stream('orders', { key: text.key, value: order })
    .leftJoin(countries, (order) => order.country, (order, country) => `${order.item} to ${country ?? 'nowhere'}`)
    .to('shipped', text);

  await using driver = await TopologyTestDriver.start(builder.build(), { partitions: { orders: 4, countries: 2 } });
  await driver.createInputTopic('countries', text).pipeInput('de', 'Germany');
  await driver.createInputTopic('orders', { key: text.key, value: order }).pipeInput('o-1', { item: 'tea', country: 'de' });
  expect(driver.createOutputTopic('shipped', text).readValues()).toEqual(['tea to Germany']);
});
