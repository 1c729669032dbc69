// The left side of a foreign-key join, coming back: an answer that still fits its row makes a result.

import type { StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { TableReader, TableView } from '../table-origin.ts';
import { areSameHash, LeftRows } from './foreign-key-left-rows.ts';
import type { ForeignKeyPlan } from './foreign-key-plan.ts';
import type { Answer } from './foreign-key-wire.ts';

interface Parts<K, V, V2, R> {
  readonly plan: ForeignKeyPlan<K, V, any>;
  readonly left: TableView<K, V>;
  readonly joiner: (left: V, right: V2 | null, key: K) => R | null | undefined;
}

export class Resolver<K, V, V2, R> implements Processor<K, Answer<V2>, K, R | null> {
  readonly #parts: Parts<K, V, V2, R>;
  #context!: ProcessorContext<K, R | null>;
  #values!: TableReader<K, V>;
  #rows!: LeftRows<K>;

  constructor(parts: Parts<K, V, V2, R>) {
    this.#parts = parts;
  }

  init(context: ProcessorContext<K, R | null>): void {
    const { plan, left } = this.#parts;
    this.#context = context;
    this.#values = left.reader(context);
    this.#rows = new LeftRows(plan.leftRows, context);
  }

  process({ key, value: answer, timestamp, headers }: StreamRecord<K, Answer<V2>>): void {
    const { plan, joiner } = this.#parts;
    const { hash, hasResult } = this.#rows.get(key);
    // The row has changed since: its newer value has been told too, and will be answered.
    if (!areSameHash(hash, answer.hash)) return this.#context.count('dropped');
    const row = this.#values.get(key);
    const hasNone = row === undefined || (answer.value === null && !plan.isLeft);
    const result = hasNone ? null : (joiner(row.value, answer.value, key) ?? null);
    if (!plan.isLeft) {
      if (answer.isQuiet && !hasResult) return;
      this.#rows.resulted(key, result !== null, row !== undefined);
    }
    this.#context.forward({ key, value: result, timestamp, headers });
  }
}
