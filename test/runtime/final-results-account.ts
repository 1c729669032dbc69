// What goes into the program in final-results-app.ts, drawn by chance, and a naive account of what must come out of it, by plain loops over all that went in.

import { partitionFor } from 'millrace';

export const PARTITIONS = 2;
export const WINDOWS = { sizeMs: 50, graceMs: 100 };
export const SESSIONS = { gapMs: 80, graceMs: 100 };
export const WINDOW = { beforeMs: 30, afterMs: 40, graceMs: 2_000 };
const KEYS = 7;
const ROUND_MS = 10_000;
/** Far later than everything else: in every partition, so that nothing waits any more. */
const END_MS = 1_000_000_000;

const INPUTS = ['events', 'left', 'right', 'orders', 'customers'] as const;
const OUTPUTS = ['windows', 'sessions', 'pairs', 'owned'] as const;
type Named<T extends string> = Readonly<Record<T, string>>;

export function inputsOf(applicationId: string): Named<(typeof INPUTS)[number]> {
  return Object.fromEntries(INPUTS.map((name) => [name, `${applicationId}-${name}`])) as Named<(typeof INPUTS)[number]>;
}

export function outputsOf(applicationId: string): Named<(typeof OUTPUTS)[number]> {
  return Object.fromEntries(OUTPUTS.map((name) => [name, `${applicationId}-${name}`])) as Named<(typeof OUTPUTS)[number]>;
}

export interface Input {
  readonly topic: (typeof INPUTS)[number];
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

/** One round: all its times lie within two seconds, and those of the next one far behind. Whichever topic is read first, nothing of a round is late. */
export function anyRound(round: number, random: () => number): Input[] {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  return Array.from({ length: 150 }, (_, at): Input[] => {
    const key = `key-${upTo(KEYS - 1)}`;
    const timestamp = (round + 1) * ROUND_MS + at * 10 + upTo(40);
    const number = `${round}-${at}`;
    const order: Input = { topic: 'orders', key: `order-${upTo(40)}`, value: upTo(5) === 0 ? null : `customer-${upTo(9)}:${number}`, timestamp };
    const customer: Input = { topic: 'customers', key: `customer-${upTo(9)}`, value: upTo(3) === 0 ? null : number, timestamp };
    return [{ topic: 'events', key, value: number, timestamp }, { topic: upTo(1) === 0 ? 'left' : 'right', key, value: number, timestamp }, order, ...(upTo(4) === 0 ? [customer] : [])];
  }).flat();
}

export function end(): Input[] {
  const keys = Array.from({ length: PARTITIONS }, (_, partition) => Array.from({ length: 100 }, (__, at) => `end-${at}`).find((key) => partitionFor(Buffer.from(key), PARTITIONS) === partition)!);
  return keys.flatMap((key) => (['events', 'left', 'right'] as const).map((topic) => ({ topic, key, value: 'end', timestamp: END_MS })));
}

/** `key=value` of each result that comes once, sorted; and the rows that the updates of `owned` leave. */
export interface Account {
  readonly windows: string[];
  readonly sessions: string[];
  readonly pairs: string[];
  readonly owned: Readonly<Record<string, string>>;
}

export function accountOf(inputs: readonly Input[]): Account {
  const of = (topic: Input['topic']): Input[] => inputs.filter((input) => input.topic === topic);
  const counts = new Map<string, number>();
  for (const { key, timestamp } of of('events')) {
    const startMs = timestamp - (timestamp % WINDOWS.sizeMs);
    const window = `${key}@${startMs}-${startMs + WINDOWS.sizeMs}`;
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  const [orders, customers] = [rowsOf(of('orders')), rowsOf(of('customers'))];
  return {
    windows: [...counts].map(([window, count]) => `${window}=${count}`).sort(),
    sessions: sessionsOf(of('events')).sort(),
    pairs: pairsOf(of('left'), of('right')).sort(),
    owned: Object.fromEntries(Object.entries(orders).map(([key, order]) => [key, `${order}/${customers[order.split(':')[0]!] ?? null}`])),
  };
}

export function rowsOf(updates: readonly Pick<Input, 'key' | 'value'>[]): Record<string, string> {
  const rows: Record<string, string> = {};
  for (const { key, value } of updates) {
    if (value === null) delete rows[key];
    else rows[key] = value;
  }
  return rows;
}

function sessionsOf(events: readonly Input[]): string[] {
  return [...new Set(events.map(({ key }) => key))].flatMap((key) => {
    const sessions: number[][] = [];
    for (const time of events.filter((event) => event.key === key).map(({ timestamp }) => timestamp).sort((a, b) => a - b)) {
      const last = sessions.at(-1);
      if (last !== undefined && time - last.at(-1)! <= SESSIONS.gapMs) last.push(time);
      else sessions.push([time]);
    }
    return sessions.map((times) => `${key}@${times[0]}-${times.at(-1)}=${times.length}`);
  });
}

function pairsOf(left: readonly Input[], right: readonly Input[]): string[] {
  const areTogether = (one: Input, other: Input): boolean => one.key === other.key && other.timestamp >= one.timestamp - WINDOW.beforeMs && other.timestamp <= one.timestamp + WINDOW.afterMs;
  const pairs = left.flatMap((one) => right.filter((other) => areTogether(one, other)).map((other) => `${one.key}=${one.value}/${other.value}`));
  const leftAlone = left.filter((one) => !right.some((other) => areTogether(one, other))).map((one) => `${one.key}=${one.value}/null`);
  const rightAlone = right.filter((other) => !left.some((one) => areTogether(one, other))).map((other) => `${other.key}=null/${other.value}`);
  return [...pairs, ...leftAlone, ...rightAlone];
}
