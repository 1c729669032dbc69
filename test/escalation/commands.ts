// Commands on topics in memory, and what came back.

import { encodeCommand } from '../../src/escalation/codec.ts';
import type { Command, Outcome } from '../../src/escalation/protocol.ts';
import type { Broker } from '../../src/ports/broker.ts';
import type { RawRecord } from '../../src/record/record.ts';
import { InMemoryCluster } from '../../src/testing/in-memory-broker.ts';

export const COMMANDS = 'app-saga-commands';
export const OUTCOMES = 'app-saga-outcomes';
export const DEAD = `${COMMANDS}-dlq`;
export const GROUP = 'app-bridge';

export async function cluster(partitions = 2): Promise<{ cluster: InMemoryCluster; broker: Broker }> {
  const cluster = new InMemoryCluster();
  const broker = cluster.connect();
  await broker.admin.ensureTopics([
    { topic: COMMANDS, partitions },
    { topic: OUTCOMES, partitions },
  ]);
  return { cluster, broker };
}

export function aCommand(workflowId: string, seq: number, over: Partial<Command> = {}): Command {
  return {
    v: 1,
    workflowType: 'OrderWorkflow',
    workflowId,
    op: 'signal',
    kind: 'pay',
    seq,
    key: workflowId,
    payload: { seq },
    replyTo: { topic: OUTCOMES, partition: 0 },
    source: { topic: 'orders', partition: 0, offset: seq },
    at: 1_000,
    notAfter: Date.now() + 3_600_000,
    ...over,
  };
}

export async function put(broker: Broker, partition: number, ...values: (Command | Buffer | null)[]): Promise<void> {
  const records = values.map((value) => {
    const isCommand = value !== null && !Buffer.isBuffer(value);
    return {
      topic: COMMANDS,
      partition,
      key: isCommand ? Buffer.from(value.workflowId) : Buffer.from('?'),
      value: isCommand ? encodeCommand(value) : value,
      timestamp: 1_000,
      headers: [],
    };
  });
  await broker.producer().send(records);
}

/** Committed records of a topic. */
export function recordsOf(cluster: InMemoryCluster, topic: string): RawRecord[] {
  return (cluster.topics.get(topic) ?? [])
    .flatMap((log) => log.slots)
    .flatMap(({ record, transaction }) => (record === undefined || (transaction !== undefined && transaction.state !== 'committed') ? [] : [record]));
}

export function outcomesOf(cluster: InMemoryCluster): Outcome[] {
  return recordsOf(cluster, OUTCOMES).map(({ value }) => JSON.parse(value!.toString()) as Outcome);
}

export function committedOf(cluster: InMemoryCluster, partition: number): number | undefined {
  return cluster.group(GROUP).committed.get(`${COMMANDS}-${partition}`)?.offset;
}

export async function until(what: string, isSo: () => boolean, timeoutMs = 5_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
