// Groups of tables: an update of a row leaves its old group and enters its new one, through a repartition topic with what it was and what it became. Whatever is
// lost or repeated on the way would stay in a sum for ever.

import { expect } from 'vitest';
import { Serdes, StreamsBuilder, type KTable, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, failAtTheEnd, isBad, orBad, rowsOf, strings, text } from './inputs.ts';

const INPUTS = { rows: 2, past: 2 };
const TOPICS = { ...INPUTS, sums: 2, sizes: 2, members: 2, 'sums-of-latest': 1 };
const GROUPS = 3;
const long = Serdes.long();
const totals = { initial: () => 0, add: (value: number, sum: number) => sum + value, subtract: (value: number, sum: number) => sum - value, value: long };

function topology(): Topology {
  const builder = new StreamsBuilder();
  const rows = builder.table('rows', { name: 'rows', ...text });
  const byGroup = rows.groupBy((value) => [groupOf(value), amountOf(value)], { name: 'by-group', key: strings, value: long, partitions: 3 });
  told(byGroup.aggregate({ name: 'sums', ...totals }), 'sums');
  told(byGroup.count({ name: 'sizes' }), 'sizes');

  const members = rows.filter((value) => amountOf(value) % 2 === 0).groupBy((value, key) => [groupOf(value), key], { name: 'even-by-group', ...text });
  const list = { add: (member: string, all: string) => [...all.split(' '), member].filter(Boolean).sort().join(' '), subtract: (member: string, all: string) => all.split(' ').filter((one) => one !== member).join(' ') };
  told(members.aggregate({ name: 'members', initial: () => '', value: strings, ...list }), 'members');

  const past = builder.table('past', { name: 'past', ...text, historyMs: 50 });
  told(past.groupBy((value) => [groupOf(value), amountOf(value)], { name: 'latest-by-group', key: strings, value: long }).aggregate({ name: 'sums-of-latest', ...totals }), 'sums-of-latest');
  failAtTheEnd(rows.toStream());
  failAtTheEnd(past.toStream());
  return builder.build();
}

function told(table: KTable<string, unknown>, topic: string): void {
  table.toStream().mapValues((value) => (value === null ? null : String(value))).to(topic, text);
}

function groupOf(value: string): string {
  return value.split(':')[0]!;
}

function amountOf(value: string): number {
  return Number(value.split(':')[1]);
}

function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ rows: 3, past: 1 });
  const value = random.chance(0.15) ? null : orBad(random, `group-${random.upTo(GROUPS - 1)}:${random.upTo(20)}`);
  return entryOf(topic, INPUTS[topic], { key: anyKey(random), value, timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  // What a versioned table does not take, being older than its history, comes to nobody's notice.
  const bad = entries.filter(isBad);
  expect(dead.length).toBeLessThanOrEqual(bad.length);
  expect(dead.length).toBeGreaterThanOrEqual(bad.filter(({ topic }) => topic !== 'past').length);
  const good = entries.filter((entry) => !isBad(entry));
  const rows = Object.entries(rowsOf(good.filter(({ topic }) => topic === 'rows')));
  const groups = Array.from({ length: GROUPS }, (_, at) => `group-${at}`);
  const of = (group: string, all = rows): [string, string][] => all.filter(([, value]) => groupOf(value) === group);
  const expected = (account: (group: string) => unknown, topic: string): Record<string, string> =>
    Object.fromEntries(groups.filter((group) => read(topic).some(({ key }) => key === group)).map((group) => [group, String(account(group))]));
  const sum = (all: readonly [string, string][]): number => all.reduce((total, [, value]) => total + amountOf(value), 0);
  expect(rowsOf(read('sums'))).toEqual(expected((group) => sum(of(group)), 'sums'));
  expect(rowsOf(read('sizes'))).toEqual(expected((group) => of(group).length, 'sizes'));
  const even = rows.filter(([, value]) => amountOf(value) % 2 === 0);
  expect(rowsOf(read('members'))).toEqual(expected((group) => of(group, even).map(([key]) => key).sort().join(' '), 'members'));
  const latest = Object.entries(latestOf(good.filter(({ topic }) => topic === 'past')));
  expect(rowsOf(read('sums-of-latest'))).toEqual(expected((group) => sum(of(group, latest)), 'sums-of-latest'));
  for (const [key, value] of [...rows, ...latest]) expect(groups, key).toContain(groupOf(value));
}

/** The rows of a versioned table: what is older than a row's newest version does not change it, and what is older than the history is not taken at all. */
function latestOf(entries: readonly Entry[]): Record<string, string> {
  const newest: Record<string, { value: string | null; timestamp: number }> = {};
  const highest = [-1, -1];
  for (const { key, value, timestamp, partition } of entries) {
    highest[partition] = Math.max(highest[partition]!, timestamp);
    if (timestamp >= highest[partition]! - 50 && timestamp >= (newest[key!]?.timestamp ?? -1)) newest[key!] = { value, timestamp };
  }
  return Object.fromEntries(Object.entries(newest).flatMap(([key, { value }]) => (value === null ? [] : [[key, value]])));
}

export const tableGroups: Scenario = { topics: TOPICS, topology, anyEntry, check };
