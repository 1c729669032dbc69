// The left side of a foreign-key join, going out: each update of a row is told to whoever has the right row, in the partition of the foreign key (KIP-213).

import type { StreamRecord } from '../../record/record.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { Change, TableRecord } from '../table-origin.ts';
import type { ForeignKeyPlan } from './foreign-key-plan.ts';
import type { KnownResults, Results } from './foreign-key-results.ts';
import type { Instruction, Registration } from './foreign-key-wire.ts';

interface Parts<K, V, FK> {
  readonly plan: ForeignKeyPlan<K, V, FK>;
  readonly extract: (value: V, key: K) => FK | null | undefined;
  readonly isVersioned: boolean;
  /** Undefined for a left join: there, every update is answered. */
  readonly results: KnownResults<K, any> | undefined;
}

export class Registrar<K, V, FK> implements Processor<K, Change<V>, FK | null, Registration<K>> {
  readonly #parts: Parts<K, V, FK>;
  #context!: ProcessorContext<FK | null, Registration<K>>;
  #hash!: (value: V) => Buffer;
  #isSame!: (one: FK, other: FK) => boolean;
  #results: Results<K> | undefined;

  constructor(parts: Parts<K, V, FK>) {
    this.#parts = parts;
  }

  init(context: ProcessorContext<FK | null, Registration<K>>): void {
    const { plan, results } = this.#parts;
    this.#context = context;
    this.#hash = plan.hashing(context);
    this.#isSame = plan.comparing(context);
    this.#results = results?.open(context);
  }

  process(record: TableRecord<K, V>): void {
    const { key, value: change } = record;
    // The row has a newer version, which has been told already (KIP-914).
    if (this.#parts.isVersioned && !change.isLatest) return this.#context.count('dropped');
    if (change.oldValue === null && change.newValue === null && this.#parts.plan.isLeft) return;
    const before = this.#foreignKey(change.oldValue, key);
    const after = this.#foreignKey(change.newValue, key);
    const send = this.#sender(record);
    if (this.#parts.plan.isLeft) this.#tellLeft(before, after, send);
    else this.#tellInner(key, before, after, send);
  }

  #tellLeft(before: FK | null, after: FK | null, send: (foreignKey: FK | null, instruction: Instruction) => void): void {
    if (before !== null && (after === null || !this.#isSame(before, after))) send(before, 'unsubscribe');
    send(after, 'subscribe');
  }

  #tellInner(key: K, before: FK | null, after: FK | null, send: (foreignKey: FK | null, instruction: Instruction) => void): void {
    if (after === null) {
      if (before !== null) send(before, 'unsubscribe and answer');
      // There should be no result. If there is one, the answer that removes it is on its way, and comes too late to count for this value.
      else if (this.#results!.has(key)) send(null, 'subscribe quietly');
    } else if (before === null || this.#isSame(before, after)) {
      send(after, 'subscribe quietly');
    } else {
      send(before, 'unsubscribe');
      send(after, 'subscribe');
    }
  }

  #sender({ key, value: { newValue }, timestamp, headers }: TableRecord<K, V>): (foreignKey: FK | null, instruction: Instruction) => void {
    const hash = newValue === null ? null : this.#hash(newValue);
    const { partition } = this.#context.taskId;
    return (foreignKey, instruction) => {
      const registration: StreamRecord<FK | null, Registration<K>> = { key: foreignKey, value: { instruction, primaryKey: key, hash, partition }, timestamp, headers };
      this.#context.forward(registration);
    };
  }

  #foreignKey(value: V | null, key: K): FK | null {
    return value === null ? null : (this.#parts.extract(value, key) ?? null);
  }
}
