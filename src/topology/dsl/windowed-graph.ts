// The nodes and stores of a windowed aggregate: one processor for each group that takes part, all with the same rows.

import type { Serde } from '../../record/serde.ts';
import { InvalidWindowError } from '../errors.ts';
import type { GraphBuilder } from '../graph/graph-builder.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { KTable } from './table.ts';
import type { Change } from '../table-origin.ts';
import type { Windowed } from '../windowed.ts';
import { shortestRetentionMs, type AnyWindows } from '../windows.ts';
import { closingOrderStore, resultsOnClose, resultsOnUpdate, type Emit } from '../operators/emit-on-close.ts';
import { sessionAggregate } from '../operators/session-aggregate.ts';
import { slidingAggregate } from '../operators/sliding-aggregate.ts';
import { stateless } from '../operators/stateless.ts';
import { windowedAggregate } from '../operators/windowed-aggregate.ts';
import { keptStores, resultsOfGroups, storesOf, withKeptSessions, withKeptWindows, type KeptSpecs } from '../operators/windowed-kept.ts';
import type { WindowedFunctions, WindowedInput, WindowedSupplier } from '../operators/windowed-operator.ts';
import { sessionRows, sessionStore, WindowedTable, windowRows, windowStore } from '../operators/windowed-table.ts';
import { OperatorTime, timeStore } from '../operators/operator-time.ts';

interface WindowedPlan<K, A> {
  readonly graph: GraphBuilder;
  readonly sources: ReadonlySet<string>;
  readonly key: Serde<K>;
  readonly value: Serde<A>;
  readonly windows: AnyWindows;
  readonly options: { readonly name: string; readonly retentionMs?: number | undefined; readonly emit?: Emit | undefined };
  readonly inputs: readonly { readonly parents: readonly string[]; readonly functions: WindowedFunctions<K, any, A> }[];
}

/** @throws {InvalidWindowError} */
export function tableOfWindows<K, A>(plan: WindowedPlan<K, A>): KTable<Windowed<K>, A> {
  const { graph, sources, key, windows, inputs } = plan;
  const { name } = plan.options;
  const { table, stores, supplierOf } = operatorOf(plan);
  const add = (node: string, at: number): string => graph.processor(node, inputs[at]!.parents, supplierOf(inputs[at]!.functions, at), stores);
  const tableAt = (node: string): KTable<Windowed<K>, A> => new KTable({ graph, sources, origin: table, node, windows: { windows, key } });
  if (inputs.length === 1) return tableAt(add(name, 0));
  const nodes = inputs.map((_input, at) => add(`${name}-cogroup-${at}`, at));
  const updates = stateless<Windowed<K>, Change<A>, Windowed<K>, Change<A>>((record, forward) => forward(record));
  return tableAt(graph.processor(name, nodes, updates));
}

interface WindowedOperator<K, A> {
  readonly table: WindowedTable<K, A>;
  readonly stores: readonly AnyStoreSpec[];
  /** `input`: which group, from 0. */
  readonly supplierOf: (functions: WindowedFunctions<K, any, A>, input: number) => WindowedSupplier<K, any, A>;
}

function operatorOf<K, A>(plan: WindowedPlan<K, A>): WindowedOperator<K, A> {
  const { key, value, windows, inputs } = plan;
  const { name, retentionMs } = plan.options;
  // A retention that was asked for is kept to: what is no longer shown begins anew.
  const times = timeStore(name);
  const kept = inputs.length > 1 && retentionMs === undefined ? keptStores(name, key, value, windows, times) : undefined;
  const { table, aggregate } = rowsOf(plan, kept);
  const { stores, results } = resultsOf(plan, kept, times);
  return {
    table,
    stores: [table.spec, times, ...stores],
    supplierOf: (functions, input) => aggregate({ functions, time: (context) => new OperatorTime(times, context, inputs.length === 1 ? undefined : input), results }),
  };
}

type Input<K, A> = Omit<WindowedInput<K, any, A, never>, 'rows'>;

function rowsOf<K, A>({ key, value, windows, options }: WindowedPlan<K, A>, kept: KeptSpecs<K, A> | undefined): { table: WindowedTable<K, A>; aggregate: (input: Input<K, A>) => WindowedSupplier<K, any, A> } {
  const { name } = options;
  const retentionMs = retentionOf(name, windows, options.retentionMs);
  if (windows.kind === 'session') {
    const spec = sessionStore({ name, key, value, retentionMs });
    const rows = kept === undefined ? sessionRows(spec) : withKeptSessions(sessionRows(spec), kept);
    return { table: new WindowedTable(spec), aggregate: (input) => sessionAggregate(windows, { ...input, rows }) };
  }
  const spec = windowStore({ name, key, value, retentionMs, windows });
  const lengthMs = windows.kind === 'time' ? windows.sizeMs : windows.differenceMs;
  const rows = kept === undefined ? windowRows(spec) : withKeptWindows(windowRows(spec), kept, lengthMs);
  return {
    table: new WindowedTable(spec),
    aggregate: (input) => (windows.kind === 'time' ? windowedAggregate(windows, { ...input, rows }) : slidingAggregate(windows, { ...input, rows })),
  };
}

function resultsOf<K, A>(
  { key, value, windows, inputs, options }: WindowedPlan<K, A>,
  kept: KeptSpecs<K, A> | undefined,
  times: ReturnType<typeof timeStore>,
): { stores: readonly AnyStoreSpec[]; results: Input<K, A>['results'] } {
  if (options.emit === 'on-close') {
    const waiting = closingOrderStore(`${options.name}-waiting`, key, value);
    return { stores: [waiting], results: (context) => resultsOnClose(context, waiting, new OperatorTime(times, context)) };
  }
  if (kept === undefined) return { stores: [], results: resultsOnUpdate };
  return {
    stores: storesOf(kept),
    results: (context) => resultsOfGroups(context, kept, windows, inputs.map((_input, at) => new OperatorTime(times, context, at))),
  };
}

function retentionOf(table: string, windows: AnyWindows, retentionMs: number | undefined): number {
  const shortest = shortestRetentionMs(windows);
  if (retentionMs === undefined) return shortest;
  if (!Number.isSafeInteger(retentionMs) || retentionMs < shortest) {
    throw new InvalidWindowError(
      `The windowed table "${table}" has retentionMs ${retentionMs}, but records may change its results for ${shortest} ms: forgotten ones would begin anew. ` +
        `Give at least ${shortest}, or leave it out.`,
    );
  }
  return retentionMs;
}
