// Streams joined with tables: a plain one, as it is now, and a versioned one, as it was at the record's time, for which records wait. Each record of a left join
// has one result, whatever happens while it waits; and what it was joined with was a row once.

import { expect } from 'vitest';
import { StreamsBuilder, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, failAtTheEnd, farAhead, isBad, orBad, text } from './inputs.ts';

const INPUTS = { sales: 2, prices: 2, names: 2 };
const TOPICS = { ...INPUTS, priced: 2, waited: 2, 'waited-inner': 2, filtered: 2, named: 2 };
const HISTORY_MS = 60;

function topology(): Topology {
  const builder = new StreamsBuilder();
  const sales = builder.stream('sales', text);
  const prices = builder.table('prices', { name: 'prices', ...text, historyMs: HISTORY_MS });
  const names = builder.table('names', { name: 'names', ...text });
  const both = (sale: string, row: string | null): string => `${sale}/${row}`;
  sales.leftJoin(prices, both, { name: 'at-once', ...text }).to('priced', text);
  sales.leftJoin(prices, both, { name: 'waiting', ...text, graceMs: 30 }).to('waited', text);
  sales.join(prices, both, { name: 'waiting-inner', ...text, graceMs: HISTORY_MS }).to('waited-inner', text);
  const few = prices.filter((value) => Number(/\d+/.exec(value)![0]) % 3 !== 0, { name: 'few-prices', ...text, historyMs: HISTORY_MS });
  sales.leftJoin(few, both, { name: 'with-few', ...text, graceMs: 20 }).to('filtered', text);
  sales.leftJoin(names, both, { name: 'with-names', ...text }).to('named', text);
  failAtTheEnd(sales);
  failAtTheEnd(prices.toStream());
  failAtTheEnd(names.toStream());
  return builder.build();
}

function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ sales: 3, prices: 3, names: 1 });
  const key = topic === 'sales' && random.chance(0.05) ? null : anyKey(random);
  const value = random.chance(topic === 'sales' ? 0.03 : 0.2) ? null : orBad(random, String(at));
  return entryOf(topic, INPUTS[topic], { key, value, timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  // What a versioned table does not take, being older than its history, comes to nobody's notice.
  const bad = entries.filter(isBad);
  expect(dead.length).toBeLessThanOrEqual(bad.length);
  expect(dead.length).toBeGreaterThanOrEqual(bad.filter(({ topic }) => topic !== 'prices').length);
  const good = entries.filter((entry) => !isBad(entry));
  const sales = good.filter(({ topic, value, timestamp }) => topic === 'sales' && value !== null && timestamp < 1_000_000);
  for (const topic of ['priced', 'waited', 'filtered', 'named']) {
    const told = read(topic).map(({ value }) => value!.split('/')[0]!).filter((sale) => sale !== 'end');
    expect(told.sort(), topic).toEqual(sales.map(({ value }) => value!).sort());
  }
  const inner = read('waited-inner').map(({ value }) => value!.split('/')[0]!).filter((sale) => sale !== 'end');
  expect(new Set(inner).size, 'a result came twice').toBe(inner.length);
  const rows = new Set(good.filter(({ topic, value }) => topic !== 'sales' && value !== null).map(({ topic, key, value, timestamp }) => `${topic === 'names' ? '' : timestamp} ${key} ${value}`));
  const isRow = (from: 'names' | 'prices', { key, value, timestamp }: ReturnType<Outcome['read']>[number]): boolean => {
    const row = value!.split('/')[1]!;
    if (row === 'null') return true;
    if (from === 'names') return rows.has(` ${key} ${row}`);
    return good.some((entry) => entry.topic === 'prices' && entry.key === key && entry.value === row && entry.timestamp <= timestamp);
  };
  expect(read('named').filter((line) => !isRow('names', line)), 'joined with no row').toEqual([]);
  for (const topic of ['priced', 'waited', 'waited-inner', 'filtered']) expect(read(topic).filter((line) => !isRow('prices', line)), `${topic}: joined with no row`).toEqual([]);
}

export const versionedJoins: Scenario = { topics: TOPICS, topology, anyEntry, check, closing: farAhead({ sales: INPUTS.sales }, 'end') };
