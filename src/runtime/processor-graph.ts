// A subtopology made runnable for one task: processors instantiated, children wired, sinks serializing into the task's output.

import type { Clock } from '../ports/clock.ts';
import type { RecordSource, StreamRecord } from '../record/record.ts';
import { parentsOf, type ProcessorNode } from '../topology/graph/node.ts';
import type { Processor, ProcessorContext } from '../topology/processor.ts';
import type { AnyStoreSpec, KeyValueStore } from '../topology/store-spec.ts';
import type { Subtopology } from '../topology/graph/topology.ts';
import type { TaskState } from '../state/task-state.ts';
import type { Counters } from './metrics.ts';
import type { Punctuation } from './punctuation.ts';
import { sinkStep, type SinkHost } from './sink-step.ts';

type Step = (record: StreamRecord<any, any>) => void;

/** What every task may read without being connected to it. */
export interface GlobalStores {
  /** Undefined when no global table has this store. */
  store(spec: AnyStoreSpec): KeyValueStore<unknown, unknown> | undefined;
}

/** What the graph needs of its task. */
export interface GraphHost extends SinkHost {
  readonly emitIntervalMs: number;
  readonly state: TaskState;
  readonly globals: GlobalStores;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly punctuation: Punctuation;
  streamTime(): number;
  source(): RecordSource | undefined;
}

export class ProcessorGraph {
  readonly #entries = new Map<string, Step>();
  readonly #processors: Processor<any, any, any, any>[] = [];

  constructor(subtopology: Subtopology, host: GraphHost) {
    const children = new Map<string, Map<string, Step>>(subtopology.nodes.map((node) => [node.name, new Map()]));
    const inits: (() => void)[] = [];
    // Parents stand before their children: from the end, whatever a node forwards to is there already.
    for (const node of [...subtopology.nodes].reverse()) {
      const own = new Map([...children.get(node.name)!].reverse());
      let step: Step;
      switch (node.kind) {
        case 'source':
          this.#entries.set(node.name, fanOut(own));
          continue;
        case 'processor': {
          const processor = node.supplier();
          inits.unshift(() => processor.init?.(contextFor(node, host, own)));
          this.#processors.unshift(processor);
          step = (record) => processor.process(record);
          break;
        }
        case 'sink':
          step = sinkStep(node, host);
          break;
        case 'global-table':
          continue;
      }
      for (const parent of parentsOf(node)) children.get(parent)!.set(node.name, step);
    }
    for (const init of inits) init();
  }

  process(source: string, record: StreamRecord<unknown, unknown>): void {
    this.#entries.get(source)!(record);
  }

  close(): void {
    for (const processor of this.#processors) processor.close?.();
  }
}

function fanOut(children: ReadonlyMap<string, Step>): Step {
  const steps = [...children.values()];
  if (steps.length === 1) return steps[0]!;
  return (record) => {
    for (let at = 0; at < steps.length; at++) steps[at]!(record);
  };
}

function contextFor(node: ProcessorNode, host: GraphHost, children: ReadonlyMap<string, Step>): ProcessorContext<unknown, unknown> {
  const connected = new Set(node.stores.map((store) => store.name));
  const context: ProcessorContext<unknown, unknown> = {
    applicationId: host.applicationId,
    taskId: host.id,
    emitIntervalMs: host.emitIntervalMs,
    forward: fanOut(children),
    forwardTo(child, record) {
      const step = children.get(child);
      if (step === undefined) throw new RangeError(`Processor "${node.name}" has no child "${child}": it has ${[...children.keys()].join(', ') || 'none'}.`);
      step(record);
    },
    store(spec) {
      const global = host.globals.store(spec);
      if (global !== undefined) return global as never;
      // Also where a task happens to have the store: which one that is may change with the rest of the topology.
      if (!connected.has(spec.name)) throw new Error(notConnected(node.name, spec.name, connected));
      return host.state.store(spec);
    },
    table: (table) => table.readerIn(context),
    streamTime: () => host.streamTime(),
    wallClockTime: () => host.clock.now(),
    source: () => host.source(),
    schedule: (options, punctuator) => host.punctuation.schedule(options, punctuator, { wallNowMs: host.clock.now(), streamTimeMs: host.streamTime() }),
    count: counterOf(node.name, host),
  };
  return context;
}

/** Names are put together once: counting happens record by record. */
function counterOf(node: string, host: GraphHost): (counter: string, by?: number) => void {
  const names = new Map<string, string>();
  return (counter, by = 1) => {
    let name = names.get(counter);
    if (name === undefined) names.set(counter, (name = `${node}.${counter}`));
    host.counters.add(name, by);
  };
}

function notConnected(processor: string, store: string, connected: ReadonlySet<string>): string {
  return (
    `The store "${store}" is not connected to the processor "${processor}": list it under "stores", or its table under "tables", where the processor is added. ` +
    `Connected are: ${[...connected].join(', ') || 'none'}.`
  );
}
