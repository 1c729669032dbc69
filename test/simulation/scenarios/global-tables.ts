// A stream joined with a global table, which every instance reads by itself. What a record finds depends on how far its instance has read, so no reference can
// repeat it; but each record has one result, made of a row that was there at some time, and of none older than what was there before anything began.

import { expect } from 'vitest';
import { StreamsBuilder, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, failAtTheEnd, isBad, orBad, rowsOf, text } from './inputs.ts';

const INPUTS = { sales: 2, rates: 3 };
const TOPICS = { ...INPUTS, rated: 2, counts: 2 };

function topology(): Topology {
  const builder = new StreamsBuilder();
  const sales = builder.stream('sales', text);
  const rates = builder.globalTable('rates', { name: 'rates', ...text });
  const rated = sales.leftJoin(rates, (_sale, key) => key, (sale, rate) => `${sale}/${rate}`);
  rated.to('rated', text);
  // State beside it, which no reading of the global table may disturb.
  rated.groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' }).toStream().mapValues(String).to('counts', text);
  failAtTheEnd(sales);
  return builder.build();
}

function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ sales: 3, rates: 1 });
  const key = anyKey(random);
  const value = topic === 'rates' ? (random.chance(0.2) ? null : `rate-${at}`) : orBad(random, String(at));
  return entryOf(topic, INPUTS[topic], { key, value, timestamp: anyTime(random, at) });
}

const opening = Array.from({ length: 4 }, (_, at) => entryOf('rates', INPUTS.rates, { key: `key-${at}`, value: `first-${at}`, timestamp: 0 }));

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const sales = entries.filter((entry) => entry.topic === 'sales' && !isBad(entry));
  const lines = read('rated').map(({ key, value }) => ({ key: key!, sale: value!.split('/')[0]!, rate: value!.split('/')[1]! }));
  expect(lines.map(({ key, sale }) => `${key}=${sale}`).sort()).toEqual(sales.map(({ key, value }) => `${key}=${value}`).sort());
  for (const { key, rate } of lines) {
    const rates = entries.filter((entry) => entry.topic === 'rates' && entry.key === key);
    const possible = [...(rates[0]?.value?.startsWith('first') === true ? [] : ['null']), ...rates.map(({ value }) => String(value))];
    expect(possible, `the rate of ${key}`).toContain(rate);
  }
  const counted: Record<string, number> = {};
  for (const { key } of sales) counted[key!] = (counted[key!] ?? 0) + 1;
  expect(rowsOf(read('counts'))).toEqual(Object.fromEntries(Object.entries(counted).map(([key, count]) => [key, String(count)])));
}

export const globalTables: Scenario = { topics: TOPICS, topology, anyEntry, check, opening, isNotRepeatable: 'what a record finds in a global table depends on how far its instance has read' };
