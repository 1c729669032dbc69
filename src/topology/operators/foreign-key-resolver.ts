// The left side of a foreign-key join, coming back: an answer that still fits its row makes a result.

import type { StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { TableReader, TableView } from '../table-origin.ts';
import type { ForeignKeyPlan } from './foreign-key-plan.ts';
import type { KnownResults, Results } from './foreign-key-results.ts';
import type { Answer } from './foreign-key-wire.ts';

interface Parts<K, V, V2, R> {
  readonly plan: ForeignKeyPlan<K, V, any>;
  readonly left: TableView<K, V>;
  readonly joiner: (left: V, right: V2 | null, key: K) => R | null | undefined;
  readonly results: KnownResults<K, R> | undefined;
}

export class Resolver<K, V, V2, R> implements Processor<K, Answer<V2>, K, R | null> {
  readonly #parts: Parts<K, V, V2, R>;
  #context!: ProcessorContext<K, R | null>;
  #rows!: TableReader<K, V>;
  #hash!: (value: V) => Buffer;
  #results: Results<K> | undefined;

  constructor(parts: Parts<K, V, V2, R>) {
    this.#parts = parts;
  }

  init(context: ProcessorContext<K, R | null>): void {
    const { plan, left, results } = this.#parts;
    this.#context = context;
    this.#rows = left.reader(context);
    this.#hash = plan.hashing(context);
    this.#results = results?.open(context);
  }

  process({ key, value: answer, timestamp, headers }: StreamRecord<K, Answer<V2>>): void {
    const row = this.#rows.get(key);
    const hash = row === undefined ? null : this.#hash(row.value);
    // The row has changed since: its newer value has been sent too, and will be answered.
    if (hash === null ? answer.hash !== null : answer.hash === null || !hash.equals(answer.hash)) return this.#context.count('dropped');
    const hasNone = row === undefined || (answer.value === null && !this.#parts.plan.isLeft);
    const result = hasNone ? null : (this.#parts.joiner(row.value, answer.value, key) ?? null);
    if (answer.isQuiet && !this.#parts.plan.isLeft && !this.#results!.has(key)) return;
    this.#results?.set(key, result !== null);
    this.#context.forward({ key, value: result, timestamp, headers });
  }
}
