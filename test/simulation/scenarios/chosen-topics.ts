// A sink that chooses its topic record by record: the first record for a topic waits for the commit to learn how many partitions that has, later ones do not.
// However a commit ends and whoever takes over, each record lies once in its topic, in the order of its partition.

import { expect } from 'vitest';
import { partitionFor, StreamsBuilder, type Topology } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, failAtTheEnd, isBad, orBad, strings, text } from './inputs.ts';

const INPUTS = { events: 3 };
const CHOSEN = { 'chosen-0': 1, 'chosen-1': 2, 'chosen-2': 4 };
const TOPICS = { ...INPUTS, ...CHOSEN };

/** As of a registry: it must be opened for each topic before it can write, so what it writes waits for that too. */
const registered = { ...text, value: { ...strings, open: async () => {} } };

function topology(): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream('events', text);
  events.to((value) => topicOf(value), text);
  events.groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' }).toStream().mapValues((count) => `count ${count}`).to((value) => topicOf(value), registered);
  failAtTheEnd(events);
  return builder.build();
}

function topicOf(value: string | null): keyof typeof CHOSEN {
  return `chosen-${(Number(/\d+/.exec(value ?? '0')![0]) % 3) as 0 | 1 | 2}`;
}

function anyEntry(random: Random, at: number): Entry {
  const value = random.chance(0.05) ? null : orBad(random, String(at));
  return entryOf('events', INPUTS.events, { key: anyKey(random), value, timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const expected: Record<string, string[]> = {};
  const counts: Record<string, number> = {};
  for (const { key, value } of entries.filter((entry) => !isBad(entry))) {
    (expected[place(key!, value)] ??= []).push(String(value));
    if (value === null) continue;
    const count = `count ${(counts[key!] = (counts[key!] ?? 0) + 1)}`;
    (expected[place(key!, count)] ??= []).push(count);
  }
  const found: Record<string, string[]> = {};
  for (const topic of Object.keys(CHOSEN)) for (const { key, value } of read(topic)) (found[place(key!, value)] ??= []).push(String(value));
  expect(found).toEqual(expected);
}

/** Records of one key are in one partition, so their order there is that of the input. */
function place(key: string, value: string | null): string {
  const topic = topicOf(value);
  return `${topic}-${partitionFor(Buffer.from(key), CHOSEN[topic])} ${key}`;
}

export const chosenTopics: Scenario = { topics: TOPICS, topology, anyEntry, check };
