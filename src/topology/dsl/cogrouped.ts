// CogroupedKStream: several groups with keys alike, waiting to be aggregated into one table. Each has its own function; all share one aggregate.

import type { SerdeFor } from '../../record/serde.ts';
import type { KGroupedStream } from './grouped.ts';
import { storeSpec, type MaterializedRows } from './materialized.ts';
import { streamAggregate } from '../operators/stream-aggregate.ts';
import { stateless } from '../operators/stateless.ts';
import { KTable } from './table.ts';
import { StoredTable, type Change } from '../table-origin.ts';
import { SessionWindowedCogroupedKStream, TimeWindowedCogroupedKStream } from './windowed-cogrouped.ts';
import type { AnyWindows, SessionWindows, SlidingWindows, TimeWindows } from '../windows.ts';

/** The aggregate that several groups share: its store, what it starts from, and its serde. */
export interface CogroupOptions<A> extends MaterializedRows {
  /** What a key starts from, whichever group it comes from first. */
  readonly initial: () => A;
  readonly value: SerdeFor<NonNullable<A>>;
}

/** One of the groups, and what its records do to the aggregate. */
export interface CogroupInput<K, A> {
  readonly group: KGroupedStream<K, any>;
  add(value: any, aggregate: A, key: K): A | null;
}

/**
 * Several groups that fill one aggregate, each with a function of its own.
 * @example payments.cogroup<number>((cents, balance) => balance + (cents ?? 0)).cogroup(refunds, (cents, balance) => balance - (cents ?? 0)).aggregate({ … })
 */
export class CogroupedKStream<K, A> {
  readonly #inputs: readonly CogroupInput<K, A>[];

  private constructor(inputs: readonly CogroupInput<K, A>[]) {
    this.#inputs = inputs;
  }

  /** @internal */
  static of<K, V, A>(group: KGroupedStream<K, V>, add: (value: V, aggregate: A, key: K) => A | null): CogroupedKStream<K, A> {
    return new CogroupedKStream([{ group, add }]);
  }

  /** @internal In the order in which they were added. */
  get inputs(): readonly CogroupInput<K, A>[] {
    return this.#inputs;
  }

  /** @internal Source nodes of all inputs: their topics must be partitioned alike. */
  get sources(): ReadonlySet<string> {
    return new Set(this.#inputs.flatMap(({ group }) => [...group.parts.stream.parts.sources]));
  }

  /** One more group; its topics must have as many partitions as those of the others. */
  cogroup<V>(group: KGroupedStream<K, V>, add: (value: V, aggregate: A, key: K) => A | null): CogroupedKStream<K, A> {
    this.#inputs[0]!.group.parts.stream.parts.graph.meet(group.parts.stream.parts.graph);
    return new CogroupedKStream([...this.#inputs, { group, add }]);
  }

  /** All groups' records cut into the same windows; each group has a stream time of its own. */
  windowedBy(windows: TimeWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>;
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>;
  windowedBy(windows: AnyWindows): TimeWindowedCogroupedKStream<K, A> | SessionWindowedCogroupedKStream<K, A> {
    return windows.kind === 'session' ? new SessionWindowedCogroupedKStream(this, windows) : new TimeWindowedCogroupedKStream(this, windows);
  }

  /** One value per key, built up by records of all groups in the order in which they are processed; null removes it. Its timestamp is the highest of the records in it. */
  aggregate(options: CogroupOptions<A>): KTable<K, NonNullable<A>> {
    const { name, initial, value } = options;
    const { stream, key } = this.#inputs[0]!.group.parts;
    const { graph } = stream.parts;
    const { sources } = this;
    const spec = storeSpec<any, any>({ ...options, key, value });
    graph.copartition(sources);
    const nodes = this.#inputs.map(({ group, add }, at) => {
      const supplier = streamAggregate<K, any, NonNullable<A>>(spec, (own, record, aggregate) => add(record, aggregate ?? initial(), own) ?? null);
      return graph.processor(`${name}-cogroup-${at}`, group.parts.stream.parts.parents, supplier, [spec]);
    });
    const updates = stateless<K, Change<NonNullable<A>>, K, Change<NonNullable<A>>>((record, forward) => forward(record));
    return new KTable({ graph, node: graph.processor(name, nodes, updates), sources, origin: new StoredTable<K, NonNullable<A>>(spec, true) });
  }
}
