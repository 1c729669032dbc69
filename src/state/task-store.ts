// What the task needs of any store beside its user-facing side.

import type { AnyStoreSpec } from '../topology/store-spec.ts';
import type { Overlay } from './overlay.ts';

export interface StoreClock {
  /** Highest record timestamp the task has seen, −1 before the first. */
  streamTime(): number;
  /** Of the record being processed; stream time inside a punctuator. */
  recordTimestamp(): number;
}

export interface TaskStore {
  readonly spec: AnyStoreSpec;
  /** The changelog's name: what serdes are told, so that a registry files schemas under the topic they stand in. */
  readonly topic: string;
  readonly overlay: Overlay;
  /** True when entries die of age and are to be swept. */
  readonly expires: boolean;
  /** Whether a committed entry is invisible for good, so that sweeping it changes nothing anyone can see. */
  isDisposable(key: Buffer, value: Buffer): boolean;
  /** What must travel with the commit beside the entries: the highest timestamp put. */
  observedTime?(): number;
  /** The highest timestamp put, as far as this entry of the changelog tells: restore finds it again without the commit record. */
  observedIn?(value: Buffer): number;
  /** Called once after open and restore, before the first record: builds what is kept in memory. */
  load?(observedTime: number): Promise<void>;
}
