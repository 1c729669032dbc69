// process and processValues: the Processor API inside the DSL, with the stores and tables that a processor names.

import type { StreamRecord } from '../../record/record.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import type { KTable } from '../table.ts';

export interface ProcessOptions {
  /** Of the node, and of what it counts: `<name>.<counter>` in metrics. */
  readonly name: string;
  readonly stores?: readonly AnyStoreSpec[];
  /** Tables whose rows it reads with `context.table`. They must be partitioned as the stream is. Global tables need not be listed. */
  readonly tables?: readonly KTable<any, any>[];
}

/** What a stream is to its operators. */
interface At {
  readonly graph: GraphBuilder;
  readonly parents: readonly string[];
  readonly sources: ReadonlySet<string>;
}

/** Adds the node; returns its name. */
export function addProcessor(at: At, supplier: ProcessorSupplier<any, any, any, any>, options: ProcessOptions): string {
  const { name, stores = [], tables = [] } = options;
  const views = tables.map((table) => table.connect());
  for (const table of tables) at.graph.copartition([...at.sources, ...table.parts.sources]);
  return at.graph.processor(name, at.parents, supplier, () => [...stores, ...views.flatMap((view) => view.stores())]);
}

/**
 * Whatever is forwarded while a record is processed keeps that record's key: what follows relies on it standing in the right partition. A punctuator has no
 * record, and may forward under any key that came through this very processor, for those belong to this partition.
 */
export function keepingKeys<K, V, V2>(name: string, supplier: ProcessorSupplier<K, V, K, V2>): ProcessorSupplier<K, V, K, V2> {
  return () => {
    const processor = supplier();
    let inHand: StreamRecord<K, V> | undefined;
    const check = (record: StreamRecord<K, V2>): StreamRecord<K, V2> => {
      if (inHand !== undefined && !Object.is(record.key, inHand.key)) throw new TypeError(keyChanged(name, inHand.key, record.key));
      return record;
    };
    return {
      init(context) {
        const own: ProcessorContext<K, V2> = {
          ...context,
          forward: (record) => context.forward(check(record)),
          forwardTo: (child, record) => context.forwardTo(child, check(record)),
        };
        processor.init?.(own);
      },
      process(record) {
        inHand = record;
        try {
          processor.process(record);
        } finally {
          inHand = undefined;
        }
      },
      close: () => processor.close?.(),
    };
  };
}

function keyChanged(name: string, from: unknown, to: unknown): string {
  const shown = (key: unknown): string => (typeof key === 'string' ? `"${key}"` : (JSON.stringify(key) ?? String(key)));
  return (
    `The processor "${name}" was added with processValues, and forwards a record under the key ${shown(to)} while it processes one with the key ${shown(from)}. ` +
    'Forward { ...record, value }, or add it with process, after which records are repartitioned where that is needed.'
  );
}
