// suppress: updates wait, one for each key, in the order in which they are to come out. Its stream time is that of the updates that reach it.

import type { Serde } from '../../record/serde.ts';
import { timeKeySerde, type TimeKey } from '../../serdes/composite-key.ts';
import { longSerde } from '../../serdes/long.ts';
import { SuppressionFullError } from '../errors.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import { Stores, type AnyStoreSpec, type KeyValueEntry, type KeyValueStore, type KeyValueStoreSpec, type OrderedKeyValueStore, type OrderedKeyValueStoreSpec } from '../store-spec.ts';
import type { Change, TableOrigin, TableReader, TableRecord, TableView } from '../table-origin.ts';
import { waitingUpdateSerde, type WaitingUpdate } from './suppress-waiting.ts';
import { OperatorTime, timeStore, type TimeStoreSpec } from './operator-time.ts';

export interface SuppressPlan<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** How long an update waits, ms of stream time. */
  readonly waitsMs: number;
  /** From when: the end of the key's window, or, undefined, the timestamp of the first update that waits. */
  readonly endOf: ((key: K) => number) | undefined;
  readonly maxRecords: number | undefined;
  readonly emitsEarly: boolean;
}

interface SuppressStores<K, V> {
  /** By the time from which it waits, then by key. */
  readonly waiting: OrderedKeyValueStoreSpec<TimeKey<K>, WaitingUpdate<V>>;
  /** Where a key waits; undefined where the key itself says. */
  readonly places: KeyValueStoreSpec<K, number> | undefined;
  readonly times: TimeStoreSpec;
}

/** The table as those below see it: rows that wait are still what they were. */
export class SuppressedTable<K, V> implements TableOrigin<K, V> {
  readonly isVersioned = false;
  readonly #parent: TableOrigin<K, V>;
  readonly #plan: SuppressPlan<K, V>;
  readonly #stores: SuppressStores<K, V>;

  constructor(parent: TableOrigin<K, V>, plan: SuppressPlan<K, V>) {
    const { name, key, value, endOf } = plan;
    this.#parent = parent;
    this.#plan = plan;
    this.#stores = {
      waiting: Stores.keyValue({ name, key: timeKeySerde(key), value: waitingUpdateSerde(value), ordered: true }),
      places: endOf === undefined ? Stores.keyValue({ name: `${name}-places`, key, value: longSerde() }) : undefined,
      times: timeStore(name),
    };
    // What a row was before it began to wait is what those below have last been told.
    parent.requireOldValues();
  }

  requireOldValues(): void {}

  acceptOldValues(): boolean {
    return true;
  }

  view(): TableView<K, V> {
    const parent = this.#parent.view();
    return {
      stores: () => [...parent.stores(), ...this.ownStores],
      reader: (context) => {
        const rows = parent.reader(context);
        const waiting = new WaitingUpdates(this.#plan, this.#stores, context);
        const get: TableReader<K, V>['get'] = (key) => {
          const update = waiting.find(key);
          if (update === undefined) return rows.get(key);
          // When it was sent on is not known any more: below all other times.
          return update.priorValue === null ? undefined : { value: update.priorValue, timestamp: -1 };
        };
        return { get, getAsOf: get };
      },
    };
  }

  get ownStores(): readonly AnyStoreSpec[] {
    const { waiting, places, times } = this.#stores;
    return places === undefined ? [waiting, times] : [waiting, places, times];
  }

  readonly supplier = (): Processor<K, Change<V>, K, Change<V>> => {
    const { name, waitsMs, endOf, maxRecords, emitsEarly } = this.#plan;
    let context: ProcessorContext<K, Change<V>>;
    let waiting: WaitingUpdates<K, V>;
    let time: OperatorTime;

    const sendOn = (entry: KeyValueEntry<TimeKey<K>, WaitingUpdate<V>>): void => {
      const [, key] = entry.key;
      const { newValue, priorValue, headers } = entry.value;
      waiting.remove(entry.key);
      // A window whose result is gone has none; under a time limit those below must hear that a row is gone.
      if (newValue === null && endOf !== undefined) return;
      context.forward({ key, value: { newValue, oldValue: priorValue, isLatest: true }, timestamp: entry.timestamp, headers });
    };

    return {
      init: (own) => {
        context = own;
        waiting = new WaitingUpdates(this.#plan, this.#stores, own);
        time = new OperatorTime(this.#stores.times, own);
      },
      process({ key, value: change, timestamp, headers }: TableRecord<K, V>): void {
        const dueUpToMs = time.observe(timestamp) - waitsMs;
        waiting.put(key, change, timestamp, headers);
        for (const entry of waiting.inOrder()) {
          if (entry.key[0] > dueUpToMs) break;
          sendOn(entry);
        }
        if (maxRecords === undefined || waiting.count <= maxRecords) return;
        if (!emitsEarly) throw new SuppressionFullError(name, maxRecords);
        for (const entry of waiting.inOrder()) {
          sendOn(entry);
          if (waiting.count <= maxRecords) break;
        }
      },
    };
  };
}

const WAITING_RECORDS = 'waiting-records';

class WaitingUpdates<K, V> {
  readonly #plan: SuppressPlan<K, V>;
  readonly #waiting: OrderedKeyValueStore<TimeKey<K>, WaitingUpdate<V>>;
  readonly #places: KeyValueStore<K, number> | undefined;
  /** How many wait stands beside the stream time, where anybody asks. */
  readonly #counts: KeyValueStore<string, number>;

  constructor(plan: SuppressPlan<K, V>, stores: SuppressStores<K, V>, context: ProcessorContext<any, any>) {
    this.#plan = plan;
    this.#waiting = context.store(stores.waiting);
    this.#places = stores.places && context.store(stores.places);
    this.#counts = context.store(stores.times);
  }

  get count(): number {
    return this.#counts.get(WAITING_RECORDS) ?? 0;
  }

  find(key: K): WaitingUpdate<V> | undefined {
    const placeMs = this.#placeOf(key);
    return placeMs === undefined ? undefined : this.#waiting.get([placeMs, key]);
  }

  /** An update of a key that waits already takes its place. */
  put(key: K, { newValue, oldValue }: Change<V>, timestamp: number, headers: WaitingUpdate<V>['headers']): void {
    const placeMs = this.#placeOf(key) ?? timestamp;
    const before = this.#waiting.get([placeMs, key]);
    this.#waiting.put([placeMs, key], { newValue, priorValue: before === undefined ? oldValue : before.priorValue, headers }, timestamp);
    if (before !== undefined) return;
    this.#places?.put(key, placeMs);
    this.#addToCount(1);
  }

  remove(place: TimeKey<K>): void {
    this.#waiting.delete(place);
    this.#places?.delete(place[1]);
    this.#addToCount(-1);
  }

  inOrder(): Iterable<KeyValueEntry<TimeKey<K>, WaitingUpdate<V>>> {
    return this.#waiting.all();
  }

  #placeOf(key: K): number | undefined {
    return this.#plan.endOf === undefined ? this.#places!.get(key) : this.#plan.endOf(key);
  }

  #addToCount(change: number): void {
    if (this.#plan.maxRecords !== undefined) this.#counts.put(WAITING_RECORDS, this.count + change);
  }
}
