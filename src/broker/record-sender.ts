// Records → acknowledged record batches. Partitions go side by side, batches of one partition strictly one after the other, and a batch that is tried again is
// the same bytes with the same sequence number: so the broker can tell a repeat from a gap, and nothing is lost or doubled by a moving leader.

import { BrokerError, type OutgoingRecord, type ProduceAck } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { Connections } from './connections.ts';
import { code, codeKind, isRetriable, protocolError } from './errors.ts';
import { Patience } from './patience.ts';
import { produceRequest, type ProduceResult } from './protocol/data.ts';
import type { ProducerEpoch } from './protocol/transactions.ts';
import { recordSizeMax, writeBatch } from './record-batch/write.ts';

/** Well below the usual max.message.bytes of 1 MB: that limit is per batch. */
const BATCH_BYTES_MAX = 600_000;
const REQUEST_BYTES_MAX = 16_000_000;
const PRODUCE_TIMEOUT_MS = 20_000;
/** A topic just created takes a moment to be known everywhere; one that does not exist should not be waited for long. */
const MISSING_TOPIC_PATIENCE_MS = 15_000;

/** The next sequence number of each partition, for one producer id and epoch. */
export class Sequences {
  readonly #next = new Map<string, number>();

  next(tp: TopicPartition): number {
    return this.#next.get(partitionName(tp)) ?? 0;
  }

  advance(tp: TopicPartition, records: number): void {
    this.#next.set(partitionName(tp), (this.next(tp) + records) % 0x8000_0000);
  }

  clear(): void {
    this.#next.clear();
  }
}

export interface SendContext {
  readonly connections: Connections;
  readonly producer: ProducerEpoch;
  readonly transactionalId: string | null;
  readonly produceVersion: number;
  readonly sequences: Sequences;
  readonly patience: Patience;
}

/** What is still to be sent to one partition, in order; the first chunk is the one on its way. */
interface Lane extends TopicPartition {
  readonly chunks: OutgoingRecord[][];
  batch: Buffer | undefined;
  nextPosition: number;
}

export async function sendRecords(records: readonly OutgoingRecord[], context: SendContext): Promise<ProduceAck[]> {
  const lanes = intoLanes(records);
  const missingTopicPatience = new Patience(MISSING_TOPIC_PATIENCE_MS, context.connections.closing);
  let open = lanes;
  while (open.length > 0) {
    const trouble = await sendRound(open, context);
    open = open.filter((lane) => lane.chunks.length > 0);
    if (trouble === undefined) {
      context.patience.reset();
      continue;
    }
    await (trouble instanceof MissingTopicError ? missingTopicPatience : context.patience).wait(trouble);
    if (trouble.code !== 'CONCURRENT_TRANSACTIONS') await refreshLeaders(open, context);
  }
  return lanes.map(({ topic, partition, nextPosition }) => ({ topic, partition, nextPosition }));
}

/** One batch of every lane. Returns trouble that waiting may cure; throws what ends the send, but only after all answers are in. */
async function sendRound(lanes: readonly Lane[], context: SendContext): Promise<BrokerError | undefined> {
  if (lanes.some((lane) => context.connections.leaderOf(lane) === undefined)) {
    const missing = await refreshLeaders(lanes, context);
    if (missing !== undefined) return missing;
  }
  const outcomes = await Promise.all(byLeader(lanes, context).map(([leader, group]) => sendGroup(leader, group, context)));
  const problems = outcomes.flat();
  const fatal = problems.find((problem) => !isRetriable(problem));
  if (fatal !== undefined) throw fatal;
  return problems[0];
}

async function sendGroup(leader: number, lanes: readonly Lane[], context: SendContext): Promise<BrokerError[]> {
  const { connections, transactionalId, produceVersion } = context;
  const batches = lanes.map((lane) => ({ topic: lane.topic, partition: lane.partition, batch: encodedHead(lane, context) }));
  let results: ProduceResult[];
  try {
    results = await connections.send(leader, produceRequest(produceVersion, transactionalId, PRODUCE_TIMEOUT_MS, batches));
  } catch (error) {
    if (error instanceof BrokerError) return [error];
    throw error;
  }
  const byName = new Map(results.map((result) => [partitionName(result), result]));
  return lanes.flatMap((lane) => settle(lane, byName.get(partitionName(lane)), context) ?? []);
}

/** Every partition sent must be answered for: a missing answer is not a success. */
function settle(lane: Lane, result: ProduceResult | undefined, context: SendContext): BrokerError | undefined {
  const head = lane.chunks[0]!;
  if (result === undefined) {
    return new BrokerError('abort', 'MISSING_ACK', `The broker’s answer left out ${partitionName(lane)}: its records may not have been written.`, { partition: lane });
  }
  if (result.errorCode === 0) {
    context.sequences.advance(lane, head.length);
    lane.nextPosition = result.baseOffset + head.length;
    lane.chunks.shift();
    lane.batch = undefined;
    return undefined;
  }
  if ((result.errorCode === code.messageTooLarge || result.errorCode === code.recordListTooLarge) && head.length > 1) {
    const half = head.length >> 1; // the topic's limit is lower than ours: nothing was written, so the same sequence numbers serve the halves
    lane.chunks.splice(0, 1, head.slice(0, half), head.slice(half));
    lane.batch = undefined;
    return undefined;
  }
  const kind = codeKind(result.errorCode);
  const { topic, partition } = lane;
  const one = kind === 'too-large' ? ` One record of ${recordSizeMax(head[0]!)} bytes.` : '';
  return protocolError(result.errorCode, 'write records', { partition: { topic, partition }, message: (result.message ?? '') + one, kind });
}

function encodedHead(lane: Lane, { producer, sequences, transactionalId }: SendContext): Buffer {
  lane.batch ??= writeBatch(lane.chunks[0]!, {
    producerId: producer.producerId,
    epoch: producer.epoch,
    baseSequence: sequences.next(lane),
    transactional: transactionalId !== null,
  });
  return lane.batch;
}

async function refreshLeaders(lanes: readonly Lane[], { connections }: SendContext): Promise<BrokerError | undefined> {
  try {
    await connections.refresh([...new Set(lanes.map(({ topic }) => topic))]);
  } catch (error) {
    if (isRetriable(error)) return error;
    throw error;
  }
  for (const lane of lanes) {
    if (connections.leaderOf(lane) !== undefined) continue;
    const { topic, partition } = lane;
    const known = connections.topic(topic);
    if (known === undefined) return new MissingTopicError(lane);
    if (!known.partitions.some((candidate) => candidate.partition === partition)) {
      throw new BrokerError('fatal', 'UNKNOWN_TOPIC_OR_PARTITION', `Topic ${topic} has ${known.partitions.length} partitions; partition ${partition} was asked for.`, {
        partition: { topic, partition },
      });
    }
    return protocolError(5, 'write records', { partition: { topic, partition } });
  }
  return undefined;
}

class MissingTopicError extends BrokerError {
  constructor({ topic, partition }: TopicPartition) {
    super('retriable', 'UNKNOWN_TOPIC_OR_PARTITION', `Could not write records: topic ${topic} does not exist. Create it, or correct its name.`, {
      partition: { topic, partition },
    });
  }
}

function byLeader(lanes: readonly Lane[], context: SendContext): [leader: number, lanes: Lane[]][] {
  const requests: [number, Lane[]][] = [];
  const open = new Map<number, { lanes: Lane[]; bytes: number }>();
  for (const lane of lanes) {
    const leader = context.connections.leaderOf(lane)!;
    const bytes = encodedHead(lane, context).length;
    let request = open.get(leader);
    if (request === undefined || request.bytes + bytes > REQUEST_BYTES_MAX) {
      request = { lanes: [], bytes: 0 };
      open.set(leader, request);
      requests.push([leader, request.lanes]);
    }
    request.lanes.push(lane);
    request.bytes += bytes;
  }
  return requests;
}

function intoLanes(records: readonly OutgoingRecord[]): Lane[] {
  const lanes = new Map<string, Lane & { bytes: number }>();
  for (const record of records) {
    const name = partitionName(record);
    const bytes = recordSizeMax(record);
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = { topic: record.topic, partition: record.partition, chunks: [[]], batch: undefined, nextPosition: -1, bytes: 0 };
      lanes.set(name, lane);
    }
    if (lane.bytes > 0 && lane.bytes + bytes > BATCH_BYTES_MAX) {
      lane.chunks.push([]);
      lane.bytes = 0;
    }
    lane.chunks.at(-1)!.push(record);
    lane.bytes += bytes;
  }
  return [...lanes.values()];
}
