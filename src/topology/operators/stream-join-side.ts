// One side of a windowed join of streams: what a record of it does, step by step. Both sides read and write the same stores, and share one stream time.

import type { Headers, StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { WindowStore, WindowStoreSpec } from '../store-spec.ts';
import { OperatorTime, type TimeStoreSpec } from './operator-time.ts';
import { WaitingRecords, type WaitingRecordsSpec } from './waiting-records.ts';

/** What one side of a join is, to itself and to the other. */
export interface JoinSide<K, V, R> {
  readonly store: WindowStoreSpec<K, V>;
  /** A record of time t joins the other side's records from t − reachBackMs to t + reachAheadMs. Either may be negative. */
  readonly reachBackMs: number;
  readonly reachAheadMs: number;
  /** For records that give a result without a partner; undefined on a side that may not stand alone. */
  readonly alone: { readonly waiting: WaitingRecordsSpec<K, V>; readonly result: (value: V, key: K | null) => R } | undefined;
}

export interface JoinOfSides<K, VOwn, VOther, R> {
  readonly own: JoinSide<K, VOwn, R>;
  readonly other: JoinSide<K, VOther, R>;
  readonly result: (own: VOwn, other: VOther, key: K) => R;
  /** The sides that may stand alone, in the order in which they come out when their times are equal; none in an inner join. */
  readonly alone: readonly JoinSide<K, any, R>[];
  readonly graceMs: number;
  readonly time: TimeStoreSpec | undefined;
}

export function joinSide<K, VOwn, VOther, R>(join: JoinOfSides<K, VOwn, VOther, R>): () => Processor<K | null, VOwn | null, K | null, R> {
  return () => new SideOfJoin(join);
}

/** Of a side that may stand alone: records that have found no partner, and may still find one. */
interface Waiting<K, R> {
  readonly records: WaitingRecords<K, any>;
  readonly result: (value: any, key: K | null) => R;
  /** After its time, in ms of stream time, a record waits for as long as a partner could come; then this has passed. */
  readonly patienceMs: number;
}

class SideOfJoin<K, VOwn, VOther, R> implements Processor<K | null, VOwn | null, K | null, R> {
  readonly #join: JoinOfSides<K, VOwn, VOther, R>;
  #context!: ProcessorContext<K | null, R>;
  #own!: WindowStore<K, VOwn>;
  #other!: WindowStore<K, VOther>;
  #ownWaiting: WaitingRecords<K, VOwn> | undefined;
  #otherWaiting: WaitingRecords<K, VOther> | undefined;
  #waiting: readonly Waiting<K, R>[] = [];
  #time: OperatorTime | undefined;

  constructor(join: JoinOfSides<K, VOwn, VOther, R>) {
    this.#join = join;
  }

  init(context: ProcessorContext<K | null, R>): void {
    const { own, other, alone, graceMs, time } = this.#join;
    this.#context = context;
    this.#own = context.store(own.store);
    this.#other = context.store(other.store);
    const waitingOf = <V>(side: JoinSide<K, V, R>): WaitingRecords<K, V> | undefined => (side.alone === undefined ? undefined : new WaitingRecords(context.store(side.alone.waiting)));
    this.#ownWaiting = waitingOf(own);
    this.#otherWaiting = waitingOf(other);
    this.#waiting = alone.map((side) => ({ records: waitingOf(side)!, result: side.alone!.result, patienceMs: side.reachAheadMs + graceMs }));
    this.#time = time === undefined ? undefined : new OperatorTime(time, context);
  }

  process(record: StreamRecord<K | null, VOwn | null>): void {
    const { own } = this.#join;
    const { key, value, timestamp, headers } = record;
    const streamTime = this.#time?.observe(timestamp) ?? timestamp;
    if (value === null || value === undefined) return this.#context.count('dropped');
    if (key === null || key === undefined) {
      if (own.alone === undefined) return this.#context.count('dropped');
      // No partner can ever come.
      return this.#context.forward({ key, value: own.alone.result(value, null), timestamp, headers });
    }
    this.#own.put(key, value, timestamp);
    if (timestamp === streamTime && this.#waiting.length > 0) this.#look(streamTime, headers);
    if (this.#joinPartners(key, value, record) || own.alone === undefined) return;
    if (timeAt(timestamp + own.reachAheadMs) < streamTime) this.#context.forward({ key, value: own.alone.result(value, key), timestamp, headers });
    else this.#ownWaiting!.add({ timestamp, key, value });
  }

  /** Whether there was any. */
  #joinPartners(key: K, value: VOwn, record: StreamRecord<K | null, VOwn | null>): boolean {
    const { own, result } = this.#join;
    const { timestamp, headers } = record;
    const partners = this.#other.fetch(key, timeAt(timestamp - own.reachBackMs), timeAt(timestamp + own.reachAheadMs));
    let settled = -1;
    for (const partner of partners) {
      if (this.#otherWaiting !== undefined && partner.timestamp !== settled) this.#otherWaiting.remove(key, partner.timestamp);
      settled = partner.timestamp;
      this.#context.count('joined');
      this.#context.forward({ key, value: result(value, partner.value, key), timestamp: Math.max(timestamp, partner.timestamp), headers });
    }
    return partners.length > 0;
  }

  /** Those whose time is over come out without a partner, of both sides in one order of time. */
  #look(streamTime: number, headers: Headers): void {
    if (!this.#time!.mayLook()) return;
    for (;;) {
      let earliest: { at: number; side: Waiting<K, R> } | undefined;
      for (const side of this.#waiting) {
        const at = side.records.firstTime();
        if (at !== undefined && at + side.patienceMs < streamTime && (earliest === undefined || at < earliest.at)) earliest = { at, side };
      }
      if (earliest === undefined) return;
      const { key, value, timestamp } = earliest.side.records.takeFirst()!;
      this.#context.forward({ key, value: earliest.side.result(value, key), timestamp, headers });
    }
  }
}

/** There are no times below 0, so what reaches below reaches 0. */
function timeAt(timeMs: number): number {
  return Math.max(0, timeMs);
}
