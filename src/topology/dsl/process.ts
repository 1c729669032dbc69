// process and processValues: the Processor API inside the DSL, with the stores and tables that a processor names.

import type { StreamRecord } from '../../record/record.ts';
import type { GraphBuilder } from '../graph/graph-builder.ts';
import type { ProcessorContext, ProcessorSupplier } from '../processor.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import type { KTable } from './table.ts';

/** What a processor is called, and what it uses. */
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

/** Adds the node; returns its name. `keepsKeys`: what is forwarded while a record is processed must have its key. */
export function addProcessor(at: At, supplier: ProcessorSupplier<any, any, any, any>, options: ProcessOptions, { keepsKeys = false } = {}): string {
  const { name, stores = [], tables = [] } = options;
  for (const table of tables) at.graph.meet(table.parts.graph);
  const views = tables.map((table) => table.connect());
  for (const table of tables) at.graph.copartition([...at.sources, ...table.parts.sources]);
  const checked = forwarding(name, supplier, (record, inHand) => {
    checkTime(name, record.timestamp);
    if (keepsKeys && inHand !== undefined && !Object.is(record.key, inHand.key)) throw new TypeError(keyChanged(name, inHand.key, record.key));
  });
  return at.graph.processor(name, at.parents, checked, () => [...stores, ...views.flatMap((view) => view.stores())]);
}

/** Times are stored and committed as whole numbers: another would come back as a different one after a restart, or from its topic. */
function checkTime(name: string, timestamp: number): void {
  if (Number.isSafeInteger(timestamp) && timestamp >= 0) return;
  throw new RangeError(`The processor "${name}" forwards a record with the timestamp ${String(timestamp)}: give whole milliseconds since the epoch, at least 0.`);
}

/** What comes after a pause belongs to no record any more: it could neither be undone nor committed together with one. */
function checkAnswer(name: string, answer: unknown): void {
  if (!(answer instanceof Promise)) return;
  answer.catch(() => {}); // what it throws was told by the check
  throw new TypeError(`The processor "${name}" answers with a promise, and nobody waits for that: process without async and await. What takes time can be escalated, or done before records are written.`);
}

/**
 * Looks at each record before it is forwarded. `inHand` is the one being processed. It is undefined inside a punctuator, which may forward under any key that
 * came through this very processor, for those belong to this partition.
 */
function forwarding<K, V, K2, V2>(
  name: string,
  supplier: ProcessorSupplier<K, V, K2, V2>,
  check: (record: StreamRecord<K2, V2>, inHand: StreamRecord<K, V> | undefined) => void,
): ProcessorSupplier<K, V, K2, V2> {
  return () => {
    const processor = supplier();
    let inHand: StreamRecord<K, V> | undefined;
    let isAtWork = false;
    const work = (step: () => unknown): void => {
      isAtWork = true;
      try {
        checkAnswer(name, step());
      } finally {
        isAtWork = false;
      }
    };
    const checked = (record: StreamRecord<K2, V2>): void => {
      if (!isAtWork) throw new Error(`The processor "${name}" forwards a record after it has returned: forward before that, in process or in a punctuator.`);
      check(record, inHand);
    };
    return {
      init(context) {
        const own: ProcessorContext<K2, V2> = {
          ...context,
          forward(record) {
            checked(record);
            context.forward(record);
          },
          forwardTo(child, record) {
            checked(record);
            context.forwardTo(child, record);
          },
          schedule: (options, punctuator) => context.schedule(options, (nowMs) => work(() => punctuator(nowMs))),
        };
        work(() => processor.init?.(own));
      },
      process(record) {
        inHand = record;
        isAtWork = true;
        try {
          checkAnswer(name, processor.process(record));
        } finally {
          inHand = undefined;
          isAtWork = false;
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
