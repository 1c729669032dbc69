// Grouping a table: an update of a row leaves its old group and enters its new one. This half selects groups and sends; table-aggregate.ts takes in.

import type { Serde } from '../../record/serde.ts';
import type { OldAndNew } from '../../serdes/change.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { Change, TableOrigin, TableRecord } from '../table-origin.ts';

export interface TableGrouping<K, V, K2, V2> {
  readonly origin: TableOrigin<K, V>;
  readonly mapper: (value: V, key: K) => readonly [K2 | null, V2 | null];
  readonly key: Serde<K2>;
  /** Of the repartition topic, for the key's serde. */
  readonly topicOf: (applicationId: string) => string;
}

export function tableGroup<K, V, K2, V2>({ origin, mapper, key: keySerde, topicOf }: TableGrouping<K, V, K2, V2>): () => Processor<K, Change<V>, K2, OldAndNew<V2>> {
  return () => {
    const { isVersioned } = origin;
    let context: ProcessorContext<K2, OldAndNew<V2>>;
    const member = (value: V | null, key: K): { group: K2; value: V2 } | undefined => {
      const [group, selected] = value === null ? [null, null] : mapper(value, key);
      return isThere(group) && isThere(selected) ? { group, value: selected } : undefined;
    };
    const isSame = (one: K2, other: K2): boolean => {
      if (one === other) return true;
      if (typeof one !== 'object') return false;
      const topic = topicOf(context.applicationId);
      return keySerde.serialize(topic, one).equals(keySerde.serialize(topic, other));
    };
    return {
      init(given) {
        context = given;
      },
      process({ key, value: { newValue, oldValue, isLatest }, timestamp, headers }: TableRecord<K, V>): void {
        // Groups hold the newest version of each row.
        if (isVersioned && !isLatest) return context.count('dropped');
        const before = member(oldValue, key);
        const after = member(newValue, key);
        const send = (group: K2, value: OldAndNew<V2>): void => context.forward({ key: group, value, timestamp, headers });
        if (before !== undefined && after !== undefined && isSame(before.group, after.group)) {
          // One record, so that nobody sees the group without the row (KIP-904).
          return send(after.group, { oldValue: before.value, newValue: after.value });
        }
        if (before !== undefined) send(before.group, { oldValue: before.value, newValue: null });
        if (after !== undefined) send(after.group, { oldValue: null, newValue: after.value });
      },
    };
  };
}

function isThere<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
