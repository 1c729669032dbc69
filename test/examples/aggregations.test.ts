// The code of docs/aggregations.md, run.

import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

interface Order {
  readonly customer: string;
  readonly cents: number;
}

interface Employee {
  readonly team: string;
  readonly hours: number;
}

const orders = { key: Serdes.string(), value: Serdes.json<Order>() };
const text = { key: Serdes.string(), value: Serdes.string() };
const long = { key: Serdes.string(), value: Serdes.long() };

function ordersByCustomer(builder: StreamsBuilder) {
  return builder
    .stream('orders', orders)
    .filter((order) => order !== null)
    .groupBy((order) => order.customer, { name: 'by-customer', ...orders });
}

test('records are counted by key', async () => {
  const builder = new StreamsBuilder();
  const byCustomer = ordersByCustomer(builder);
  const counts = byCustomer.count({ name: 'orders-per-customer' });

  counts.toStream().to('counts', long);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  for (const customer of ['ann', 'bob', 'ann']) await input.pipeInput(null, { customer, cents: 1 });
  expect(driver.createOutputTopic('counts', long).readRecords().map(({ key, value }) => [key, value])).toEqual([['ann', 1], ['bob', 1], ['ann', 2]]);
  expect(driver.keyValueStore('orders-per-customer').get('ann')).toBe(2);
});

test('values are reduced two by two', async () => {
  const builder = new StreamsBuilder();
  const byCustomer = ordersByCustomer(builder);
  const largest = byCustomer.reduce((one, two) => (two.cents > one.cents ? two : one), { name: 'largest-order' });

  largest.toStream().to('largest', orders);
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  for (const cents of [5, 9, 7]) await input.pipeInput(null, { customer: 'ann', cents });
  expect(driver.createOutputTopic('largest', orders).readValues().map((order) => order!.cents)).toEqual([5, 9, 9]);
});

test('an aggregate is a value of its own, and null removes it', async () => {
  const builder = new StreamsBuilder();
  const byCustomer = ordersByCustomer(builder);
  const totals = byCustomer.aggregate({
    name: 'total-per-customer',
    initial: () => ({ orders: 0, cents: 0 }),
    add: (order, total) => ({ orders: total.orders + 1, cents: total.cents + order.cents }),
    value: Serdes.json<{ orders: number; cents: number }>(),
  });

  totals.toStream().to('totals', { key: Serdes.string(), value: Serdes.json<{ orders: number; cents: number }>() });
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput(null, { customer: 'ann', cents: 500 }, 20);
  await input.pipeInput(null, { customer: 'ann', cents: 200 }, 10);
  const records = driver.createOutputTopic('totals', { key: Serdes.string(), value: Serdes.json() }).readRecords();
  expect(records.map(({ value, timestamp }) => [value, timestamp])).toEqual([[{ orders: 1, cents: 500 }, 20], [{ orders: 2, cents: 700 }, 20]]);
});

test('null from a function removes the row, and the next record begins anew', async () => {
  const builder = new StreamsBuilder();
  const open = builder
    .stream('moves', text)
    .groupByKey({ name: 'moves', ...text })
    .aggregate({
      name: 'open',
      initial: () => 0,
      add: (move, count) => (move === 'close' ? null : count + 1),
      value: Serdes.long(),
    });

  open.toStream().to('open', long);
  await using driver = await TopologyTestDriver.start(builder.build());
  for (const move of ['open', 'more', 'close', 'open']) await driver.createInputTopic('moves', text).pipeInput('k', move);
  expect(driver.createOutputTopic('open', long).readValues()).toEqual([1, 2, null, 1]);
});

test('a table that is grouped takes rows out of one group and puts them into another', async () => {
  const builder = new StreamsBuilder();
  const employees = builder.table('employees', { name: 'employees', key: Serdes.string(), value: Serdes.json<Employee>() });
  const hoursPerTeam = employees
    .groupBy((employee) => [employee.team, employee.hours], { name: 'by-team', ...long })
    .aggregate({
      name: 'hours-per-team',
      initial: () => 0,
      add: (hours, sum) => sum + hours,
      subtract: (hours, sum) => sum - hours,
      value: Serdes.long(),
    });
  hoursPerTeam.toStream().to('hours', long);

  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('employees', { key: Serdes.string(), value: Serdes.json<Employee>() });
  const hours = driver.createOutputTopic('hours', long);
  const changes = () => hours.readRecords().map(({ key, value }) => `${key} ${value}`);
  await input.pipeInput('ann', { team: 'red', hours: 40 });
  await input.pipeInput('bob', { team: 'red', hours: 20 });
  expect(changes()).toEqual(['red 40', 'red 60']);
  await input.pipeInput('ann', { team: 'blue', hours: 30 });
  expect(changes()).toEqual(['red 20', 'blue 30']);
  await input.pipeInput('bob', null);
  expect(changes()).toEqual(['red 0']);
});

test('several groups fill one aggregate', async () => {
  const builder = new StreamsBuilder();
  const payments = builder.stream('payments', long).groupByKey({ name: 'payments', ...long });
  const refunds = builder.stream('refunds', long).groupByKey({ name: 'refunds', ...long });
  const balances = payments
    .cogroup<number>((cents, balance) => balance + (cents ?? 0))
    .cogroup(refunds, (cents, balance) => balance - (cents ?? 0))
    .aggregate({ name: 'balances', initial: () => 0, value: Serdes.long() });
  balances.toStream().to('balances', long);

  await using driver = await TopologyTestDriver.start(builder.build());
  await driver.createInputTopic('payments', long).pipeInput('o-1', 500);
  await driver.createInputTopic('refunds', long).pipeInput('o-1', 200);
  expect(driver.createOutputTopic('balances', long).readValues()).toEqual([500, 300]);
});

test('a versioned aggregate can be read as it was', async () => {
  const builder = new StreamsBuilder();
  ordersByCustomer(builder).count({ name: 'counts', historyMs: 3_600_000 });
  await using driver = await TopologyTestDriver.start(builder.build());
  const input = driver.createInputTopic('orders', orders);
  await input.pipeInput(null, { customer: 'ann', cents: 1 }, 1_000);
  await input.pipeInput(null, { customer: 'ann', cents: 1 }, 5_000);
  expect(driver.versionedStore('counts').get('ann', 4_999)).toEqual({ value: 1, timestamp: 1_000 });
});
