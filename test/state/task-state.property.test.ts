// TaskState with all its stores against a naive reference, through any history of steps, rollbacks, commits, crashes, restores and sweeps.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Serdes } from 'millrace';
import { MemoryStateDirectory } from 'millrace/testing';
import { TaskState, type ChangelogWrite } from '../../src/state/task-state.ts';
import { Stores } from '../../src/topology/store-spec.ts';
import { NaiveState } from './naive-state.ts';

const text = { key: Serdes.string(), value: Serdes.string() };
const plain = Stores.keyValue({ name: 'plain', ...text });
const aging = Stores.keyValue({ name: 'aging', ...text, ttlMs: 700 });
const latest = Stores.window({ name: 'latest', ...text, retentionMs: 1_500 });
const all = Stores.window({ name: 'all', ...text, retentionMs: 2_300, retainDuplicates: true });
const timers = Stores.timers({ name: 'timers' });
const KEY_VALUES = [plain, aging];
const WINDOWS = [latest, all];
const SPECS = [...KEY_VALUES, ...WINDOWS, timers];

const KEYS = ['a', 'ü\u0000'];
const HORIZON = 4_000;

type Op =
  | { op: 'put'; store: number; key: string; value: string; timestamp: number | undefined }
  | { op: 'delete'; store: number; key: string }
  | { op: 'window'; store: number; key: string; value: string; timestamp: number }
  | { op: 'schedule'; key: string; dueMs: number }
  | { op: 'cancel'; key: string };

type Event =
  | { event: 'step'; timestamp: number; ops: Op[]; throws: boolean }
  | { event: 'commit'; sweep: number | undefined }
  | { event: 'crash' }
  | { event: 'crash after the Kafka commit' }
  | { event: 'lose local state'; compacted: boolean; batch: number; interruptAfter: number };

const key = fc.constantFrom(...KEYS);
const value = fc.string({ maxLength: 3 });
// On a coarse grid mostly, so that equal times and exact bounds are common.
const time = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: HORIZON / 100 }).map((step) => step * 100) }, fc.integer({ min: 0, max: HORIZON }));
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ op: fc.constant('put' as const), store: fc.nat(1), key, value, timestamp: fc.option(time, { nil: undefined }) }),
  fc.record({ op: fc.constant('delete' as const), store: fc.nat(1), key }),
  { weight: 2, arbitrary: fc.record({ op: fc.constant('window' as const), store: fc.nat(1), key, value, timestamp: time }) },
  fc.record({ op: fc.constant('schedule' as const), key, dueMs: time }),
  fc.record({ op: fc.constant('cancel' as const), key }),
);
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ event: fc.constant('step' as const), timestamp: time, ops: fc.array(anyOp, { maxLength: 6 }), throws: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ event: fc.constant('commit' as const), sweep: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }) }) },
  fc.record({ event: fc.constant('crash' as const) }),
  fc.record({ event: fc.constant('crash after the Kafka commit' as const) }),
  fc.record({ event: fc.constant('lose local state' as const), compacted: fc.boolean(), batch: fc.integer({ min: 1, max: 5 }), interruptAfter: fc.nat(6) }),
);

/** A changelog as a broker keeps it: compaction leaves the last write of each key, at its own offset. */
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
  directory = new MemoryStateDirectory();
  readonly changelogs = new Map(SPECS.map(({ name }) => [name, new Changelog()]));
  state!: TaskState;
  live = new NaiveState();
  committed = new NaiveState();
  n = 0;
  recordTimestamp: number | undefined;

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
        const records = changelog.read(position, compacted).slice(0, batch);
        const isLast = changelog.read(position, compacted).length <= batch;
        position = isLast ? changelog.records.length : records.at(-1)!.offset + 1;
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

  step(timestamp: number, ops: readonly Op[], throws: boolean): void {
    const before = this.live.copy();
    const bytes = this.state.pendingBytes;
    this.recordTimestamp = timestamp;
    this.live.streamTime = Math.max(this.live.streamTime, timestamp);
    this.state.beginStep();
    for (const op of ops) this.apply(op);
    if (throws) {
      this.state.rollbackStep();
      const { streamTime } = this.live;
      this.live = before;
      this.live.streamTime = streamTime; // the record was read, whatever became of it
      expect(this.state.pendingBytes).toBe(bytes);
    }
    this.recordTimestamp = undefined;
  }

  apply(op: Op): void {
    switch (op.op) {
      case 'put': {
        const spec = KEY_VALUES[op.store]!;
        this.state.store(spec).put(op.key, op.value, op.timestamp);
        return this.live.put(spec.name, { key: op.key, value: op.value, timestamp: op.timestamp ?? this.recordTimestamp! });
      }
      case 'delete': {
        const spec = KEY_VALUES[op.store]!;
        this.state.store(spec).delete(op.key);
        return this.live.delete(spec.name, op.key);
      }
      case 'window': {
        const spec = WINDOWS[op.store]!;
        this.state.store(spec).put(op.key, op.value, op.timestamp);
        return this.live.putWindowed(spec, { key: op.key, value: op.value, timestamp: op.timestamp });
      }
      case 'schedule':
        this.state.store(timers).schedule(op.key, op.dueMs);
        return void this.live.timers.set(op.key, op.dueMs);
      case 'cancel':
        this.state.store(timers).cancel(op.key);
        return void this.live.timers.delete(op.key);
    }
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

  check(): void {
    for (const spec of KEY_VALUES) {
      for (const one of KEYS) expect([spec.name, one, this.state.store(spec).entry(one)]).toEqual([spec.name, one, this.live.entry(spec, one)]);
    }
    for (const spec of WINDOWS) {
      for (const one of KEYS) {
        for (const [from, to] of [[0, HORIZON], [-5, 2_000], [2_000, 3_999], [3_500, HORIZON * 10], [3_000, 3_000], [5, 4]] as const) {
          expect([spec.name, one, from, to, this.state.store(spec).fetch(one, from, to)]).toEqual([spec.name, one, from, to, this.live.fetch(spec, one, from, to)]);
        }
      }
    }
    for (const one of KEYS) expect(this.state.store(timers).dueOf(one)).toBe(this.live.timers.get(one));
    for (const [now, limit] of [[HORIZON, 10], [2_000, 10], [HORIZON, 1], [-1, 10]] as const) {
      expect(this.state.store(timers).due(now, limit)).toEqual(this.live.due(now, limit));
    }
    expect(this.state.pendingBytes > 0).toBe(this.state.hasPending);
  }
}

test('stores show what a naive reference shows, through steps, rollbacks, commits, crashes, restores and sweeps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { maxLength: 25 }), async (events) => {
      const bench = new Bench();
      await bench.open();
      await bench.state.load();
      for (const event of events) {
        switch (event.event) {
          case 'step':
            bench.step(event.timestamp, event.ops, event.throws);
            break;
          case 'commit':
            await bench.commit(event.sweep);
            break;
          case 'crash after the Kafka commit':
            bench.commitToKafka();
            await bench.state.close();
            await bench.open();
            await bench.restore(false, 3, 0);
            break;
          case 'crash':
            await bench.state.close();
            await bench.open();
            await bench.state.load();
            break;
          case 'lose local state':
            await bench.state.close();
            bench.directory = new MemoryStateDirectory();
            await bench.open();
            await bench.restore(event.compacted, event.batch, event.interruptAfter);
            break;
        }
        bench.check();
      }
    }),
    { numRuns: 500 },
  );
});
