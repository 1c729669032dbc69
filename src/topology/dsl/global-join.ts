// A stream joined with a global table: each record with the row of a key that is worked out of it. Every instance has all rows, so nothing is repartitioned.

import type { StreamRecord } from '../../record/record.ts';
import type { GlobalKTable } from './global-table.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { KStream } from './stream.ts';
import type { TableReader } from '../table-origin.ts';

export interface GlobalJoin<K, V, KG, VG, R> {
  readonly isLeft: boolean;
  /** The key of the row; null or undefined: there is none. */
  readonly mapper: (value: V, key: K) => KG | null | undefined;
  /** `row` is null only in a left join. */
  readonly joiner: (value: V, row: VG | null, key: K) => R;
}

export function joinGlobal<K, V, KG, VG, R>(stream: KStream<K, V | null>, table: GlobalKTable<KG, VG>, join: GlobalJoin<K, V, KG, VG, R>): KStream<K, R> {
  const { graph, parents } = stream.parts;
  graph.meet(table.graph);
  const node = graph.processor(graph.autoName(join.isLeft ? 'LEFTJOIN' : 'JOIN'), parents, () => new StreamGlobalJoin(table, join));
  return stream.derived(join.isLeft ? graph.takeNullKeys(node) : node);
}

class StreamGlobalJoin<K, V, KG, VG, R> implements Processor<K, V | null, K, R> {
  readonly #global: GlobalKTable<KG, VG>;
  readonly #join: GlobalJoin<K, V, KG, VG, R>;
  #context!: ProcessorContext<K, R>;
  #rows!: TableReader<KG, VG>;

  constructor(global: GlobalKTable<KG, VG>, join: GlobalJoin<K, V, KG, VG, R>) {
    this.#global = global;
    this.#join = join;
  }

  init(context: ProcessorContext<K, R>): void {
    this.#context = context;
    this.#rows = context.table(this.#global);
  }

  process(record: StreamRecord<K, V | null>): void {
    const { key, value } = record;
    if (value === null || value === undefined) return this.#context.count('dropped');
    const rowKey = this.#join.mapper(value, key);
    const hasKey = rowKey !== null && rowKey !== undefined;
    if (!hasKey && !this.#join.isLeft) return this.#context.count('dropped');
    const row = hasKey ? this.#rows.get(rowKey)?.value : undefined;
    if (row === undefined && !this.#join.isLeft) return;
    this.#context.forward({ ...record, value: this.#join.joiner(value, row ?? null, key) });
  }
}
