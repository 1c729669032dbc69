// Left and outer joins of streams: a record waits for a partner, and comes out alone when none can come any more.
//
// Which records find a partner in time depends on the order between the topics. Whatever that was: every record of a side that may stand alone has a result, at
// most one of them without a partner, and each pair comes once. The rest, the time of the join above all, is the reference's to say.

import { expect } from 'vitest';
import { StreamsBuilder, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, failAtTheEnd, farAhead, isBad, orBad, strings, text } from './inputs.ts';

const INPUTS = { left: 2, right: 2 };
const TOPICS = { ...INPUTS, 'left-joined': 2, 'outer-joined': 1, 'regrouped-joined': 3 };
const WINDOW = { beforeMs: 20, afterMs: 30, graceMs: 15 };

function topology(): Topology {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', text);
  const right = builder.stream('right', text);
  const both = (one: string | null, other: string | null): string => `${one}/${other}`;
  const options = { window: WINDOW, ...text, otherValue: strings };
  left.leftJoin(right, both, { name: 'one-sided', ...options }).to('left-joined', text);
  left.outerJoin(right, both, { name: 'two-sided', ...options }).to('outer-joined', text);
  const groups = [left, right].map((stream) => stream.selectKey((value) => (value === null ? null : groupOf(value))));
  groups[0]!.outerJoin(groups[1]!, both, { name: 'regrouped', ...options }).to('regrouped-joined', text);
  failAtTheEnd(left);
  failAtTheEnd(right);
  return builder.build();
}

/** Values are unlike each other; those of a group name it. */
function groupOf(value: string): string {
  return `key-${Number(/\d+/.exec(value)![0]) % 3}`;
}

function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ left: 1, right: 1 });
  const key = random.chance(0.05) ? null : anyKey(random);
  const value = random.chance(0.03) ? null : orBad(random, String(at));
  return entryOf(topic, INPUTS[topic], { key, value, timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  const good = entries.filter((entry) => entry.value !== null && !isBad(entry));
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const groups = good.map((entry) => ({ ...entry, key: groupOf(entry.value!) }));
  checkJoin(good, read('left-joined'), ['left']);
  checkJoin(good, read('outer-joined'), ['left', 'right']);
  checkJoin(groups, read('regrouped-joined'), ['left', 'right']);
}

function checkJoin(entries: readonly Entry[], lines: ReturnType<Outcome['read']>, alone: readonly string[]): void {
  const results = lines.filter(({ value }) => !value!.includes('end'));
  const keyOf = ({ topic, key, value }: Entry): string => (topic === 'left' ? `${key}=${value}/null` : `${key}=null/${value}`);
  const own = entries.filter(({ topic, value }) => alone.includes(topic) && !value!.includes('end'));
  const pairs = new Set(
    entries.filter(({ topic }) => topic === 'left').flatMap((left) => entries.filter((right) => isPair(left, right)).map((right) => `${left.key}=${left.value}/${right.value}`)),
  );
  const shown = results.map(({ key, value }) => `${key}=${value}`);
  expect(new Set(shown).size, 'a result came twice').toBe(shown.length);
  const possible = new Set([...pairs, ...own.map(keyOf)]);
  expect(shown.filter((line) => !possible.has(line)), 'results that cannot be').toEqual([]);
  const told = new Set(results.flatMap(({ value }) => value!.split('/').map((part, side) => `${side} ${part}`)));
  expect(own.filter(({ topic, value }) => !told.has(`${topic === 'left' ? 0 : 1} ${value}`)).map(keyOf), 'records without a result').toEqual([]);
}

function isPair(left: Entry, right: Entry): boolean {
  const { beforeMs, afterMs } = WINDOW;
  return right.topic === 'right' && left.key !== null && right.key === left.key && right.timestamp >= left.timestamp - beforeMs && right.timestamp <= left.timestamp + afterMs;
}

/** Of each group and each side, so that nobody waits any more. */
const closing = farAhead(INPUTS, '').map((entry, at) => ({ ...entry, value: `${1_000_000 + at} end` }));

export const streamJoins: Scenario = { topics: TOPICS, topology, anyEntry, check, closing };
