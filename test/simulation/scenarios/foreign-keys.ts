// Foreign-key joins: a row's registration goes to the other table's task through one topic, and the answer comes back through another. However far apart the two
// are when something dies, in the end each row has the result of the rows that are there, and none of others.

import { expect } from 'vitest';
import { StreamsBuilder, type KTable, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyTime, entryOf, failAtTheEnd, isBad, orBad, rowsOf, strings, text } from './inputs.ts';

const INPUTS = { orders: 2, customers: 3 };
const TOPICS = { ...INPUTS, inner: 2, left: 2, 'by-town': 2 };
const CUSTOMERS = 4;

function topology(): Topology {
  const builder = new StreamsBuilder();
  const orders = builder.table('orders', { name: 'orders', ...text });
  const customers = builder.table('customers', { name: 'customers', ...text });
  const options = { ...text, foreignKey: strings, otherValue: strings, result: strings };
  const both = (order: string, customer: string | null): string => `${order}/${customer}`;
  const inner = orders.foreignKeyJoin(customers, customerOf, both, { name: 'inner', ...options });
  told(inner, 'inner');
  told(orders.leftForeignKeyJoin(customers, customerOf, both, { name: 'left', ...options, materialized: true }), 'left');
  // A group of results: what a result was must be taken out before what it became is put in.
  const byTown = inner.groupBy((value, key) => [value.split('/')[1]!.split(':')[0]!, key], { name: 'inner-by-town', ...text });
  const add = (a: string, b: string): string => [...a.split(' '), b].filter(Boolean).sort().join(' ');
  told(byTown.aggregate({ name: 'orders-by-town', initial: () => '', add: (key, all) => add(all, key), subtract: (key, all) => all.split(' ').filter((one) => one !== key).join(' '), value: strings }), 'by-town');
  failAtTheEnd(orders.toStream());
  failAtTheEnd(customers.toStream());
  return builder.build();
}

function told(table: KTable<string, string>, topic: string): void {
  table.toStream().to(topic, text);
}

/** Some orders are nobody's. */
function customerOf(order: string): string | null {
  const customer = order.split(':')[0]!;
  return customer === 'nobody' ? null : customer;
}

function anyEntry(random: Random, at: number): Entry {
  const timestamp = anyTime(random, at);
  const customer = (): string => `customer-${random.upTo(CUSTOMERS - 1)}`;
  if (random.chance(0.3)) {
    const value = random.chance(0.25) ? null : orBad(random, `town-${random.upTo(2)}:${at}`);
    return entryOf('customers', INPUTS.customers, { key: customer(), value, timestamp });
  }
  // Now and then a value that was there before: an answer to the first must not be taken for one to the last.
  const number = random.chance(0.3) ? random.upTo(2) : at;
  const value = random.chance(0.2) ? null : orBad(random, `${random.chance(0.1) ? 'nobody' : customer()}:${number}`);
  return entryOf('orders', INPUTS.orders, { key: `order-${random.upTo(7)}`, value, timestamp });
}

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const rows = (topic: string): Record<string, string> => rowsOf(entries.filter((entry) => entry.topic === topic && !isBad(entry)));
  const [orders, customers] = [rows('orders'), rows('customers')];
  const left = Object.fromEntries(Object.entries(orders).map(([key, order]) => [key, `${order}/${customers[customerOf(order) ?? ''] ?? null}`]));
  const inner = Object.fromEntries(Object.entries(left).filter(([, result]) => !result.endsWith('/null')));
  expect(rowsOf(read('left'))).toEqual(left);
  expect(rowsOf(read('inner'))).toEqual(inner);
  const towns: Record<string, string[]> = {};
  for (const [key, result] of Object.entries(inner)) (towns[result.split('/')[1]!.split(':')[0]!] ??= []).push(key);
  const told = Object.entries(rowsOf(read('by-town'))).filter(([, keys]) => keys !== '');
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(Object.entries(towns).map(([town, keys]) => [town, keys.sort().join(' ')])));
}

export const foreignKeys: Scenario = { topics: TOPICS, topology, anyEntry, check };
