// What all windowed aggregates have in common: where an operator finds its rows, its time and its results in a task.

import type { StreamRecord } from '../../record/record.ts';
import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import type { Change } from '../table-origin.ts';
import type { Windowed } from '../windowed.ts';
import type { WindowResults } from './emit-on-close.ts';
import type { AggregateStep } from './stream-aggregate.ts';
import type { OperatorTime } from './operator-time.ts';

/** How records of one group change a result. */
export interface WindowedFunctions<K, V, A> {
  readonly step: AggregateStep<K, V, A>;
  /** A record without a value is dropped; otherwise the step sees the null. */
  readonly dropsNulls: boolean;
  /** Of two sessions, the older one first; `one` undefined: nothing yet. null: nothing after all. */
  readonly merge?: (key: K, one: A | undefined, two: A) => A | null;
}

type InTask<T> = (context: ProcessorContext<any, any>) => T;

/** One group that takes part in a windowed aggregate. `R`: where the rows lie. */
export interface WindowedInput<K, V, A, R> {
  readonly functions: WindowedFunctions<K, V, A>;
  readonly rows: InTask<R>;
  readonly time: InTask<OperatorTime>;
  readonly results: InTask<WindowResults<K, A>>;
}

/** The same, inside a task. */
export interface WindowedWork<K, V, A, R> {
  readonly functions: WindowedFunctions<K, V, A>;
  readonly rows: R;
  readonly time: OperatorTime;
  readonly results: WindowResults<K, A>;
  readonly count: (counter: 'late') => void;
}

export type WindowedSupplier<K, V, A> = ProcessorSupplier<K | null, V, Windowed<K>, Change<A>>;

/** `taking`: what happens to a record that has a key, and a value where the functions want one. */
export function windowedOperator<K, V, A, R>(input: WindowedInput<K, V, A, R>, taking: (work: WindowedWork<K, V, A, R>) => (record: StreamRecord<K, V>) => void): WindowedSupplier<K, V, A> {
  return () => {
    let take: (record: StreamRecord<K, V>) => void;
    let countDropped: () => void;
    const { functions, rows, time, results } = input;
    return {
      init(context) {
        take = taking({ functions, rows: rows(context), time: time(context), results: results(context), count: (counter) => context.count(counter) });
        countDropped = () => context.count('dropped');
      },
      process(record) {
        const { key, value } = record;
        if (key === null || key === undefined || (functions.dropsNulls && (value === null || value === undefined))) countDropped();
        else take(record as StreamRecord<K, V>);
      },
    };
  };
}
