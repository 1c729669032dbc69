// Every store against a naive reference, over any place for local state: through steps, rollbacks, commits, crashes, sweeps and restores from changelogs.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Serdes } from 'millrace';
import type { StateDirectory } from '../../src/ports/state-directory.ts';
import { TaskState, type ChangelogWrite } from '../../src/state/task-state.ts';
import { Stores, type KeyBounds, type RangeOptions } from '../../src/topology/store-spec.ts';
import { byKey, NaiveState } from '../state/naive-state.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const plain = Stores.keyValue({ name: 'plain', ...text });
const aging = Stores.keyValue({ name: 'aging', ...text, ttlMs: 1_000 });
const sorted = Stores.keyValue({ name: 'sorted', ...text, ordered: true });
const sortedAging = Stores.keyValue({ name: 'sorted-aging', ...text, ordered: true, ttlMs: 1_000 });
const latest = Stores.window({ name: 'latest', ...text, retentionMs: 2_500 });
const all = Stores.window({ name: 'all', ...text, retentionMs: 3_500, retainDuplicates: true });
const fine = Stores.window({ name: 'fine', ...text, retentionMs: 2_000, segmentMs: 500 });
const sessions = Stores.session({ name: 'sessions', ...text, retentionMs: 2_500 });
const rows = Stores.versioned({ name: 'rows', ...text, historyMs: 1_500 });
const timers = Stores.timers({ name: 'timers' });
const ORDERED = [sorted, sortedAging] as const;
const KEY_VALUES = [plain, aging, ...ORDERED] as const;
const WINDOWS = [latest, all, fine] as const;
const SPECS = [...KEY_VALUES, ...WINDOWS, sessions, rows, timers];

/** One begins with another, with and without the byte that ends keys inside of keys; and two whose order as bytes is not that as text. */
const KEYS = ['', 'a', 'a\u0000', 'ab', 'ü\u0000', '\uffff', '😀'];
const HORIZON = 4_000;

type Walk = RangeOptions<string> & { readonly then: 'look' | 'delete' | 'put it elsewhere' };
type Op =
  | { op: 'put'; store: number; key: string; value: string; timestamp: number | undefined }
  | { op: 'delete'; store: number; key: string }
  | { op: 'walk'; store: number; walk: Walk }
  | { op: 'window'; store: number; key: string; value: string; timestamp: number }
  | { op: 'delete window'; store: number; key: string; timestamp: number }
  | { op: 'session'; key: string; startMs: number; lengthMs: number; value: string }
  | { op: 'remove session'; key: string; at: number }
  | { op: 'version'; key: string; value: string | null; timestamp: number }
  | { op: 'schedule'; key: string; dueMs: number }
  | { op: 'cancel'; key: string };

type Event =
  | { event: 'step'; timestamp: number; ops: Op[]; throws: boolean }
  | { event: 'commit'; sweep: number | undefined }
  | { event: 'crash' }
  | { event: 'crash after the Kafka commit' }
  | { event: 'lose local state'; compacted: boolean; batch: number; interruptAfter: number };

// One key and few times come up most, so that what was written before is met again, and bounds are met exactly or missed by one.
const key = fc.oneof({ weight: 2, arbitrary: fc.constant('a') }, fc.constantFrom(...KEYS));
const value = fc.string({ maxLength: 3 });
const bound = fc.option(key, { nil: undefined });
const time = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.nat(HORIZON / 500), fc.constantFrom(0, 0, 0, 1, -1)).map(([step, off]) => Math.max(step * 500 + off, 0)) },
  fc.nat(HORIZON),
);
const range = { from: bound, to: bound, reverse: fc.boolean(), limit: fc.option(fc.nat(4), { nil: undefined }) };
const as = <T extends string>(op: T): fc.Arbitrary<T> => fc.constant(op);
const OPS: readonly fc.Arbitrary<Op>[] = [
  fc.record({ op: as('put'), store: fc.nat(3), key, value, timestamp: fc.option(time, { nil: undefined }) }),
  fc.record({ op: as('delete'), store: fc.nat(3), key }),
  fc.record({ op: as('walk'), store: fc.nat(1), walk: fc.record({ ...range, then: fc.constantFrom('look' as const, 'delete' as const, 'put it elsewhere' as const) }) }),
  fc.record({ op: as('window'), store: fc.nat(2), key, value, timestamp: time }),
  fc.record({ op: as('delete window'), store: fc.nat(2), key, timestamp: time }),
  fc.record({ op: as('session'), key, startMs: time, lengthMs: fc.constantFrom(0, 100, 500), value }),
  fc.record({ op: as('remove session'), key, at: fc.nat(2) }),
  fc.record({ op: as('version'), key, value: fc.option(value, { nil: null }), timestamp: time }),
  fc.record({ op: as('schedule'), key, dueMs: time }),
  fc.record({ op: as('cancel'), key }),
];
const anyEvent = (op: fc.Arbitrary<Op>): fc.Arbitrary<Event> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ event: as('step'), timestamp: time, ops: fc.array(op, { minLength: 1, maxLength: 8, size: 'max' }), throws: fc.constantFrom(false, false, true) }) },
    { weight: 4, arbitrary: fc.record({ event: as('commit'), sweep: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }) }) },
    fc.record({ event: as('crash') }),
    fc.record({ event: as('crash after the Kafka commit') }),
    { weight: 3, arbitrary: fc.record({ event: as('lose local state'), compacted: fc.boolean(), batch: fc.integer({ min: 1, max: 5 }), interruptAfter: fc.nat(4) }) },
  );
/** Each history has its own few kinds of operation: all of them together would seldom meet each other's traces. */
const anyHistory = fc.subarray([...OPS], { minLength: 1, maxLength: 3 }).chain((ops) => fc.array(anyEvent(fc.oneof(...ops)), { maxLength: 24, size: 'max' }));

/** Of one store; offsets are those of a log whose compaction leaves gaps. */
class Changelog {
  readonly records: { readonly offset: number; readonly write: ChangelogWrite }[] = [];

  append(write: ChangelogWrite): number {
    this.records.push({ offset: this.records.length, write });
    return this.records.length;
  }

  read(from: number, compacted: boolean): { offset: number; write: ChangelogWrite }[] {
    const later = this.records.filter(({ offset }) => offset >= from);
    if (!compacted) return later;
    return later.filter(({ offset, write }) => !later.some((other) => other.offset > offset && other.write.key.equals(write.key)));
  }
}

/** A task's state as its task handles it, next to the reference. */
class Bench {
  readonly directory: StateDirectory;
  readonly changelogs = new Map(SPECS.map(({ name }) => [name, new Changelog()]));
  state!: TaskState;
  live = new NaiveState();
  committed = new NaiveState();
  n = 0;
  recordTimestamp: number | undefined;

  constructor(directory: StateDirectory) {
    this.directory = directory;
  }

  async open(): Promise<void> {
    this.live = this.committed.copy();
    this.recordTimestamp = undefined;
    const clock = { streamTime: () => this.live.streamTime, recordTimestamp: () => this.recordTimestamp ?? Math.max(this.live.streamTime, 0) };
    this.state = new TaskState(await this.directory.open('0_0'), SPECS, clock, (store) => `app-${store}-changelog`);
  }

  /** What the runtime does to a task whose stores are behind. */
  async restore(compacted: boolean, batch: number, interruptAfter: number): Promise<void> {
    let applied = 0;
    for (const [name, changelog] of this.changelogs) {
      let position = this.state.committed.positions[name] ?? 0;
      while (position < changelog.records.length) {
        const left = changelog.read(position, compacted);
        const records = left.slice(0, batch);
        position = left.length <= batch ? changelog.records.length : records.at(-1)!.offset + 1;
        await this.state.applyChangelog(name, records.map(({ write }) => write), position, 1_000);
        if (++applied === interruptAfter) {
          await this.state.close();
          await this.open();
        }
      }
    }
    await this.state.finishRestore(this.n, 1_000);
    await this.state.load();
  }

  async take(event: Event): Promise<void> {
    switch (event.event) {
      case 'step':
        return this.step(event.timestamp, event.ops, event.throws);
      case 'commit':
        return this.commit(event.sweep);
      case 'crash after the Kafka commit':
        this.commitToKafka();
        await this.state.close();
        await this.open();
        return this.restore(false, 3, 0);
      case 'crash':
        await this.state.close();
        await this.open();
        return this.state.load();
      case 'lose local state':
        await this.state.close();
        await this.directory.wipe('0_0');
        await this.open();
        return this.restore(event.compacted, event.batch, event.interruptAfter);
    }
  }

  step(timestamp: number, ops: readonly Op[], throws: boolean): void {
    const before = this.live.copy();
    const { pendingBytes, hasPending } = this.state;
    this.recordTimestamp = timestamp;
    this.live.streamTime = Math.max(this.live.streamTime, timestamp);
    this.state.beginStep();
    for (const op of ops) this.apply(op);
    if (throws) {
      this.state.rollbackStep();
      const { streamTime } = this.live;
      this.live = before;
      this.live.streamTime = streamTime; // the record was read, whatever became of it
      expect(this.state).toMatchObject({ pendingBytes, hasPending });
    }
    this.recordTimestamp = undefined;
  }

  apply(op: Op): void {
    const at = this.recordTimestamp!;
    switch (op.op) {
      case 'put': {
        const spec = KEY_VALUES[op.store]!;
        this.state.store(spec).put(op.key, op.value, op.timestamp);
        return this.live.put(spec.name, { key: op.key, value: op.value, timestamp: op.timestamp ?? at });
      }
      case 'delete': {
        const spec = KEY_VALUES[op.store]!;
        this.state.store(spec).delete(op.key);
        return this.live.delete(spec.name, op.key);
      }
      case 'walk':
        return this.walk(ORDERED[op.store]!, op.walk);
      case 'window': {
        const spec = WINDOWS[op.store]!;
        this.state.store(spec).put(op.key, op.value, op.timestamp);
        return this.live.putWindowed(spec, { key: op.key, value: op.value, timestamp: op.timestamp });
      }
      case 'delete window': {
        const spec = WINDOWS[op.store]!;
        this.state.store(spec).delete(op.key, op.timestamp);
        return this.live.deleteWindowed(spec, op.key, op.timestamp);
      }
      case 'session': {
        const session = { startMs: op.startMs, endMs: op.startMs + op.lengthMs, value: op.value };
        this.state.store(sessions).put(op.key, session.startMs, session.endMs, session.value);
        return this.live.putSession(sessions, { key: op.key, ...session });
      }
      case 'remove session': {
        const there = this.live.findSessions(sessions, op.key, 0, 2 * HORIZON)[op.at] ?? { startMs: 0, endMs: 0 };
        this.state.store(sessions).remove(op.key, there.startMs, there.endMs);
        return this.live.removeSession(sessions, { key: op.key, ...there });
      }
      case 'version':
        return expect(this.state.store(rows).put(op.key, op.value, op.timestamp)).toBe(this.live.putVersion(rows, op));
      case 'schedule':
        this.state.store(timers).schedule(op.key, op.dueMs);
        return void this.live.timers.set(op.key, op.dueMs);
      case 'cancel':
        this.state.store(timers).cancel(op.key);
        return void this.live.timers.delete(op.key);
    }
  }

  /** A loop that changes the store under itself sees what is there when it gets there, and no key twice. */
  walk(spec: (typeof ORDERED)[number], { then, ...options }: Walk): void {
    const seen: string[] = [];
    const left = [...KEYS].map((one) => ({ key: one })).sort(byKey).map((one) => one.key);
    if (options.reverse) left.reverse();
    const isShown = (one: string): boolean => this.live.range(spec, { from: options.from, to: options.to }).some((entry) => entry.key === one);
    for (const entry of this.state.store(spec).range(options)) {
      const next = left.splice(0, left.findIndex(isShown) + 1).at(-1)!;
      expect(entry).toEqual({ key: next, ...this.live.entry(spec, next) });
      seen.push(next);
      if (then === 'look') continue;
      this.apply({ op: 'delete', store: KEY_VALUES.indexOf(spec), key: next });
      if (then === 'put it elsewhere') this.apply({ op: 'put', store: KEY_VALUES.indexOf(spec), key: KEYS[seen.length]!, value: entry.value, timestamp: undefined });
    }
    expect(seen.length === (options.limit ?? Infinity) || !left.some(isShown)).toBe(true);
  }

  /** Kafka's half of a commit. */
  commitToKafka(): Map<string, number> {
    const positions = new Map<string, number>();
    for (const write of this.state.changelogWrites()) positions.set(write.store, this.changelogs.get(write.store)!.append(write));
    this.n++;
    this.committed = this.live.copy();
    return positions;
  }

  async commit(sweep: number | undefined): Promise<void> {
    const positions = this.commitToKafka();
    await this.state.persist({ n: this.n, positions, streamTime: this.live.streamTime, wallTime: 1_000 });
    expect(this.state.pendingBytes).toBe(0);
    expect(this.state.hasPending).toBe(false);
    expect(this.state.committed.n).toBe(this.n);
    if (sweep !== undefined) await this.state.sweep(sweep);
  }

  async check(): Promise<void> {
    this.#checkKeyValues();
    this.#checkTimes();
    await this.#checkScans({});
    await this.#checkScans({ from: 'a\u0000', to: 'ü\u0000' });
    if (!this.state.hasPending) expect(this.state.pendingBytes).toBe(0);
  }

  #checkKeyValues(): void {
    for (const spec of KEY_VALUES) {
      for (const one of KEYS) expect([spec.name, one, this.state.store(spec).entry(one)]).toEqual([spec.name, one, this.live.entry(spec, one)]);
    }
    for (const spec of ORDERED) {
      const store = this.state.store(spec);
      expect([...store.all()]).toEqual(this.live.range(spec, {}));
      expect(store.first()).toEqual(this.live.range(spec, {})[0]);
      for (const from of KEYS) {
        expect([...store.range({ from, reverse: true })]).toEqual(this.live.range(spec, { from, reverse: true }));
        expect([...store.range({ to: from, reverse: true, limit: 2 })]).toEqual(this.live.range(spec, { to: from, reverse: true, limit: 2 }));
        expect([...store.range({ from, limit: 2 })]).toEqual(this.live.range(spec, { from, limit: 2 }));
        expect([...store.prefix(Buffer.from(from))]).toEqual(this.live.range(spec, {}).filter((entry) => entry.key.startsWith(from)));
      }
    }
  }

  #checkTimes(): void {
    for (const one of KEYS) {
      for (const spec of WINDOWS) {
        const store = this.state.store(spec);
        for (const [from, to] of [[0, HORIZON], [-5, 2_000], [2_000, 3_999], [3_500, HORIZON * 10], [3_000, 3_000], [5, 4]] as const) {
          expect([spec.name, one, from, to, store.fetch(one, from, to)]).toEqual([spec.name, one, from, to, this.live.fetch(spec, one, from, to)]);
        }
        for (const at of [0, 1_000, 2_000, 2_500, 3_000, HORIZON]) expect(store.get(one, at)).toEqual(this.live.fetch(spec, one, at, at)[0]?.value);
      }
      for (const [earliest, latestStart] of [[0, HORIZON], [2_000, HORIZON], [0, 2_000], [2_000, 2_000]] as const) {
        expect(this.state.store(sessions).findSessions(one, earliest, latestStart)).toEqual(this.live.findSessions(sessions, one, earliest, latestStart));
      }
      for (const { startMs, endMs, value } of this.live.findSessions(sessions, one, 0, 2 * HORIZON)) expect(this.state.store(sessions).get(one, startMs, endMs)).toBe(value);
      expect(this.state.store(sessions).get(one, 0, 1)).toBe(undefined);
      for (const asOf of [undefined, 0, 500, 1_000, 1_999, 2_000, 2_500, 3_000, 3_100, HORIZON, HORIZON * 2]) {
        expect([one, asOf, this.state.store(rows).get(one, asOf)]).toEqual([one, asOf, this.live.version(rows, one, asOf)]);
      }
      expect(this.state.store(timers).dueOf(one)).toBe(this.live.timers.get(one));
    }
    for (const [now, limit] of [[HORIZON, 10], [2_000, 10], [HORIZON, 1], [-1, 10]] as const) {
      expect(this.state.store(timers).due(now, limit)).toEqual(this.live.due(now, limit));
    }
  }

  async #checkScans(bounds: KeyBounds<string>): Promise<void> {
    const keys = KEYS.map((one) => ({ key: one })).sort(byKey).filter(({ key: one }) => within(one, bounds));
    const shown = <T>(of: (one: string) => readonly T[]): (T & { key: string })[] => keys.flatMap(({ key: one }) => of(one).map((entry) => ({ key: one, ...entry })));
    for (const spec of KEY_VALUES) expect(await collect(this.state.store(spec).scan(bounds))).toEqual(this.live.range(spec, bounds));
    for (const spec of WINDOWS) expect(await collect(this.state.store(spec).scan(bounds))).toEqual(shown((one) => this.live.visible(spec, one)));
    expect(await collect(this.state.store(sessions).scan(bounds))).toEqual(shown((one) => this.live.findSessions(sessions, one, 0, 2 * HORIZON)));
    expect(await collect(this.state.store(rows).scan(bounds))).toEqual(shown((one) => [this.live.version(rows, one)].filter((version) => version !== undefined)));
    expect(await collect(this.state.store(timers).scan(bounds))).toEqual(shown((one) => (this.live.timers.has(one) ? [{ dueMs: this.live.timers.get(one)! }] : [])));
  }
}

function within(one: string, { from, to }: KeyBounds<string>): boolean {
  return (from === undefined || Buffer.compare(Buffer.from(one), Buffer.from(from)) >= 0) && (to === undefined || Buffer.compare(Buffer.from(one), Buffer.from(to)) <= 0);
}

async function collect<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

export function storeContract(name: string, numRuns: number, using: <T>(action: (directory: StateDirectory) => Promise<T>) => Promise<T>): void {
  test(`${name}: stores show what a naive reference shows, through steps, rollbacks, commits, crashes, sweeps and restores`, async () => {
    await using((directory) =>
      fc.assert(
        fc.asyncProperty(anyHistory, async (events) => {
          await directory.wipe('0_0');
          const bench = new Bench(directory);
          await bench.open();
          try {
            await bench.state.load();
            for (const event of events) {
              await bench.take(event);
              await bench.check();
            }
          } finally {
            await bench.state.close();
          }
        }),
        { numRuns },
      ),
    );
  });
}
