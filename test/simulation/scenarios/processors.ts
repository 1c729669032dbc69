// Processors of a user's own: an ordered store that a stream-time punctuator empties and one that a wall-clock punctuator empties, and state that a failing record
// must not leave behind. Everything put in comes out once, in order.

import { expect } from 'vitest';
import { InvalidRecordError, Serdes, Stores, StreamsBuilder, type OrderedKeyValueStoreSpec, type Processor, type ProcessorContext, type PunctuationType, type TimeKey, type Topology } from 'millrace';
import { wallClockJournalled, wallClockStep } from '../journal.ts';
import type { Random } from '../random.ts';
import type { Entry, Outcome, Scenario } from '../scenario.ts';
import { anyKey, anyTime, entryOf, farAhead, isBad, orBad, strings, text } from './inputs.ts';

const INPUTS = { events: 2 };
const TOPICS = { ...INPUTS, 'by-stream-time': 2, 'by-wall-clock': 2, numbered: 2, recent: 2 };
const RECENT = 3;
const HOLD_MS = 30;

type Buffered = OrderedKeyValueStoreSpec<TimeKey<string>, string>;

const buffer = (name: string): Buffered => Stores.keyValue({ name, key: Serdes.timeKey(strings), value: strings, ordered: true });
const byStreamTime = buffer('by-stream-time');
const byWallClock = buffer('by-wall-clock');
const recent = Stores.keyValue({ name: 'recent', key: Serdes.pair(strings, Serdes.long()), value: strings, ordered: true });
const numbers = Stores.keyValue({ name: 'numbers', key: strings, value: Serdes.long() });

function topology(): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream('events', text);
  events.process(() => new Holding(byStreamTime, 'stream-time'), { name: 'holding', stores: [byStreamTime] }).to('by-stream-time', text);
  wallClockJournalled(events.process(() => new Holding(byWallClock, 'wall-clock'), { name: 'waiting', stores: [byWallClock] })).to('by-wall-clock', text);
  events.processValues(remembering, { name: 'remembering', stores: [recent] }).to('recent', text);
  events.processValues(numbering, { name: 'numbering', stores: [numbers] }).to('numbered', text);
  return builder.build();
}

/** Keeps records by their time, and sends on those whose time is over whenever it is called. */
class Holding implements Processor<string | null, string | null, string, string> {
  readonly #spec: Buffered;
  readonly #clock: PunctuationType;
  #context!: ProcessorContext<string, string>;

  constructor(spec: Buffered, clock: PunctuationType) {
    this.#spec = spec;
    this.#clock = clock;
  }

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    context.schedule({ type: this.#clock, intervalMs: this.#clock === 'stream-time' ? 20 : 400, startAtMs: 0 }, () => this.#release());
  }

  process({ key, value, timestamp }: { key: string | null; value: string | null; timestamp: number }): void {
    const store = this.#context.store(this.#spec);
    const before = store.get([timestamp, key!]);
    store.put([timestamp, key!], before === undefined ? value! : `${before}+${value}`);
  }

  #release(): void {
    if (this.#clock === 'wall-clock') this.#context.forward(wallClockStep(this.#context));
    const store = this.#context.store(this.#spec);
    const upTo = this.#context.streamTime() - HOLD_MS;
    for (const { key, value } of store.range({ to: [Math.max(upTo, 0), '￿'] })) {
      store.delete(key);
      this.#context.forward({ key: key[1], value, timestamp: key[0], headers: [] });
    }
  }
}

/** Numbers the records of a key; one that fails is not counted, though it was. */
function numbering(): Processor<string | null, string | null, string | null, string> {
  let context: ProcessorContext<string | null, string>;
  return {
    init(given) {
      context = given;
    },
    process(record) {
      const store = context.store(numbers);
      const number = (store.get(record.key!) ?? 0) + 1;
      store.put(record.key!, number);
      context.forward({ ...record, value: `${number}:${record.value}` });
      if (isBad(record)) throw new InvalidRecordError(record.value!);
    },
  };
}

/** Forwards the last few values of a key; older ones are deleted, which is undone where the record fails. */
function remembering(): Processor<string | null, string | null, string | null, string> {
  let context: ProcessorContext<string | null, string>;
  return {
    init(given) {
      context = given;
    },
    process(record) {
      const store = context.store(recent);
      const of = (limit: number, reverse: boolean) => [...store.range({ from: [record.key!, 0], to: [record.key!, Number.MAX_SAFE_INTEGER], reverse, limit })];
      const [last] = of(1, true);
      store.put([record.key!, (last?.key[1] ?? 0) + 1], record.value!);
      const all = of(RECENT + 1, false);
      if (all.length > RECENT) store.delete(all[0]!.key);
      context.forward({ ...record, value: all.slice(-RECENT).map(({ value }) => value).join(' ') });
    },
  };
}

function anyEntry(random: Random, at: number): Entry {
  return entryOf('events', INPUTS.events, { key: anyKey(random), value: orBad(random, String(at)), timestamp: anyTime(random, at) });
}

function check({ entries, read, dead }: Outcome): void {
  expect(dead).toHaveLength(entries.filter(isBad).length);
  const good = entries.filter((entry) => !isBad(entry));
  const expected = good.filter(({ timestamp }) => timestamp < 1_000_000).map(({ key, value, timestamp }) => `${timestamp} ${key} ${value}`).sort();
  for (const topic of ['by-stream-time', 'by-wall-clock']) {
    const lines = read(topic).filter(({ timestamp }) => timestamp < 1_000_000);
    expect(lines.flatMap(({ key, value, timestamp }) => value!.split('+').map((one) => `${timestamp} ${key} ${one}`)).sort(), topic).toEqual(expected);
  }
  for (const partition of [0, 1]) {
    const counts: Record<string, number> = {};
    const own = good.filter((entry) => entry.partition === partition);
    const numbered = own.map(({ key, value }) => `${key}=${(counts[key!] = (counts[key!] ?? 0) + 1)}:${value}`);
    expect(read('numbered', partition).map(({ key, value }) => `${key}=${value}`)).toEqual(numbered);
    const values: Record<string, string[]> = {};
    const remembered = own.map(({ key, value }) => `${key}=${(values[key!] = [...(values[key!] ?? []), value!].slice(-RECENT)).join(' ')}`);
    expect(read('recent', partition).map(({ key, value }) => `${key}=${value}`)).toEqual(remembered);
  }
}

export const processors: Scenario = { topics: TOPICS, topology, anyEntry, check, needsOneClock: true, closing: farAhead(INPUTS, 'end') };
