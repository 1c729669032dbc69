// Carries out a plan: sends each record when it is due, through a plain idempotent producer. What was sent twice or in disorder is so on purpose.

import { setTimeout as pause } from 'node:timers/promises';
import { type Broker, BrokerError, NO_HEADERS, type OutgoingRecord, partitionFor, type PlainProducer, type Registry } from 'millrace';
import { TOPICS } from '../domain.ts';
import { type OrderSerdes, orderSerdes } from '../serdes.ts';
import { planOrders } from './plan.ts';
import type { SendValue, TimedSend } from './story.ts';

export interface GeneratorOptions {
  readonly broker: Broker;
  readonly registry: Registry;
  /** How many orders to place; Infinity = until `signal`. */
  readonly orders: number;
  /** Orders per second. Default 50. */
  readonly ratePerSecond?: number;
  /** That of the running system: delays of payments follow it. */
  readonly paymentTimeoutMs: number;
  /** Default: another one each time. */
  readonly seed?: number;
  /** Begins every order id. Default: made of the time. */
  readonly runId?: string;
  /** Called after each batch of sends. */
  readonly onProgress?: (progress: GeneratorProgress) => void;
  /** Told why we wait: topics not there yet, broker away. */
  readonly onTrouble?: (reason: string) => void;
  /** Ends the run after the batch that is being sent. */
  readonly signal?: AbortSignal;
}

export interface GeneratorProgress {
  readonly runId: string;
  readonly seed: number;
  /** Records sent so far. */
  readonly records: number;
  readonly recordsByTopic: Readonly<Record<string, number>>;
  /** Orders whose first record has been sent. */
  readonly orders: number;
  /** How far sending is behind the plan. */
  readonly behindMs: number;
}

const BATCH_RECORDS_MAX = 500;
const RETRY_MS = 1_000;
/** The registry counts ids from 1; these are never reached. */
const UNKNOWN_SCHEMA_ID = 0x7fff_0000;

/** Resolves when everything has been sent, or after `signal`. @throws what cannot be waited out: settings, permissions, a refused schema. */
export async function runGenerator(options: GeneratorOptions): Promise<GeneratorProgress> {
  const { broker, registry, signal } = options;
  const startMs = Date.now();
  const seed = options.seed ?? startMs % 1_000_000_007;
  const runId = options.runId ?? `r${startMs.toString(36)}`;
  const ratePerSecond = options.ratePerSecond ?? 50;
  const plan = planOrders({ orders: options.orders, seed, paymentTimeoutMs: options.paymentTimeoutMs, ratePerSecond, startMs, runId });

  const serdes = orderSerdes(registry);
  await Promise.all([serdes.order.open?.(TOPICS.orders, 'value'), serdes.payment.open?.(TOPICS.payments, 'value')]);
  const partitions = await partitionCounts(options);
  const sender = new Sender(broker, options.onTrouble, signal);
  const recordsByTopic: Record<string, number> = { [TOPICS.orders]: 0, [TOPICS.payments]: 0 };
  let progress: GeneratorProgress = { runId, seed, records: 0, recordsByTopic, orders: 0, behindMs: 0 };

  async function flush(batch: TimedSend[]): Promise<void> {
    if (batch.length === 0) return;
    await sender.send(batch.map((send, index) => outgoing(send, serdes, partitions, progress.records + index)));
    for (const { topic } of batch) recordsByTopic[topic] = (recordsByTopic[topic] ?? 0) + 1;
    const elapsedMs = Date.now() - startMs;
    progress = {
      ...progress,
      records: progress.records + batch.length,
      recordsByTopic: { ...recordsByTopic },
      orders: Math.min(options.orders, Math.floor((batch.at(-1)!.atMs * ratePerSecond) / 1_000) + 1),
      behindMs: Math.max(0, elapsedMs - batch.at(-1)!.atMs),
    };
    options.onProgress?.(progress);
  }

  try {
    let batch: TimedSend[] = [];
    for (const send of plan.sends()) {
      const isDue = send.atMs <= Date.now() - startMs;
      if (!isDue || batch.length >= BATCH_RECORDS_MAX) {
        await flush(batch);
        batch = [];
        await pauseUntil(startMs + send.atMs, signal);
      }
      if (signal?.aborted) return progress;
      batch.push(send);
    }
    await flush(batch);
    return progress;
  } finally {
    await sender.close();
  }
}

/** Sends in order, and waits out what passes. A batch may be repeated after trouble: repetitions are daily bread here. */
class Sender {
  readonly #broker: Broker;
  readonly #onTrouble: ((reason: string) => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  #producer: PlainProducer | undefined;

  constructor(broker: Broker, onTrouble: ((reason: string) => void) | undefined, signal: AbortSignal | undefined) {
    this.#broker = broker;
    this.#onTrouble = onTrouble;
    this.#signal = signal;
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    for (;;) {
      this.#producer ??= this.#broker.producer();
      try {
        await this.#producer.send(records);
        return;
      } catch (error) {
        const isPassing = error instanceof BrokerError && error.kind !== 'fatal' && error.kind !== 'too-large';
        if (!isPassing) throw error;
        if (this.#signal?.aborted) return;
        this.#onTrouble?.(`The generator waits, ${records.length} records are to be sent: ${error.message}`);
        await this.close(); // its sequence numbers are in doubt
        await pause(RETRY_MS, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close().catch(() => undefined);
  }
}

function outgoing(send: TimedSend, serdes: OrderSerdes, partitions: ReadonlyMap<string, number>, index: number): OutgoingRecord {
  const { topic, key, timestamp } = send;
  const count = partitions.get(topic)!;
  const partition = key === null ? index % count : partitionFor(key, count);
  return { topic, partition, key, value: encode(send.value, serdes), timestamp, headers: NO_HEADERS };
}

function encode(value: SendValue, serdes: OrderSerdes): Buffer | null {
  if (value.as === 'bytes') return value.bytes;
  const bytes = value.as === 'order' ? serdes.order.serialize(TOPICS.orders, value.order) : serdes.payment.serialize(TOPICS.payments, value.payment);
  if (value.damage === 'cut') return bytes.subarray(0, bytes.length - 3);
  if (value.damage === 'unknown-schema') bytes.writeInt32BE(UNKNOWN_SCHEMA_ID, 1);
  return bytes;
}

async function partitionCounts({ broker, onTrouble, signal }: GeneratorOptions): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const topic of [TOPICS.orders, TOPICS.payments]) {
    for (let count = await broker.admin.partitionCount(topic); ; count = await broker.admin.partitionCount(topic)) {
      if (count !== undefined) {
        counts.set(topic, count);
        break;
      }
      signal?.throwIfAborted();
      onTrouble?.(`The generator waits for the topic ${topic}: the stream creates it when it starts.`);
      await pause(RETRY_MS, undefined, { signal });
    }
  }
  return counts;
}

async function pauseUntil(atMs: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = atMs - Date.now();
  if (ms > 0) await pause(ms, undefined, { signal }).catch(() => undefined);
}
