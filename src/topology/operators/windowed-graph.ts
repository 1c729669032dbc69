// The nodes and stores of a windowed aggregate: one processor for each group that takes part, all with the same rows.

import type { Serde } from '../../record/serde.ts';
import { InvalidWindowError } from '../errors.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { ProcessorContext } from '../processor.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { KTable } from '../table.ts';
import type { Change } from '../table-origin.ts';
import type { Windowed } from '../windowed.ts';
import { shortestRetentionMs, type AnyWindows } from '../windows.ts';
import { resultsOnClose, resultsOnUpdate, waitingStore, type Emit } from './emit-on-close.ts';
import { sessionAggregate } from './session-aggregate.ts';
import { slidingAggregate } from './sliding-aggregate.ts';
import { stateless } from './stateless.ts';
import { windowedAggregate } from './windowed-aggregate.ts';
import type { WindowedFunctions, WindowedInput, WindowedSupplier } from './windowed-operator.ts';
import { sessionRows, sessionStore, WindowedTable, windowRows, windowStore } from './windowed-table.ts';
import { OperatorTime, timeStore } from './windowed-time.ts';

interface WindowedPlan<K, A> {
  readonly graph: GraphBuilder;
  readonly sources: ReadonlySet<string>;
  readonly key: Serde<K>;
  readonly value: Serde<A>;
  readonly windows: AnyWindows;
  readonly options: { readonly name: string; readonly retentionMs?: number | undefined; readonly emit?: Emit | undefined };
  readonly inputs: readonly { readonly parents: readonly string[]; readonly functions: WindowedFunctions<K, any, A> }[];
}

export function tableOfWindows<K, A>(plan: WindowedPlan<K, A>): KTable<Windowed<K>, A> {
  const { graph, sources, key, value, windows, inputs } = plan;
  const { name, emit } = plan.options;
  const times = timeStore(name);
  const waiting = emit === 'on-close' ? waitingStore(name, key, value) : undefined;
  const results = (context: ProcessorContext<Windowed<K>, Change<A>>) => (waiting === undefined ? resultsOnUpdate(context) : resultsOnClose(context, waiting, new OperatorTime(times, context)));
  const { table, supplier } = operatorOf(plan, retentionOf(plan));
  const stores: AnyStoreSpec[] = [table.spec, times, ...(waiting === undefined ? [] : [waiting])];
  const add = (node: string, at: number): string =>
    graph.processor(node, inputs[at]!.parents, supplier({ functions: inputs[at]!.functions, time: (context) => new OperatorTime(times, context, at), results }), stores);
  if (inputs.length === 1) return new KTable({ graph, sources, origin: table, node: add(name, 0), windows: { windows, key } });
  const nodes = inputs.map((_input, at) => add(`${name}-cogroup-${at}`, at));
  const updates = stateless<Windowed<K>, Change<A>, Windowed<K>, Change<A>>((record, forward) => forward(record));
  return new KTable({ graph, sources, origin: table, node: graph.processor(name, nodes, updates), windows: { windows, key } });
}

interface WindowedOperator<K, A> {
  readonly table: WindowedTable<K, A>;
  readonly supplier: (input: Omit<WindowedInput<K, any, A, never>, 'rows'>) => WindowedSupplier<K, any, A>;
}

function operatorOf<K, A>({ key, value, windows, options: { name } }: WindowedPlan<K, A>, retentionMs: number): WindowedOperator<K, A> {
  if (windows.kind === 'session') {
    const spec = sessionStore({ name, key, value, retentionMs });
    const rows = sessionRows(spec);
    return { table: new WindowedTable(spec), supplier: (input) => sessionAggregate(windows, { ...input, rows }) };
  }
  const spec = windowStore({ name, key, value, retentionMs, windows });
  const rows = windowRows(spec);
  return {
    table: new WindowedTable(spec),
    supplier: (input) => (windows.kind === 'time' ? windowedAggregate(windows, { ...input, rows }) : slidingAggregate(windows, { ...input, rows })),
  };
}

/** @throws {InvalidWindowError} */
function retentionOf({ windows, options: { name, retentionMs } }: WindowedPlan<any, any>): number {
  const shortest = shortestRetentionMs(windows);
  if (retentionMs === undefined) return shortest;
  if (!Number.isSafeInteger(retentionMs) || retentionMs < shortest) {
    throw new InvalidWindowError(
      `The windowed table "${name}" has retentionMs ${retentionMs}, but records may change its results for ${shortest} ms: forgotten ones would begin anew. ` +
        `Give at least ${shortest}, or leave it out.`,
    );
  }
  return retentionMs;
}
