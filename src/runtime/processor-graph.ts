// A subtopology made runnable for one task: processors instantiated, children wired, sinks serializing into the task's output.

import type { OutgoingRecord } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import type { RecordSource, StreamRecord } from '../record/record.ts';
import { fixedTopic, parentsOf, topicName, type SinkNode } from '../topology/node.ts';
import { partitionFor } from '../topology/partitioner.ts';
import type { Processor, ProcessorContext, TaskId } from '../topology/processor.ts';
import type { Subtopology } from '../topology/topology.ts';
import type { TaskState } from '../state/task-state.ts';
import type { Counters } from './metrics.ts';
import type { Punctuation } from './punctuation.ts';

type Step = (record: StreamRecord<any, any>) => void;

/** What the graph needs of its task. */
export interface GraphHost {
  readonly id: TaskId;
  readonly applicationId: string;
  readonly emitIntervalMs: number;
  readonly state: TaskState;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly punctuation: Punctuation;
  streamTime(): number;
  source(): RecordSource | undefined;
  emit(record: OutgoingRecord): void;
  partitionCount(topic: string): number;
}

export class ProcessorGraph {
  readonly #entries = new Map<string, Step>();
  readonly #processors: Processor<any, any, any, any>[] = [];

  constructor(subtopology: Subtopology, host: GraphHost) {
    const steps = new Map<string, Step>();
    const children = new Map<string, Step[]>(subtopology.nodes.map((node) => [node.name, []]));
    const inits: (() => void)[] = [];
    for (const node of subtopology.nodes) {
      switch (node.kind) {
        case 'source': {
          const own = children.get(node.name)!;
          this.#entries.set(node.name, fanOut(own));
          break;
        }
        case 'processor': {
          const processor = node.supplier();
          const context = contextFor(node.name, host, fanOut(children.get(node.name)!));
          inits.push(() => processor.init?.(context));
          this.#processors.push(processor);
          steps.set(node.name, (record) => processor.process(record));
          break;
        }
        case 'sink':
          steps.set(node.name, sinkStep(node, host));
          break;
      }
      for (const parent of parentsOf(node)) children.get(parent)!.push(steps.get(node.name)!);
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

/** `children` may still grow while the graph is wired. */
function fanOut(children: readonly Step[]): Step {
  return (record) => {
    for (let at = 0; at < children.length; at++) children[at]!(record);
  };
}

function contextFor(node: string, host: GraphHost, forward: Step): ProcessorContext<unknown, unknown> {
  return {
    applicationId: host.applicationId,
    taskId: host.id,
    emitIntervalMs: host.emitIntervalMs,
    forward,
    store: (spec) => host.state.store(spec),
    streamTime: () => host.streamTime(),
    wallClockTime: () => host.clock.now(),
    source: () => host.source(),
    schedule: (options, punctuator) => host.punctuation.schedule(options, punctuator, { wallNowMs: host.clock.now(), streamTimeMs: host.streamTime() }),
    count: counterOf(node, host),
  };
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

function sinkStep(sink: SinkNode, host: GraphHost): Step {
  const topic = topicName(fixedTopic(sink)!, host.applicationId);
  const partitions = host.partitionCount(topic);
  return ({ key, value, timestamp, headers }) => {
    const keyBytes = key === null || key === undefined ? null : sink.key.serialize(topic, key);
    const valueBytes = value === null || value === undefined ? null : sink.value.serialize(topic, value);
    // Without a key any partition will do; the task's own number spreads tasks and keeps a record's outputs together.
    const partition = keyBytes === null ? host.id.partition % partitions : partitionFor(keyBytes, partitions);
    host.emit({ topic, partition, key: keyBytes, value: valueBytes, timestamp, headers });
  };
}
