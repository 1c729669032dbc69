// Operators that remember nothing: one function from a record to what it forwards.

import type { StreamRecord } from '../../record/record.ts';
import type { ProcessorSupplier } from '../processor.ts';

export function stateless<K, V, K2, V2>(
  step: (record: StreamRecord<K, V>, forward: (record: StreamRecord<K2, V2>) => void) => void,
): ProcessorSupplier<K, V, K2, V2> {
  return () => {
    let forward: (record: StreamRecord<K2, V2>) => void;
    return {
      init(context) {
        forward = (record) => context.forward(record);
      },
      process(record) {
        step(record, forward);
      },
    };
  };
}

/** Records without a key belong to no partition, so to no group and no row. `passesAll`: asked when the topology is complete. */
export function withKey<K, V>(passesAll: () => boolean = () => false): ProcessorSupplier<K, V, K, V> {
  return () => {
    if (passesAll()) return stateless<K, V, K, V>((record, forward) => forward(record))();
    let forward: (record: StreamRecord<K, V>) => void;
    let countDropped: () => void;
    return {
      init(context) {
        forward = (record) => context.forward(record);
        countDropped = () => context.count('dropped');
      },
      process(record) {
        if (record.key === null || record.key === undefined) countDropped();
        else forward(record);
      },
    };
  };
}
