// What scenarios have in common: inputs of text, times that come close to each other's borders, and records that fail after everything else was done with them.

import { InvalidRecordError, partitionFor, Serdes, type KStream } from 'millrace';
import type { Random } from '../random.ts';
import type { Entry, Line } from '../scenario.ts';

export const strings = Serdes.string();
export const text = { key: strings, value: strings };

const KEYS = 5;
const BAD = 'bad';

/** Coarse, so that windows, grace periods and records meet at their very ends; mostly rising, now and then late, and now and then far ahead. */
export function anyTime(random: Random, at: number, { stepMs = 4 } = {}): number {
  const lateMs = random.chance(0.1) ? random.upTo(100) : random.upTo(25);
  const aheadMs = random.chance(0.03) ? 60 : 0;
  return Math.max(0, 5 * Math.floor((at * stepMs - lateMs + aheadMs) / 5));
}

export function anyKey(random: Random): string {
  return `key-${random.upTo(KEYS - 1)}`;
}

/** In the partition of its key; without a key in any. */
export function entryOf(topic: string, partitions: number, { key, value, timestamp }: Pick<Entry, 'key' | 'value' | 'timestamp'>): Entry {
  return { topic, key, value, timestamp, partition: key === null ? timestamp % partitions : partitionFor(Buffer.from(key), partitions) };
}

/** A record of each key, at a time when all windows are over: in every partition, also of repartition topics whose keys are these. */
export function farAhead(topics: Readonly<Record<string, number>>, value: string): Entry[] {
  return Object.entries(topics).flatMap(([topic, partitions]) => Array.from({ length: KEYS }, (_, at) => entryOf(topic, partitions, { key: `key-${at}`, value, timestamp: 1_000_000 })));
}

/** Now and then a value that lets its record fail. */
export function orBad(random: Random, value: string): string {
  return random.chance(0.04) ? `${BAD} ${value}` : value;
}

export function isBad({ value }: Pick<Line, 'value'>): boolean {
  return value?.startsWith(BAD) === true;
}

/** To be called when everything else hangs on the stream: what has been done by then is undone. */
export function failAtTheEnd(stream: KStream<unknown, string | null>): void {
  stream.foreach((value) => {
    if (isBad({ value })) throw new InvalidRecordError(value!);
  });
}

export function byKey<T extends { readonly key: string | null }>(lines: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const line of lines) found.set(String(line.key), [...(found.get(String(line.key)) ?? []), line]);
  return found;
}

/** The rows that a topic of updates leaves: the last value of each key, where that is one. */
export function rowsOf(lines: readonly Pick<Line, 'key' | 'value'>[]): Record<string, string> {
  const rows: Record<string, string> = {};
  for (const { key, value } of lines) {
    if (value === null) delete rows[key!];
    else rows[key!] = value;
  }
  return rows;
}
