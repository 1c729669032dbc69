// Aggregating the groups of a table: what a row was is subtracted, what it became is added.

import type { StreamRecord } from '../../record/record.ts';
import type { OldAndNew } from '../../serdes/change.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import { rowsOf, type Rows } from '../rows.ts';
import type { Change, TableStoreSpec } from '../table-origin.ts';

/** null removes the group. */
export interface GroupSteps<K, V, A> {
  /** `aggregate` null: the group has none. */
  readonly add: (key: K, value: V, aggregate: A | null) => A | null | undefined;
  readonly subtract: (key: K, value: V, aggregate: A) => A | null | undefined;
}

export function tableAggregate<K, V, A>(spec: TableStoreSpec<K, A>, steps: GroupSteps<K, V, A>): () => Processor<K | null, OldAndNew<V> | null, K, Change<A>> {
  return () => {
    let rows: Rows<K, A>;
    let context: ProcessorContext<K, Change<A>>;
    return {
      init(given) {
        context = given;
        rows = rowsOf(spec, given);
      },
      process({ key, value: change, timestamp: recordTime, headers }: StreamRecord<K | null, OldAndNew<V> | null>): void {
        if (key === null || change === null) return context.count('dropped'); // not written by a grouping
        const before = rows.get(key);
        let aggregate = before?.value ?? null;
        // Without an aggregate there is nothing that the row could be taken out of.
        if (change.oldValue !== null && aggregate !== null) aggregate = steps.subtract(key, change.oldValue, aggregate) ?? null;
        if (change.newValue !== null) aggregate = steps.add(key, change.newValue, aggregate) ?? null;
        const timestamp = before === undefined ? recordTime : Math.max(before.timestamp, recordTime);
        const put = rows.put(key, aggregate, timestamp);
        if (put === 'dropped') return context.count('dropped');
        context.forward({ key, value: { newValue: aggregate, oldValue: before?.value ?? null, isLatest: put === 'latest' }, timestamp, headers });
      },
    };
  };
}
