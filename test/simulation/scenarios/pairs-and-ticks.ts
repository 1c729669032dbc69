// Operators of the order system, each in its way sensitive to something that is lost, repeated or taken in another order.
//
//   left ── dedupe ── join ── joined            pairs within a window; which ones does not depend on the order between topics
//   right ─────────────┘ └── by group ── count  through a repartition topic
//   ticks ── alarms                             order and stream time matter: time to live, timers, a stream-time punctuator, invalid and undecodable records
//   ticks ── beats                              a wall-clock punctuator that counts itself: state and output that no input accounts for

import { expect } from 'vitest';
import { InvalidRecordError, partitionFor, Serdes, Stores, StreamsBuilder, type Processor, type ProcessorContext, type Serde, type Topology } from 'millrace';
import { wallClockJournalled, wallClockStep } from '../journal.ts';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';

const TOPICS = { left: 2, right: 2, joined: 2, counts: 2, ticks: 2, alarms: 2, beats: 1 };
const WINDOW = { beforeMs: 40, afterMs: 60, graceMs: 1_000_000 };
const TTL_MS = 200;
const ALARM_AFTER_MS = 150;
const ALARM_EVERY_MS = 100;
const BEAT_EVERY_MS = 500;

const strings = Serdes.string();
const text = { key: strings, value: strings };
/** What begins with "!" cannot be decoded; what can be may have to be looked up first. */
const picky = (lookUp: () => Promise<void> | undefined): Serde<string> => ({
  ...strings,
  prepare: lookUp,
  deserialize(topic, data) {
    if (data[0] === 0x21) throw new TypeError('It begins with "!"');
    return strings.deserialize(topic, data);
  },
});

const recent = Stores.keyValue({ name: 'recent', ...text, ttlMs: TTL_MS });
const alarms = Stores.timers({ name: 'alarms' });
const beats = Stores.keyValue({ name: 'beats', key: strings, value: Serdes.long() });

function topology(lookUp: () => Promise<void> | undefined): Topology {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', text).dedupe({ name: 'once', id: (value) => idOf(value!), retentionMs: 1_000_000, serde: strings });
  const joined = left.join(builder.stream('right', text), (a, b) => `${a}/${b}`, { name: 'pair', window: WINDOW, ...text, otherValue: strings });
  joined.to('joined', text);
  joined.groupBy((value) => groupOf(value), { name: 'by-group', ...text }).count({ name: 'counts' }).toStream().mapValues(String).to('counts', text);

  const ticks = builder.stream('ticks', { key: strings, value: picky(lookUp) });
  ticks.process(alarming, { name: 'alarming', stores: [recent, alarms] }).to('alarms', text);
  wallClockJournalled(ticks.process(beating, { name: 'beating', stores: [beats] })).to('beats', text);
  return builder.build();
}

function alarming(): Processor<string | null, string | null, string, string> {
  let context: ProcessorContext<string, string>;
  return {
    init(given) {
      context = given;
      context.schedule({ type: 'stream-time', intervalMs: ALARM_EVERY_MS }, (now) => {
        for (const { key, dueMs } of context.store(alarms).due(now)) {
          context.store(alarms).cancel(key);
          context.forward({ key, value: `alarm of ${dueMs} at ${now}`, timestamp: now, headers: [] });
        }
      });
    },
    process(record) {
      const key = record.key!;
      const before = context.store(recent).get(key);
      context.store(recent).put(key, record.value!);
      context.store(alarms).schedule(key, record.timestamp + ALARM_AFTER_MS);
      context.forward({ ...record, key, value: `${before ?? 'new'}>${record.value}` });
      if (record.value === 'bad') throw new InvalidRecordError('bad');
    },
  };
}

function beating(): Processor<unknown, unknown, string, string> {
  let context: ProcessorContext<string, string>;
  return {
    init(given) {
      context = given;
      context.schedule({ type: 'wall-clock', intervalMs: BEAT_EVERY_MS, startAtMs: 0 }, () => {
        context.forward(wallClockStep(context));
        const count = (context.store(beats).get('beat') ?? 0) + 1;
        context.store(beats).put('beat', count);
        context.forward({ key: `task-${context.taskId.partition}`, value: String(count), timestamp: 0, headers: [] });
      });
    },
    process: () => {},
  };
}

/** Inputs as the world brings them: repeats, out of order, invalid. Times rise slowly, `at` being the number of the entry. */
function anyEntry(random: Random, at: number): TextEntry {
  const topic = random.weighted({ left: 4, right: 3, ticks: 4 });
  const key = `key-${random.upTo(4)}`;
  const timestamp = Math.max(0, at * 7 + random.upTo(60) - 30);
  const value = { left: `${random.upTo(30)}:group-${random.upTo(2)}`, right: `${at}`, ticks: random.pick([`${at}`, `${at}`, `${at}`, 'bad', '!']) }[topic];
  return { topic, key, value, timestamp, partition: partitionFor(Buffer.from(key), TOPICS[topic]) };
}

type TextEntry = Entry & { readonly key: string; readonly value: string };

function check({ entries: all, read, dead }: Outcome): void {
  const entries = all as readonly TextEntry[];
  const joined = pairs(entries);
  const lines = (topic: string, partition?: number): string[] => read(topic, partition).map(({ key, value }) => `${key}=${value}`);
  expect(lines('joined').sort()).toEqual([...joined].sort());
  for (const group of new Set(joined.map(groupOf))) {
    const counted = read('counts').filter(({ key }) => key === group).map(({ value }) => Number(value));
    expect(counted, group).toEqual(joined.filter((pair) => groupOf(pair) === group).map((_, at) => at + 1));
  }
  const ticks = entries.filter(({ topic }) => topic === 'ticks');
  for (const partition of [0, 1]) expect(lines('alarms', partition)).toEqual(alarmsOf(ticks.filter((tick) => tick.partition === partition)));
  expect([...dead].sort()).toEqual(ticks.filter(({ value }) => value === 'bad' || value === '!').map(({ key, value }) => `${key}=${value}`).sort());
  for (const task of ['task-0', 'task-1']) {
    const beaten = read('beats').filter(({ key }) => key === task).map(({ value }) => Number(value));
    expect(beaten, task).toEqual(beaten.map((_, at) => at + 1));
  }
}

function pairs(entries: readonly TextEntry[]): string[] {
  const seen = new Set<string>();
  const lefts = entries.filter(({ topic, key, value }) => {
    const identity = `${key} ${idOf(value)}`;
    if (topic !== 'left' || seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
  return lefts.flatMap((left) =>
    entries
      .filter(({ topic, key, timestamp }) => topic === 'right' && key === left.key && timestamp >= left.timestamp - WINDOW.beforeMs && timestamp <= left.timestamp + WINDOW.afterMs)
      .map((right) => `${left.key}=${left.value}/${right.value}`),
  );
}

/** One partition's ticks, one by one. */
function alarmsOf(ticks: readonly TextEntry[]): string[] {
  const out: string[] = [];
  const values = new Map<string, { value: string; timestamp: number }>();
  const timers = new Map<string, number>();
  let streamTime = -1;
  let nextLook = 0;
  for (const { key, value, timestamp } of ticks) {
    if (value === '!') continue;
    streamTime = Math.max(streamTime, timestamp);
    if (value !== 'bad') {
      const before = values.get(key);
      out.push(`${key}=${before === undefined || streamTime - before.timestamp > TTL_MS ? 'new' : before.value}>${value}`);
      values.set(key, { value, timestamp });
      timers.set(key, timestamp + ALARM_AFTER_MS);
    }
    if (streamTime < nextLook) continue;
    nextLook = (Math.floor(streamTime / ALARM_EVERY_MS) + 1) * ALARM_EVERY_MS;
    const due = [...timers].filter(([, dueMs]) => dueMs <= streamTime).sort(([a, dueA], [b, dueB]) => dueA - dueB || (a < b ? -1 : 1));
    for (const [name, dueMs] of due) {
      timers.delete(name);
      out.push(`${name}=alarm of ${dueMs} at ${streamTime}`);
    }
  }
  return out;
}

function idOf(value: string): string {
  return value.split(':')[0]!;
}

function groupOf(value: string): string {
  return value.split(/[:/]/)[1]!;
}

export const pairsAndTicks: Scenario = { topics: TOPICS, topology, anyEntry, check, needsOneClock: true };
