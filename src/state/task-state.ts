// All state of one task: its stores over one database, and the commit record that makes them one. See docs/architecture.md, "The commit".

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { segmentMsOf, type AnyStoreSpec, type StoreOf } from '../topology/store-spec.ts';
import { CorruptStateError } from './errors.ts';
import { OverlaidKeyValueStore } from './key-value-store.ts';
import { ListOverlay } from './list-overlay.ts';
import { OverlaidOrderedKeyValueStore } from './ordered-key-value-store.ts';
import { Overlay } from './overlay.ts';
import { OverlaidSessionStore } from './session-store.ts';
import type { ChangelogRecord, Serialized, StoreClock, TaskStore } from './task-store.ts';
import { OverlaidTimerStore } from './timer-store.ts';
import { UndoLog } from './undo-log.ts';
import { OverlaidVersionedStore } from './versioned-store.ts';
import { OverlaidWindowStore } from './window-store.ts';

/** What the database knows about itself, written in the same batch as the data it speaks of. */
export interface CommitRecord {
  readonly v: 2;
  /** By store: how its entries lie in the database. Another version of the program may lay them out otherwise. */
  readonly layouts: Readonly<Record<string, string>>;
  /** Commit number: equal to the one in Kafka's offset metadata when the stores hold exactly what is committed. */
  readonly n: number;
  /** By store: changelog position up to which the data is applied. */
  readonly positions: Readonly<Record<string, number>>;
  /** By store: highest timestamp ever put. */
  readonly observed: Readonly<Record<string, number>>;
  readonly streamTime: number;
  /** Epoch ms of the commit: state untouched for longer than the changelogs keep tombstones must not be trusted. */
  readonly wallTime: number;
}

export const COMMIT_RECORD_KEY = Buffer.from('m');
const EMPTY: CommitRecord = { v: 2, layouts: {}, n: 0, positions: {}, observed: {}, streamTime: -1, wallTime: 0 };

/** A record as it goes to the changelog of a store. */
export interface ChangelogWrite extends ChangelogRecord {
  readonly store: string;
}

export class TaskState {
  readonly #database: TaskDatabase;
  readonly #undo = new UndoLog();
  readonly #stores = new Map<string, TaskStore>();
  /** Where the last sweep stopped: the expiring store's number, and the last key looked at. */
  #sweepAt: { store: number; after?: Buffer } = { store: 0 };
  #commitRecord: CommitRecord;
  readonly #layouts: CommitRecord['layouts'];

  constructor(database: TaskDatabase, specs: readonly AnyStoreSpec[], clock: StoreClock, topicOf: (store: string) => string) {
    this.#database = database;
    this.#commitRecord = readCommitRecord(database);
    this.#layouts = layoutsOf(specs);
    checkLayouts(this.#commitRecord.layouts, this.#layouts);
    for (const spec of specs) {
      this.#stores.set(spec.name, this.#build(spec, topicOf(spec.name), clock));
    }
  }

  /** What is durable on this computer. */
  get committed(): CommitRecord {
    return this.#commitRecord;
  }

  store<S extends AnyStoreSpec>(spec: S): StoreOf<S> {
    const store = this.#stores.get(spec.name);
    if (store === undefined) {
      throw new Error(`The store "${spec.name}" is not connected to this processor: list it under "stores" where the processor is added.`);
    }
    return store as unknown as StoreOf<S>;
  }

  beginStep(): void {
    this.#undo.begin();
  }

  rollbackStep(): void {
    this.#undo.rollback();
  }

  get pendingBytes(): number {
    let bytes = 0;
    for (const store of this.#stores.values()) bytes += store.overlay.pendingBytes;
    return bytes;
  }

  get hasPending(): boolean {
    for (const store of this.#stores.values()) if (store.overlay.pendingCount > 0) return true;
    return false;
  }

  *changelogWrites(): Generator<ChangelogWrite> {
    for (const [name, store] of this.#stores) {
      for (const record of store.changelog()) yield { store: name, ...record };
    }
  }

  /** After Kafka has committed: one batch with all stores' data and the commit record, then the overlay is dropped. */
  async persist(commit: { n: number; positions: ReadonlyMap<string, number>; streamTime: number; wallTime: number }): Promise<void> {
    const writes: DatabaseWrite[] = [];
    const observed: Record<string, number> = { ...this.#commitRecord.observed };
    for (const [name, store] of this.#stores) {
      for (const { key, value } of store.overlay.pending()) writes.push({ key: store.overlay.databaseKey(key), value });
      const time = store.observedTime?.();
      if (time !== undefined) observed[name] = time;
    }
    await this.#write(writes, {
      ...this.#commitRecord,
      n: commit.n,
      positions: { ...this.#commitRecord.positions, ...Object.fromEntries(commit.positions) },
      observed,
      streamTime: commit.streamTime,
      wallTime: commit.wallTime,
    });
    for (const store of this.#stores.values()) {
      store.overlay.clear();
      store.committed?.();
    }
  }

  /**
   * What serdes must fetch before these entries can be read; undefined: nothing. Stores are read in the middle of processing, where nobody can wait: another
   * instance may have written them with a schema that this one has not met.
   */
  prepareChangelog(name: string, records: readonly ChangelogRecord[]): Promise<unknown> | undefined {
    const store = this.#stores.get(name)!;
    const prepare = preparation(store);
    if (prepare === undefined) return undefined;
    const lookups = records.flatMap((record) => prepare(store.serialized!(record)));
    return lookups.length === 0 ? undefined : Promise.allSettled(lookups);
  }

  /**
   * Replays part of a changelog. Progress is written with the data, so a crash in the middle of a restore goes on where it stopped.
   * @throws {UnreadableChangelogError}
   */
  async applyChangelog(name: string, records: readonly ChangelogRecord[], position: number, nowMs: number): Promise<void> {
    const store = this.#stores.get(name)!;
    const { writes, observed = -1 } = store.restore(records);
    await this.#write(
      writes.map(({ key, value }) => ({ key: store.overlay.databaseKey(key), value })),
      {
        ...this.#commitRecord,
        // The data is no longer that of any one commit until the restore is finished.
        n: RESTORING,
        // It is as old as its oldest part: a restore into nothing counts from its first batch.
        wallTime: this.#commitRecord === EMPTY ? nowMs : this.#commitRecord.wallTime,
        positions: { ...this.#commitRecord.positions, [name]: position },
        observed: { ...this.#commitRecord.observed, [name]: Math.max(this.#commitRecord.observed[name] ?? -1, observed) },
      },
    );
  }

  /** The changelogs are applied to their ends: the stores hold what commit `n` made durable. */
  async finishRestore(n: number, wallTime: number): Promise<void> {
    if (n !== this.#commitRecord.n) await this.#write([], { ...this.#commitRecord, n, wallTime });
  }

  /** Builds what stores keep in memory, and fetches what their serdes need to read what lies here. Once, before the first record. */
  async load(): Promise<void> {
    for (const [name, store] of this.#stores) {
      await prepareCommitted(store);
      await store.load?.(this.#commitRecord.observed[name] ?? -1);
    }
  }

  /**
   * Removes committed entries that nobody can see any more, at most `limit` looked at per call, going round the stores. Not logged: the changelog's own
   * retention removes them there, and an entry that comes back by a replay is as invisible as before.
   * Only while nothing waits for a commit: times that may still be undone must not decide.
   */
  async sweep(limit: number): Promise<number> {
    const expiring = [...this.#stores.values()].filter((store) => store.expires);
    const disposable: DatabaseWrite[] = [];
    const swept: { store: TaskStore; key: Buffer }[] = [];
    let looked = 0;
    for (let visited = 0; visited < expiring.length && looked < limit; visited++) {
      const store = expiring[this.#sweepAt.store]!;
      for await (const [key, value] of store.overlay.scanCommitted(this.#sweepAt.after)) {
        this.#sweepAt.after = Buffer.from(key);
        if (store.isDisposable(key, value)) {
          disposable.push({ key: store.overlay.databaseKey(key), value: null });
          swept.push({ store, key });
        }
        if (++looked >= limit) break;
      }
      if (looked < limit) this.#sweepAt = { store: (this.#sweepAt.store + 1) % expiring.length };
    }
    if (disposable.length > 0) await this.#database.write(disposable);
    for (const { store, key } of swept) store.swept?.(key);
    return disposable.length;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #build(spec: AnyStoreSpec, topic: string, clock: StoreClock): TaskStore {
    const undo = this.#undo;
    const overlay = (): Overlay => new Overlay(this.#database, spec.name, undo);
    const lists = (): ListOverlay => new ListOverlay(this.#database, spec.name, undo, { isToldWhole: spec.kind === 'versioned' });
    switch (spec.kind) {
      case 'keyValue':
        return spec.ordered === true ? new OverlaidOrderedKeyValueStore(spec, topic, overlay(), clock, undo) : new OverlaidKeyValueStore(spec, topic, overlay(), clock);
      case 'window':
        return new OverlaidWindowStore(spec, topic, lists(), undo);
      case 'session':
        return new OverlaidSessionStore(spec, topic, lists(), undo);
      case 'versioned':
        return new OverlaidVersionedStore(spec, topic, lists(), undo);
      case 'timer':
        return new OverlaidTimerStore(spec, topic, overlay(), clock, undo);
    }
  }

  async #write(writes: DatabaseWrite[], { layouts, ...facts }: CommitRecord): Promise<void> {
    const record: CommitRecord = { ...facts, layouts: { ...layouts, ...this.#layouts } };
    writes.push({ key: COMMIT_RECORD_KEY, value: Buffer.from(JSON.stringify(record)) });
    await this.#database.write(writes);
    this.#commitRecord = record;
  }
}

/** In place of a commit number while a restore is under way: equal to none, behind all, so an interrupted restore is continued. */
export const RESTORING = -1;

/** Undefined for a store whose serdes never need anything. */
function preparation({ spec, topic }: TaskStore): ((bytes: Serialized) => Promise<void>[]) | undefined {
  if (spec.kind === 'timer' || (spec.key.prepare === undefined && spec.value.prepare === undefined)) return undefined;
  return ({ key, values }) => [spec.key.prepare?.(topic, key), ...values.map((value) => spec.value.prepare?.(topic, value))].filter((lookup) => lookup !== undefined);
}

/** A program that was here before may have written with a schema that this one has not met. */
async function prepareCommitted(store: TaskStore): Promise<void> {
  const prepare = preparation(store);
  if (prepare === undefined) return;
  // One after the other: what has been fetched once is not asked for again.
  for await (const [key, value] of store.overlay.scanCommitted()) await Promise.allSettled(prepare(store.serializedIn!(key, value)));
}

function layoutsOf(specs: readonly AnyStoreSpec[]): CommitRecord['layouts'] {
  return Object.fromEntries(specs.map((spec) => [spec.name, spec.kind === 'window' ? `window by ${segmentMsOf(spec)} ms` : spec.kind]));
}

/** @throws {CorruptStateError} when a store's entries lie otherwise than it would look for them. The changelog has them all, and knows nothing of layouts. */
function checkLayouts(stored: CommitRecord['layouts'], now: CommitRecord['layouts']): void {
  for (const [store, layout] of Object.entries(now)) {
    const before = stored[store] ?? layout;
    if (before !== layout) throw new CorruptStateError(`the store "${store}"`, `its entries lie there as "${before}", and are looked for as "${layout}"`);
  }
}

function readCommitRecord(database: TaskDatabase): CommitRecord {
  const bytes = database.get(COMMIT_RECORD_KEY);
  if (bytes === undefined) return EMPTY;
  const record = parse(bytes);
  if (record?.v !== 2) throw new CorruptStateError('the commit record', 'its format is not the one this release writes');
  return record;
}

function parse(bytes: Buffer): CommitRecord | undefined {
  try {
    return JSON.parse(bytes.toString()) as CommitRecord;
  } catch {
    return undefined;
  }
}
