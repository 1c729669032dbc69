// Records per second of each operator in the test driver: the task loop of production, decoding, commits and all, without a broker's network and disks.
// `npm run bench -- micro [records]`; each figure is the best of three runs, since other work on the computer only ever slows one down.

import { Serdes, StreamsBuilder, type Topology } from 'millrace';
import { TopologyTestDriver, type TestRecord } from 'millrace/testing';

interface Subject {
  readonly name: string;
  /** Records per second that two ordinary cores should reach. */
  readonly aim?: number;
  readonly topology: () => Topology;
  readonly inputs: (count: number) => Readonly<Record<string, readonly TestRecord<string, string>[]>>;
}

const text = { key: Serdes.string(), value: Serdes.string() };
const KEYS = 10_000;

function records(count: number): TestRecord<string, string>[] {
  return Array.from({ length: count }, (_, at) => ({ key: `key-${(at * 7919) % KEYS}`, value: `value number ${at}`, timestamp: 1_700_000_000_000 + at }));
}

function build(define: (builder: StreamsBuilder) => void): () => Topology {
  return () => {
    const builder = new StreamsBuilder();
    define(builder);
    return builder.build();
  };
}

const one = (count: number): Readonly<Record<string, readonly TestRecord<string, string>[]>> => ({ in: records(count) });

const SUBJECTS: readonly Subject[] = [
  { name: 'filter (all dropped)', aim: 1_000_000, topology: build((b) => b.stream('in', text).filter((value) => value?.length === 0).to('out', text)), inputs: one },
  { name: 'filter → mapValues → to', aim: 1_000_000, topology: build((b) => b.stream('in', text).filter((value) => value !== null).mapValues((value) => `${value}!`).to('out', text)), inputs: one },
  { name: 'count by key', aim: 250_000, topology: build((b) => b.stream('in', text).groupByKey({ name: 'by-key', ...text }).count({ name: 'counts' }).toStream().to('out', { key: text.key, value: Serdes.long() })), inputs: one },
  {
    name: 'windowed join',
    aim: 150_000,
    topology: build((b) => {
      const window = { beforeMs: 5_000, afterMs: 5_000, graceMs: 0 };
      b.stream('left', text).join(b.stream('right', text), (left, right) => `${left}|${right}`, { name: 'joined', window, ...text, otherValue: text.value }).to('out', text);
    }),
    inputs: (count) => ({ left: records(count / 2), right: records(count / 2) }),
  },
];

export async function micro(count: number): Promise<Record<string, { readonly recordsPerSecond: number; readonly aim?: number }>> {
  const results: Record<string, { recordsPerSecond: number; aim?: number }> = {};
  for (const { name, aim, topology, inputs } of SUBJECTS) {
    let best = 0;
    for (let run = 0; run < 3; run++) best = Math.max(best, await perSecond(topology(), inputs(count)));
    results[name] = { recordsPerSecond: Math.round(best), ...(aim === undefined ? {} : { aim }) };
    console.error(`${name.padEnd(32)} ${Math.round(best).toLocaleString('en').padStart(12)} records/s${aim === undefined ? '' : `   aim ${aim.toLocaleString('en')}`}`);
  }
  return results;
}

async function perSecond(topology: Topology, inputs: Readonly<Record<string, readonly TestRecord<string, string>[]>>): Promise<number> {
  await using driver = await TopologyTestDriver.start(topology);
  let count = 0;
  for (const [topic, list] of Object.entries(inputs)) {
    await driver.createInputTopic(topic, text).enqueue(list);
    count += list.length;
  }
  const before = performance.now();
  await driver.settle();
  return (count / (performance.now() - before)) * 1_000;
}
