// What the task needs of any store beside its user-facing side.

import type { DatabaseWrite } from '../ports/state-directory.ts';
import type { Headers } from '../record/record.ts';
import type { AnyStoreSpec } from '../topology/store-spec.ts';
import type { StoreOverlay } from './store-overlay.ts';

export interface StoreClock {
  /** Highest record timestamp the task has seen, −1 before the first. */
  streamTime(): number;
  /** Of the record being processed; stream time inside a punctuator. */
  recordTimestamp(): number;
}

/** A record of a store's changelog. `timestamp`: that of the record behind it, epoch ms. */
export interface ChangelogRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: Headers;
}

/** What changelog records make of the database: keys are the store's own. */
export interface Restored {
  readonly writes: readonly DatabaseWrite[];
  /** The highest timestamp the store had seen, as far as these records tell. */
  readonly observed?: number;
}

/** Bytes as serdes gave them: what may have to be prepared before it is read. */
export interface Serialized {
  readonly key: Buffer;
  readonly values: readonly Buffer[];
}

export interface TaskStore {
  readonly spec: AnyStoreSpec;
  /** The changelog's name: what serdes are told, so that a registry files schemas under the topic they stand in. */
  readonly topic: string;
  readonly overlay: StoreOverlay<DatabaseWrite>;
  /** True when entries die of age and are to be swept. */
  readonly expires: boolean;
  /** Whether a committed entry is invisible for good, so that sweeping it changes nothing anyone can see. */
  isDisposable(key: Buffer, value: Buffer): boolean;
  /** A committed entry has been swept. */
  swept?(key: Buffer): void;
  /** The uncommitted writes as they go to the changelog. */
  changelog(): Iterable<ChangelogRecord>;
  /** Reverses `changelog`, on what is committed. @throws {UnreadableChangelogError} */
  restore(records: readonly ChangelogRecord[]): Restored;
  /** What serdes gave for a changelog record: its key, and all values in it. Absent where no serde has a part in it. @throws {UnreadableChangelogError} */
  serialized?(record: ChangelogRecord): Serialized;
  /** The same of an entry of the database. */
  serializedIn?(key: Buffer, value: Buffer): Serialized;
  /** The uncommitted writes have become durable. */
  committed?(): void;
  /** What must travel with the commit beside the entries: the highest timestamp seen. */
  observedTime?(): number;
  /** Called once after open and restore, before the first record: builds what is kept in memory. */
  load?(observedTime: number): Promise<void>;
}
