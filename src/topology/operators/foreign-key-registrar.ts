// The left side of a foreign-key join, going out: each update of a row is told to whoever has the right row, in the partition of the foreign key (KIP-213).

import type { Processor, ProcessorContext } from '../processor.ts';
import type { Change, TableRecord } from '../table-origin.ts';
import { LeftRows } from './foreign-key-left-rows.ts';
import type { ForeignKeyPlan } from './foreign-key-plan.ts';
import type { Instruction, Registration } from './foreign-key-wire.ts';

interface Parts<K, V, FK> {
  readonly plan: ForeignKeyPlan<K, V, FK>;
  readonly extract: (value: V, key: K) => FK | null | undefined;
  readonly isVersioned: boolean;
}

/** What to tell, and for which foreign key. */
type Message<FK> = readonly [instruction: Instruction, foreignKey: FK | null];

export class Registrar<K, V, FK> implements Processor<K, Change<V>, FK | null, Registration<K>> {
  readonly #parts: Parts<K, V, FK>;
  #context!: ProcessorContext<FK | null, Registration<K>>;
  #rows!: LeftRows<K>;
  #hash!: (value: V) => Buffer;
  #isSame!: (one: FK, other: FK) => boolean;

  constructor(parts: Parts<K, V, FK>) {
    this.#parts = parts;
  }

  init(context: ProcessorContext<FK | null, Registration<K>>): void {
    const { plan } = this.#parts;
    this.#context = context;
    this.#rows = new LeftRows(plan.leftRows, context);
    this.#hash = plan.hashing(context);
    this.#isSame = plan.comparing(context);
  }

  process({ key, value: { oldValue, newValue, isLatest }, timestamp, headers }: TableRecord<K, V>): void {
    const { plan, isVersioned } = this.#parts;
    // The row has a newer version, which has been told already (KIP-914).
    if (isVersioned && !isLatest) return this.#context.count('dropped');
    if (oldValue === null && newValue === null) return;
    const [before, after] = [this.#foreignKey(oldValue, key), this.#foreignKey(newValue, key)];
    const messages = plan.isLeft ? this.#ofLeftJoin(before, after) : this.#ofInnerJoin(before, after);
    if (messages.length === 0) {
      if (newValue === null) this.#rows.gone(key);
      return;
    }
    const hash = newValue === null ? null : this.#hash(newValue);
    this.#rows.told(key, hash);
    const { partition } = this.#context.taskId;
    for (const [instruction, foreignKey] of messages) {
      this.#context.forward({ key: foreignKey, value: { instruction, primaryKey: key, hash, partition }, timestamp, headers });
    }
  }

  #ofLeftJoin(before: FK | null, after: FK | null): Message<FK>[] {
    const isLeaving = before !== null && (after === null || !this.#isSame(before, after));
    return isLeaving ? [['unsubscribe', before], ['subscribe', after]] : [['subscribe', after]];
  }

  #ofInnerJoin(before: FK | null, after: FK | null): Message<FK>[] {
    if (after === null) return before === null ? [] : [['unsubscribe and answer', before]];
    if (before === null || this.#isSame(before, after)) return [['subscribe quietly', after]];
    return [['unsubscribe', before], ['subscribe', after]];
  }

  #foreignKey(value: V | null, key: K): FK | null {
    return value === null ? null : (this.#parts.extract(value, key) ?? null);
  }
}
