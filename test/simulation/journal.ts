// The choices of a task, written down by the task itself: which record it took next, and when a wall-clock punctuator ran. The journal is an output like any
// other, so it says just what has been committed; everything else a task did must follow from it.

import { Serdes, taskName, Topology, type KStream, type ProcessorContext, type RawRecord, type StreamRecord } from 'millrace';

/** Of one partition, so that it is in order. Records that could not be processed go there too, as dead letters. */
export const JOURNAL = 'journal';

/** One step of a task; without `record`, wall-clock punctuators ran. When a record could not be processed is not known. */
export interface Step {
  readonly wallMs?: number;
  readonly record?: { readonly topic: string; readonly partition: number; readonly offset: number };
}

const serdes = { key: Serdes.string(), value: Serdes.json<Step>() };

/** The same topology, with a tap at each of its sources. */
export function journalled(topology: Topology): Topology {
  const taps = topology.subtopologies.flatMap(({ sources }) => sources).flatMap(({ name }) => {
    const tap = { kind: 'processor', name: `${name}-journal`, parents: [name], stores: [], supplier: tapping } as const;
    return [tap, { kind: 'sink', name: `${name}-journal-sink`, parents: [tap.name], topic: JOURNAL, partition: undefined, ...serdes } as const];
  });
  return new Topology([...topology.nodes, ...taps], topology.copartitioned);
}

function tapping(): { init(context: ProcessorContext<string, Step>): void; process(record: StreamRecord<unknown, unknown>): void } {
  let context: ProcessorContext<string, Step>;
  return {
    init(given) {
      context = given;
    },
    process({ timestamp }) {
      const { topic, partition, offset } = context.source()!;
      context.forward({ key: taskName(context.taskId), value: { wallMs: context.wallClockTime(), record: { topic, partition, offset } }, timestamp, headers: [] });
    },
  };
}

const WALL_CLOCK = 'wall-clock ';

/** What a scenario's wall-clock punctuator forwards before anything else. */
export function wallClockStep(context: ProcessorContext<string, string>): StreamRecord<string, string> {
  return { key: taskName(context.taskId), value: `${WALL_CLOCK}${context.wallClockTime()}`, timestamp: 0, headers: [] };
}

/** Takes such steps out of a stream and writes them down. */
export function wallClockJournalled(stream: KStream<string, string>): KStream<string, string> {
  const isStep = (value: string): boolean => value.startsWith(WALL_CLOCK);
  const steps = stream.filter(isStep).mapValues((value): Step => ({ wallMs: Number(value.slice(WALL_CLOCK.length)) }));
  steps.to(JOURNAL, serdes);
  return stream.filterNot(isStep);
}

const LETTER_FROM = ['__streams.errors.topic', '__streams.errors.partition', '__streams.errors.offset'];

export function isDeadLetter({ headers }: RawRecord): boolean {
  return headers.some(([name]) => name === LETTER_FROM[0]);
}

/** What a journal record says; of a dead letter the task is not known from it alone. */
export function readStep(raw: RawRecord): { readonly task: string | undefined; readonly step: Step } {
  if (!isDeadLetter(raw)) return { task: serdes.key.deserialize(JOURNAL, raw.key!), step: serdes.value.deserialize(JOURNAL, raw.value!) };
  const [topic, partition, offset] = LETTER_FROM.map((wanted) => raw.headers.find(([name]) => name === wanted)![1]!.toString());
  return { task: undefined, step: { record: { topic: topic!, partition: Number(partition), offset: Number(offset) } } };
}
