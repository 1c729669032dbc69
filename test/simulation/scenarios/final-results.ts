// Results that come once, at the end: windows that tell when they close, and updates that are held back. Each final result comes exactly once, whatever dies
// between the record that closes a window and the commit of what came of it.

import { expect } from 'vitest';
import { hopping, Serdes, session, sliding, StreamsBuilder, tumbling, untilTimeLimit, untilWindowCloses, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, byKey, entryOf, failAtTheEnd, farAhead, isBad, orBad, rowsOf, strings, text } from './inputs.ts';
import { told, tumblingCounts } from './windows-on-update.ts';

const INPUTS = { events: 2 };
const TOPICS = { ...INPUTS, closed: 2, 'closed-hopping': 1, 'closed-sliding': 2, 'closed-sessions': 3, final: 2, 'final-sessions': 2, limited: 2, squeezed: 2, sums: 2, regrouped: 2 };
const WINDOWS = tumbling({ sizeMs: 20, graceMs: 10 });
const onClose = { emit: 'on-close' } as const;
const long = Serdes.long();

function topology(): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream('events', text);
  const grouped = events.groupByKey({ name: 'by-key', ...text });
  told(grouped.windowedBy(WINDOWS).count({ name: 'closing', ...onClose }), 'closed');
  told(grouped.windowedBy(hopping({ sizeMs: 30, advanceMs: 10, graceMs: 15 })).reduce((one, two) => `${one}+${two}`, { name: 'closing-hopping', ...onClose }), 'closed-hopping');
  told(grouped.windowedBy(sliding({ differenceMs: 25, graceMs: 10 })).count({ name: 'closing-sliding', ...onClose }), 'closed-sliding');
  told(grouped.windowedBy(session({ gapMs: 15, graceMs: 10 })).count({ name: 'closing-sessions', ...onClose }), 'closed-sessions');

  told(grouped.windowedBy(WINDOWS).count({ name: 'counts' }).suppress(untilWindowCloses(), { name: 'final-counts', value: long }), 'final');
  const sessions = events.selectKey((value, key) => (value === null ? key : groupOf(value))).groupByKey({ name: 'regrouped', ...text }).windowedBy(session({ gapMs: 15, graceMs: 10 }));
  told(sessions.count({ name: 'sessions' }).suppress(untilWindowCloses(), { name: 'final-session-counts', value: long }), 'final-sessions');

  const counts = grouped.count({ name: 'totals' });
  const asText = (value: number | null): string => String(value);
  const held = { key: strings, value: long };
  counts.suppress(untilTimeLimit({ limitMs: 30 }), { name: 'held', ...held }).toStream().mapValues(asText).to('limited', text);
  const squeezed = counts.suppress(untilTimeLimit({ limitMs: 60, maxRecords: 2, whenFull: 'emit-early' }), { name: 'squeezed', ...held });
  squeezed.toStream().mapValues(asText).to('squeezed', text);
  // Below, a row is what has come out: what is taken out of a sum must be what was put into it.
  const sums = squeezed.groupBy((value, key) => [groupOf(key), value], { name: 'of-squeezed', ...held });
  sums.aggregate({ name: 'sums', initial: () => 0, add: (value, sum) => sum + value, subtract: (value, sum) => sum - value, value: long }).toStream().mapValues(asText).to('sums', text);
  failAtTheEnd(events);
  return builder.build();
}

function groupOf(value: string): string {
  return `key-${Number(/\d+/.exec(value)![0]) % 3}`;
}

function anyEntry(random: Random, at: number): Entry {
  const key = random.chance(0.03) ? null : anyKey(random);
  const value = random.chance(0.05) ? null : orBad(random, String(at));
  return entryOf('events', INPUTS.events, { key, value, timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const good = entries.filter((entry) => !isBad(entry));
  const updates = [0, 1].flatMap((partition) => tumblingCounts(good.filter((entry) => entry.partition === partition)));
  const final = rowsOf(updates.filter(({ endMs }) => endMs < 1_000_000));
  for (const topic of ['closed', 'final']) {
    const lines = read(topic);
    expect(lines, `${topic}: a result came twice`).toHaveLength(new Set(lines.map(({ key }) => key)).size);
    expect(rowsOf(lines), topic).toEqual(final);
  }
  for (const topic of ['closed-hopping', 'closed-sliding', 'closed-sessions']) {
    const lines = read(topic);
    expect(lines, `${topic}: a result came twice`).toHaveLength(new Set(lines.map(({ key }) => key)).size);
  }
  checkTotals(good, read);
}

/** Held back or not, the last of what came out of a sum of what came out is that sum. */
function checkTotals(good: readonly Entry[], read: Outcome['read']): void {
  const counted = byKey(good.filter(({ key, value }) => key !== null && value !== null));
  for (const topic of ['limited', 'squeezed']) {
    for (const [key, lines] of byKey(read(topic))) {
      const values = lines.map(({ value }) => Number(value));
      expect(values, `${topic} of ${key} rises`).toEqual([...new Set(values)].sort((a, b) => a - b));
      expect(values.at(-1), `${topic} of ${key}`).toBeLessThanOrEqual(counted.get(key)!.length);
    }
  }
  const sums: Record<string, string> = {};
  for (const [key, value] of Object.entries(rowsOf(read('squeezed')))) sums[groupOf(key)] = String(Number(sums[groupOf(key)] ?? 0) + Number(value));
  expect(rowsOf(read('sums'))).toEqual(sums);
}

export const finalResults: Scenario = { topics: TOPICS, topology, anyEntry, check, closing: farAhead(INPUTS, '1') };
