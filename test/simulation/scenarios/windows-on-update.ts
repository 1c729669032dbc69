// Windowed aggregates that tell of each change: tumbling, hopping and sliding windows, sessions, and two groups in the same windows.
//
// Each of them reads one partition per task, so what comes of it follows from that partition alone. For tumbling windows the account says it; the others are the
// reference's to say.

import { expect } from 'vitest';
import { hopping, session, sliding, StreamsBuilder, tumbling, type KTable, type Topology, type Windowed } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, byKey, entryOf, failAtTheEnd, farAhead, isBad, orBad, strings, text } from './inputs.ts';

const INPUTS = { events: 2, others: 2 };
const TOPICS = { ...INPUTS, tumbling: 2, hopping: 2, sliding: 2, sessions: 2, short: 2, together: 1, 'sessions-together': 1 };
const SIZE_MS = 20;
const GRACE_MS = 10;

function topology(): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream('events', text);
  const others = builder.stream('others', text);
  const grouped = events.groupByKey({ name: 'by-key', ...text });
  const otherGroup = others.groupByKey({ name: 'others-by-key', ...text });
  const join = { initial: () => '', add: (value: string | null, all: string) => (value?.endsWith('0') === true ? null : `${all}+${value}`) as string, value: strings };
  const merged = { ...join, merge: (one: string, two: string) => `${one}|${two}` };

  told(grouped.windowedBy(tumbling({ sizeMs: SIZE_MS, graceMs: GRACE_MS })).count({ name: 'tumbling-counts' }), 'tumbling');
  told(grouped.windowedBy(hopping({ sizeMs: 30, advanceMs: 10, graceMs: 15 })).aggregate({ name: 'hopping-lists', ...join }), 'hopping');
  told(grouped.windowedBy(sliding({ differenceMs: 25, graceMs: 10 })).reduce((one, two) => `${one}+${two}`, { name: 'sliding-lists' }), 'sliding');
  told(grouped.windowedBy(session({ gapMs: 15, graceMs: 10 })).aggregate({ name: 'session-lists', ...merged }), 'sessions');

  // As short as times are coarse: whatever is not closed yet is about to be.
  const short = { gapMs: 5, graceMs: 0 };
  told(grouped.windowedBy(session(short)).count({ name: 'short-sessions' }), 'short');
  told(grouped.windowedBy(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })).count({ name: 'short-windows' }), 'short');
  told(grouped.windowedBy(sliding({ differenceMs: 5, graceMs: 0 })).count({ name: 'short-sliding' }), 'short');

  const add = (value: string | null, all: string): string => `${all}+${value}`;
  const cogroup = grouped.cogroup(add).cogroup(otherGroup, add);
  told(cogroup.windowedBy(tumbling({ sizeMs: 30, graceMs: 10 })).aggregate({ name: 'both', initial: () => '', value: strings }), 'together');
  told(cogroup.windowedBy(session({ gapMs: 10, graceMs: 20 })).aggregate({ name: 'sessions-of-both', initial: () => '', merge: (one, two) => `${one}|${two}`, value: strings }), 'sessions-together');
  failAtTheEnd(events);
  failAtTheEnd(others);
  return builder.build();
}

export function told(table: KTable<Windowed<string>, unknown>, topic: string): void {
  table.toStream((_value, { key, window }) => `${key}@${window.startMs}-${window.endMs}`).mapValues((value) => (value === null ? null : String(value))).to(topic, text);
}

function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ events: 3, others: 1 });
  const key = random.chance(0.03) ? null : anyKey(random);
  const value = random.chance(0.05) ? null : orBad(random, String(at));
  return entryOf(topic, INPUTS[topic], { key, value, timestamp: anyTime(random, at) });
}

/** Time hardly moves, and there are few keys: most records come when something is just about to close. */
function anySlowEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ events: 6, others: 1 });
  const timestamp = 5 * Math.max(0, Math.floor((at - random.upTo(15)) / 5));
  return entryOf(topic, INPUTS[topic], { key: `key-${random.upTo(1)}`, value: orBad(random, String(at)), timestamp });
}

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const expected = [0, 1].flatMap((partition) => tumblingCounts(entries.filter((entry) => entry.topic === 'events' && entry.partition === partition && !isBad(entry))));
  const values = (lines: readonly { key: string | null; value: string | null }[]): Record<string, (string | null)[]> =>
    Object.fromEntries([...byKey(lines)].sort().map(([key, all]) => [key, all.map(({ value }) => value)]));
  expect(values(read('tumbling'))).toEqual(values(expected));
}

/** One partition's updates, in order. */
export function tumblingCounts(entries: readonly Entry[]): { key: string; value: string; endMs: number; streamTime: number }[] {
  const counts = new Map<string, number>();
  let streamTime = -1;
  return entries.flatMap(({ key, timestamp }) => {
    if (key === null) return [];
    streamTime = Math.max(streamTime, timestamp);
    const startMs = timestamp - (timestamp % SIZE_MS);
    const endMs = startMs + SIZE_MS;
    if (endMs <= streamTime - GRACE_MS) return [];
    const window = `${key}@${startMs}-${endMs}`;
    counts.set(window, (counts.get(window) ?? 0) + 1);
    return [{ key: window, value: String(counts.get(window)), endMs, streamTime }];
  });
}

export const windowsOnUpdate: Scenario = { topics: TOPICS, topology, anyEntry, check, closing: farAhead(INPUTS, '1') };
export const windowsAtTheirBorders: Scenario = { ...windowsOnUpdate, anyEntry: anySlowEntry };
