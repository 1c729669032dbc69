// The head of a table: each record of a topic, or of a stream, replaces the row of its key. The last to arrive wins, whatever its timestamp; a versioned
// table puts it in its place in time.

import type { Processor, ProcessorContext } from '../processor.ts';
import type { KeyValueStore, VersionedStore } from '../store-spec.ts';
import type { StreamRecord } from '../../record/record.ts';
import type { Change, StoredTable } from '../table-origin.ts';

export function tableSource<K, V>(table: StoredTable<K, V>): () => Processor<K | null, V | null, K, Change<V>> {
  return () => new TableSource(table);
}

class TableSource<K, V> implements Processor<K | null, V | null, K, Change<V>> {
  readonly #table: StoredTable<K, V>;
  #context!: ProcessorContext<K, Change<V>>;
  #put!: (key: K, value: V | null, timestamp: number) => Change<V> | undefined;

  constructor(table: StoredTable<K, V>) {
    this.#table = table;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context;
    const { spec, isStored } = this.#table;
    if (!isStored) this.#put = (_key, newValue) => ({ newValue, oldValue: null, isLatest: true });
    else if (spec.kind === 'versioned') this.#put = putVersion(context.store(spec));
    else this.#put = putRow(context.store(spec));
  }

  process(record: StreamRecord<K | null, V | null>): void {
    const { key, value, timestamp, headers } = record;
    if (key === null || key === undefined) return this.#context.count('dropped');
    const change = this.#put(key, value ?? null, timestamp);
    if (change === undefined) return this.#context.count('dropped');
    this.#context.forward({ key, value: change, timestamp, headers });
  }
}

function putRow<K, V>(store: KeyValueStore<K, V>): (key: K, value: V | null, timestamp: number) => Change<V> {
  return (key, newValue, timestamp) => {
    const oldValue = store.get(key) ?? null;
    if (newValue === null) store.delete(key);
    else store.put(key, newValue, timestamp);
    return { newValue, oldValue, isLatest: true };
  };
}

function putVersion<K, V>(store: VersionedStore<K, V>): (key: K, value: V | null, timestamp: number) => Change<V> | undefined {
  return (key, newValue, timestamp) => {
    const oldValue = store.get(key)?.value ?? null;
    const put = store.put(key, newValue, timestamp);
    return put === 'dropped' ? undefined : { newValue, oldValue, isLatest: put === 'latest' };
  };
}
