// Runs one case in a fresh test driver and compares, line by line, with what Kafka Streams did.

import type { Headers, StreamRecord } from 'millrace';
import { TopologyTestDriver, type TestOutputTopic } from 'millrace/testing';
import { Building } from './building.ts';
import { canonical } from './canonical.ts';
import { serdeOf, serdesOf } from './case-serdes.ts';
import type { CaseHeaders, CaseNode, CaseStep, GoldenCase } from './golden-case.ts';
import { readStores } from './read-stores.ts';

/** Why a case failed, or undefined. */
export async function runCase(golden: GoldenCase): Promise<string | undefined> {
  const { error } = golden.expect;
  let driver: TopologyTestDriver;
  let building: Building;
  try {
    const built = Building.topologyOf(golden.topology.nodes);
    building = built.building;
    driver = await TopologyTestDriver.start(built.topology, {
      applicationId: 'golden',
      // As Kafka Streams' own driver: one task, and every record finished before the next begins.
      oneTask: true,
      recordsPerRound: 1,
      commitIntervalMs: 0,
      wallClockStartMs: golden.settings?.wallClockStartMs ?? 0,
      emitIntervalMs: golden.settings?.emitIntervalMs ?? 0,
    });
  } catch (thrown) {
    return error?.at === 'build' ? undefined : `it cannot be built: ${messageOf(thrown)}`;
  }
  try {
    if (error?.at === 'build') return 'it should not have been possible to build';
    return await play(golden, driver, building);
  } finally {
    await driver.close();
  }
}

async function play(golden: GoldenCase, driver: TopologyTestDriver, building: Building): Promise<string | undefined> {
  const outputs = new Outputs(driver, golden.topology.nodes, Object.keys(golden.expect.outputs ?? {}));
  const { error } = golden.expect;
  for (const [at, step] of golden.steps.entries()) {
    const shouldFail = error?.at === 'step' && error.step === at;
    try {
      await perform(step, driver, golden.topology.nodes);
    } catch (thrown) {
      return shouldFail ? outputs.difference(golden) : `step ${at} failed: ${messageOf(thrown)}`;
    }
    if (shouldFail) return `step ${at} should have failed`;
    outputs.collect(at, 'pipe' in step ? step.pipe.topic : undefined);
  }
  return outputs.difference(golden) ?? (await readStores(golden, driver, building));
}

async function perform(step: CaseStep, driver: TopologyTestDriver, nodes: readonly CaseNode[]): Promise<void> {
  if ('advanceWallClockMs' in step) return driver.advanceWallClockTime(step.advanceWallClockMs);
  const { topic, key, value, timestamp, headers = [] } = step.pipe;
  const source = nodes.find((node) => node['topic'] === topic ? node.op !== 'to' : node['topics']?.includes(topic));
  if (source === undefined) throw new Error(`No node reads topic "${topic}".`);
  await driver.createInputTopic<any, any>(topic, serdesOf(source)).pipeInput(key, value, timestamp, bytesOf(headers));
}

/** What came out of the topics that the topology writes to. */
class Outputs {
  readonly #topics = new Map<string, { readonly out: TestOutputTopic<any, any>; readonly lines: string[] }>();

  constructor(driver: TopologyTestDriver, nodes: readonly CaseNode[], expected: readonly string[]) {
    const sinks = nodes.filter((node) => node.op === 'to');
    const chooserOf = (topic: string): CaseNode | undefined => sinks.find((node) => node['topicFrom'] !== undefined && topic.startsWith(node['topicFrom'].prefix));
    for (const topic of new Set([...sinks.flatMap((node) => node['topic'] ?? []), ...expected])) {
      const sink = sinks.find((node) => node['topic'] === topic) ?? chooserOf(topic);
      if (sink === undefined) continue;
      this.#topics.set(topic, { out: driver.createOutputTopic(topic, { key: serdeOf(sink['keySerde']), value: serdeOf(sink['valueSerde']) }), lines: [] });
    }
  }

  /** `piped`: the topic whose first record of this step is not an output. */
  collect(step: number, piped: string | undefined): void {
    for (const [topic, { out, lines }] of this.#topics) {
      const records = out.readRecords();
      lines.push(...(topic === piped ? records.slice(1) : records).map((record) => lineOf(step, record)));
    }
  }

  difference(golden: GoldenCase): string | undefined {
    for (const [topic, { lines }] of this.#topics) {
      const wanted = (golden.expect.outputs?.[topic] ?? []).map((record) => expectedLine(record as Record<string, unknown>));
      const at = Array.from({ length: Math.max(wanted.length, lines.length) }, (_, index) => index).find((index) => wanted[index] !== lines[index]);
      if (at !== undefined) return `topic ${topic}, record ${at}: expected ${wanted[at] ?? 'nothing'} got ${lines[at] ?? 'nothing'}`;
    }
    return undefined;
  }
}

function lineOf(step: number, { key, value, timestamp, headers }: StreamRecord<unknown, unknown>): string {
  const listed = headers.map(([name, bytes]) => [name, bytes === null ? null : bytes.toString()]);
  return expectedLine({ step, key, value, timestamp, ...(listed.length === 0 ? {} : { headers: listed }) });
}

function expectedLine({ step, key, value, timestamp, headers }: Record<string, unknown>): string {
  const members = [`"step":${step}`, `"key":${canonical(key ?? null)}`, `"value":${canonical(value ?? null)}`, `"timestamp":${timestamp}`];
  if (headers !== undefined) members.push(`"headers":${JSON.stringify(headers)}`);
  return `{${members.join(',')}}`;
}

function bytesOf(headers: CaseHeaders): Headers {
  return headers.map(([name, text]) => [name, text === null ? null : Buffer.from(text)] as const);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
