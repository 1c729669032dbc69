// All global tables of an instance, in one database: rows as they stand in the topics, and the positions up to which they have been read. The topics are the
// changelog, so nothing is written to Kafka, and nobody but the reader of the topics writes here.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { AnyStoreSpec, KeyBounds, KeyValueEntry, KeyValueStore, KeyValueStoreSpec, TimestampedValue } from '../topology/store-spec.ts';
import { decodeTimestamped, encodeTimestamped } from './bytes.ts';
import { CorruptGlobalStateError, CorruptStateError } from './errors.ts';
import { byteBounds } from './key-bounds.ts';
import { storePrefix } from './store-overlay.ts';

export interface GlobalTableSpec {
  readonly topic: string;
  readonly store: KeyValueStoreSpec<any, any>;
}

/** What the database knows about itself, written in the same batch as the rows it speaks of: a crash loses both or neither. */
export interface GlobalRecord {
  readonly v: 1;
  /** By store: the topic that its rows are from. */
  readonly tables: Readonly<Record<string, string>>;
  /** By `partitionName`: everything before has been applied. */
  readonly positions: Readonly<Record<string, number>>;
  /** Epoch ms, when this was last known to be all that the topics hold. */
  readonly currentAtMs: number;
}

/** value null: the row is gone. */
export interface GlobalRow {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestamp: number;
}

const RECORD_KEY = Buffer.from('m');

/** Stores stay the same over databases that come and go: processors hold them for as long as their tasks run. */
export class GlobalState {
  readonly #stores = new Map<string, ReadOnlyStore<any, any>>();
  readonly #tables: Readonly<Record<string, string>>;
  #opened: TaskDatabase | undefined;
  #record: GlobalRecord | undefined;

  constructor(tables: readonly GlobalTableSpec[]) {
    this.#tables = Object.fromEntries(tables.map(({ topic, store }) => [store.name, topic]));
    for (const { topic, store } of tables) this.#stores.set(store.name, new ReadOnlyStore(store, topic, () => this.#database));
  }

  /** @throws {CorruptStateError} when it must be wiped. */
  open(database: TaskDatabase): void {
    this.#record = readRecord(database);
    this.#opened = database;
  }

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /** Undefined as long as nothing has been written. */
  get record(): GlobalRecord | undefined {
    return this.#record;
  }

  /** Undefined when no global table has this store. */
  store<K, V>(spec: AnyStoreSpec): KeyValueStore<K, V> | undefined {
    return this.#stores.get(spec.name);
  }

  /** One batch: rows of one partition, later ones win, and the position after them. `nowMs`: epoch ms. */
  async apply(store: string, from: TopicPartition, rows: readonly GlobalRow[], position: number, nowMs: number): Promise<void> {
    const prefix = storePrefix(store);
    const writes = rows.map(({ key, value, timestamp }): DatabaseWrite => ({ key: Buffer.concat([prefix, key]), value: value === null ? null : encodeTimestamped(value, timestamp) }));
    // What begins with nothing is as old as its first batch.
    await this.#write(writes, { positions: { ...this.#record?.positions, [partitionName(from)]: position }, currentAtMs: this.#record?.currentAtMs ?? nowMs });
  }

  /** All that the topics hold has been applied. `nowMs`: epoch ms. */
  async isCurrent(nowMs: number): Promise<void> {
    await this.#write([], { currentAtMs: nowMs });
  }

  /** Every value that is kept, as bytes: what serdes must be prepared for before anything is read. */
  async *values(store: string): AsyncGenerator<Buffer> {
    const [from, to] = rangeOf(store);
    for await (const [, bytes] of this.#database.scan(from, to)) yield decodeTimestamped(bytes, store).value;
  }

  async close(): Promise<void> {
    const database = this.#opened;
    this.#opened = undefined;
    await database?.close();
  }

  get #database(): TaskDatabase {
    if (this.#opened === undefined) throw new Error('The global tables are being read anew: nobody may look into them now.');
    return this.#opened;
  }

  async #write(writes: readonly DatabaseWrite[], change: Partial<GlobalRecord>): Promise<void> {
    const record: GlobalRecord = { v: 1, positions: {}, currentAtMs: 0, ...this.#record, tables: this.#tables, ...change };
    await this.#database.write([...writes, { key: RECORD_KEY, value: Buffer.from(JSON.stringify(record)) }]);
    this.#record = record;
  }
}

/** A global table's rows, as processors see them. */
class ReadOnlyStore<K, V> implements KeyValueStore<K, V> {
  readonly #spec: KeyValueStoreSpec<K, V>;
  readonly #topic: string;
  readonly #database: () => TaskDatabase;
  readonly #prefix: Buffer;

  constructor(spec: KeyValueStoreSpec<K, V>, topic: string, database: () => TaskDatabase) {
    this.#spec = spec;
    this.#topic = topic;
    this.#database = database;
    this.#prefix = storePrefix(spec.name);
  }

  get(key: K): V | undefined {
    return this.entry(key)?.value;
  }

  entry(key: K): TimestampedValue<V> | undefined {
    const found = this.#read(Buffer.concat([this.#prefix, this.#spec.key.serialize(this.#topic, key)]));
    return found === undefined ? undefined : { timestamp: found.timestamp, value: this.#spec.value.deserialize(this.#topic, found.value) };
  }

  async *scan(bounds: KeyBounds<K> = {}): AsyncGenerator<KeyValueEntry<K, V>> {
    const { from, end } = byteBounds(bounds, (key) => this.#spec.key.serialize(this.#topic, key));
    const past = rangeOf(this.#spec.name)[1];
    for await (const [key, bytes] of this.#database().scan(Buffer.concat([this.#prefix, from]), end === undefined ? past : Buffer.concat([this.#prefix, end]))) {
      const { timestamp, value } = decodeTimestamped(bytes, this.#spec.name);
      yield { key: this.#spec.key.deserialize(this.#topic, key.subarray(this.#prefix.length)), value: this.#spec.value.deserialize(this.#topic, value), timestamp };
    }
  }

  put(): never {
    throw this.#readOnly();
  }

  delete(): never {
    throw this.#readOnly();
  }

  /** Damage here is not the task's: rebuilding the task would not mend it. */
  #read(key: Buffer): TimestampedValue<Buffer> | undefined {
    try {
      const bytes = this.#database().get(key);
      return bytes === undefined ? undefined : decodeTimestamped(bytes, this.#spec.name);
    } catch (error) {
      throw error instanceof CorruptStateError ? new CorruptGlobalStateError(error) : error;
    }
  }

  #readOnly(): Error {
    return new Error(`The store "${this.#spec.name}" belongs to a global table and can only be read: its rows are what the topic "${this.#topic}" says. Write to that topic instead.`);
  }
}

function rangeOf(store: string): [from: Buffer, to: Buffer] {
  const from = storePrefix(store);
  const to = Buffer.from(from);
  to[to.length - 1] = 1; // the prefix ends in 0, so this is just past all its keys
  return [from, to];
}

function readRecord(database: TaskDatabase): GlobalRecord | undefined {
  const bytes = database.get(RECORD_KEY);
  if (bytes === undefined) return undefined;
  const record = parse(bytes);
  if (record?.v !== 1) throw new CorruptStateError('the global tables', 'the record of their positions is not in the format that this release writes');
  return record;
}

function parse(bytes: Buffer): GlobalRecord | undefined {
  try {
    return JSON.parse(bytes.toString()) as GlobalRecord;
  } catch {
    return undefined;
  }
}
