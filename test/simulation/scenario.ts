// What the simulation runs, and a naive account of what must come out: a fold over the inputs with plain maps, in one process, without any commit.
//
//   left ── dedupe ── join ── joined            pairs within a window; which ones does not depend on the order between topics
//   right ─────────────┘ └── by group ── count  through a repartition topic
//   ticks ── alarms                             order and stream time matter: time to live, timers, a stream-time punctuator, invalid and undecodable records
//   ticks ── beats                              a wall-clock punctuator that counts itself: state and output that no input accounts for

import { InvalidRecordError, partitionFor, Serdes, Stores, StreamsBuilder, type Processor, type ProcessorContext, type Serde, type Topology } from 'millrace';
import type { Random } from './random.ts';

export const PARTITIONS = { left: 2, right: 2, joined: 2, counts: 2, ticks: 2, alarms: 2, beats: 1, dead: 1 } as const;
export const WINDOW = { beforeMs: 40, afterMs: 60, graceMs: 1_000_000 };
const TTL_MS = 200;
const ALARM_AFTER_MS = 150;
const ALARM_EVERY_MS = 100;
export const BEAT_EVERY_MS = 500;

export interface Entry {
  readonly topic: 'left' | 'right' | 'ticks';
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

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

export const counts = { name: 'counts' };
const recent = Stores.keyValue({ name: 'recent', ...text, ttlMs: TTL_MS });
const alarms = Stores.timers({ name: 'alarms' });
const beats = Stores.keyValue({ name: 'beats', key: strings, value: Serdes.long() });

export function topology(lookUp: () => Promise<void> | undefined): Topology {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', text).dedupe({ name: 'once', id: (value) => idOf(value!), retentionMs: 1_000_000, serde: strings });
  const joined = left.join(builder.stream('right', text), (a, b) => `${a}/${b}`, { name: 'pair', window: WINDOW, ...text, otherValue: strings });
  joined.to('joined', text);
  joined.groupBy((value) => groupOf(value), { name: 'by-group', ...text }).count(counts).toStream().to('counts', { key: strings, value: Serdes.long() });

  const ticks = builder.stream('ticks', { key: strings, value: picky(lookUp) });
  ticks.process(alarming, { name: 'alarming', stores: [recent, alarms] }).to('alarms', text);
  ticks.process(beating, { name: 'beating', stores: [beats] }).to('beats', { key: strings, value: Serdes.long() });
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

function beating(): Processor<unknown, unknown, string, number> {
  let context: ProcessorContext<string, number>;
  return {
    init(given) {
      context = given;
      context.schedule({ type: 'wall-clock', intervalMs: BEAT_EVERY_MS }, () => {
        const count = (context.store(beats).get('beat') ?? 0) + 1;
        context.store(beats).put('beat', count);
        context.forward({ key: `task-${context.taskId.partition}`, value: count, timestamp: 0, headers: [] });
      });
    },
    process: () => {},
  };
}

/** Inputs as the world brings them: repeats, out of order, invalid. Times rise slowly, `at` being the number of the entry. */
export function anyEntry(random: Random, at: number): Entry {
  const topic = random.weighted({ left: 4, right: 3, ticks: 4 });
  const key = `key-${random.upTo(4)}`;
  const timestamp = Math.max(0, at * 7 + random.upTo(60) - 30);
  const value = { left: `${random.upTo(30)}:group-${random.upTo(2)}`, right: `${at}`, ticks: random.pick([`${at}`, `${at}`, `${at}`, 'bad', '!']) }[topic];
  return { topic, key, value, timestamp, partition: partitionFor(Buffer.from(key), PARTITIONS[topic]) };
}

export interface Expected {
  /** By key: in any order, since it depends on that between topics. */
  readonly joined: string[];
  /** By group: how many. */
  readonly counts: Map<string, number>;
  /** By partition, in order. */
  readonly alarms: string[][];
  readonly dead: string[];
}

export function expectedOf(entries: readonly Entry[]): Expected {
  const joined = pairs(entries);
  const perGroup = new Map<string, number>();
  for (const pair of joined) perGroup.set(groupOf(pair), (perGroup.get(groupOf(pair)) ?? 0) + 1);
  const ticks = entries.filter(({ topic }) => topic === 'ticks');
  return {
    joined: joined.sort(),
    counts: perGroup,
    alarms: [0, 1].map((partition) => alarmsOf(ticks.filter((tick) => tick.partition === partition))),
    dead: ticks.filter(({ value }) => value === 'bad' || value === '!').map(({ key, value }) => `${key}=${value}`).sort(),
  };
}

function pairs(entries: readonly Entry[]): string[] {
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
function alarmsOf(ticks: readonly Entry[]): string[] {
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
