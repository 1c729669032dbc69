// The head of a table: each record of a topic, or of a stream, replaces the row of its key. The last to arrive wins, whatever its timestamp; a versioned
// table puts it in its place in time.

import type { StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import { rowsOf, type Rows } from '../rows.ts';
import type { Change, StoredTable } from '../table-origin.ts';

export function tableSource<K, V>(table: StoredTable<K, V>): () => Processor<K | null, V | null, K, Change<V>> {
  return () => new TableSource(table);
}

class TableSource<K, V> implements Processor<K | null, V | null, K, Change<V>> {
  readonly #table: StoredTable<K, V>;
  #context!: ProcessorContext<K, Change<V>>;
  #rows: Rows<K, V> | undefined;

  constructor(table: StoredTable<K, V>) {
    this.#table = table;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context;
    // Only now it is known whether anybody needs the rows.
    this.#rows = this.#table.isStored ? rowsOf(this.#table.spec, context) : undefined;
  }

  process({ key, value, timestamp, headers }: StreamRecord<K | null, V | null>): void {
    if (key === null || key === undefined) return this.#context.count('dropped');
    const newValue = value ?? null;
    if (this.#rows === undefined) return this.#context.forward({ key, value: { newValue, oldValue: null, isLatest: true }, timestamp, headers });
    const oldValue = this.#rows.get(key)?.value ?? null;
    const put = this.#rows.put(key, newValue, timestamp);
    if (put === 'dropped') return this.#context.count('dropped');
    this.#context.forward({ key, value: { newValue, oldValue, isLatest: put === 'latest' }, timestamp, headers });
  }
}
