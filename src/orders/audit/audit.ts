// The audit with its inputs: topics, schemas, inventory. It reads what anybody could read and trusts no counter of the program.

import { setTimeout as pause } from 'node:timers/promises';
import { type Broker, type FetchedPartition, type RawRecord, type Registry, type Serde, type TopicPartition } from 'millrace';
import { TOPICS } from '../domain.ts';
import { inventoryClient } from '../inventory/index.ts';
import { type OrderSerdes, orderSerdes } from '../serdes.ts';
import { AuditFold, type AuditFoldOptions } from './audit-fold.ts';
import { SOURCE_HEADERS } from './dead-letter-tally.ts';
import { contentOf } from './decode.ts';
import { type Observed, placeOf } from './observed.ts';
import type { AuditCounts, AuditReport, Pending } from './report.ts';
import { partitionsOf, TopicReader } from './topic-reader.ts';

export interface AuditOptions extends AuditFoldOptions {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly inventoryUrl: string;
  /** Told why we wait: broker or inventory away. */
  readonly onTrouble?: (reason: string) => void;
  /** Ends the reading: what is under way rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const INPUTS = [TOPICS.orders, TOPICS.payments];
const OUTPUTS = [TOPICS.orderPayments, TOPICS.orderStatus, TOPICS.refunds, TOPICS.deadLetters];
const STOCK_ATTEMPTS = 5;
const STOCK_RETRY_MS = 1_000;

/** Reads everything once. */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  await using follower = follow(options);
  await follower.catchUp();
  return await follower.report();
}

/** For those who want to look again and again: each `catchUp` reads only what is new. One call at a time. */
export function follow(options: AuditOptions): AuditFollower {
  return new AuditFollower(options);
}

/** Positions to give as `countFrom`, so that the counts cover only what is put in from now on. */
export async function inputEnds(broker: Broker): Promise<Map<string, number>> {
  return broker.admin.listOffsets(await partitionsOf(broker, INPUTS), 'latest');
}

export class AuditFollower implements AsyncDisposable {
  readonly #options: AuditOptions;
  readonly #fold: AuditFold;
  readonly #reader: TopicReader;
  readonly #serdes: OrderSerdes;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#fold = new AuditFold(options);
    this.#reader = new TopicReader(options.broker, options);
    this.#serdes = orderSerdes(options.registry);
  }

  async catchUp(): Promise<void> {
    // What came out first, then what went in: so that, while everything is running, no output is seen whose cause is not.
    await this.#reader.readToEnd(OUTPUTS, (data) => this.#take(data));
    await this.#reader.readToEnd(INPUTS, (data) => this.#take(data));
  }

  /** What has not come yet, as far as `catchUp` has read. */
  pending(): Pending {
    return this.#fold.pending();
  }

  counts(): AuditCounts {
    return this.#fold.counts();
  }

  /** As far as `catchUp` has read; asks the inventory for its stock. */
  async report(): Promise<AuditReport> {
    return this.#fold.report(await this.#stock());
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #take(data: FetchedPartition): Promise<void> {
    const { orderId, order, payment, orderPaid, orderStatus, refund } = this.#serdes;
    const fold = this.#fold;
    const each = async <T>(serde: Serde<T>, take: (record: Observed<T>) => void): Promise<void> => {
      await prepareAll(serde, data);
      for (const raw of data.records) {
        const source = { topic: data.topic, partition: data.partition, offset: raw.offset };
        // Copied: an invalid record is kept until its dead letter is found, and would keep the whole fetched buffer alive.
        const content = contentOf(orderId, serde, data.topic, raw.key, raw.value);
        take({ source, keyBytes: copyOf(raw.key), valueBytes: copyOf(raw.value), content });
      }
    };
    switch (data.topic) {
      case TOPICS.orders: return each(order, (record) => fold.order(record));
      case TOPICS.payments: return each(payment, (record) => fold.payment(record));
      case TOPICS.orderPayments: return each(orderPaid, (record) => fold.orderPaid(record));
      case TOPICS.orderStatus: return each(orderStatus, (record) => fold.status(record));
      case TOPICS.refunds: return each(refund, (record) => fold.refund(record));
      case TOPICS.deadLetters: for (const raw of data.records) fold.deadLetter({ at: placeOf({ ...tp(data), offset: raw.offset }), from: originOf(raw), key: copyOf(raw.key), value: copyOf(raw.value) });
    }
  }

  async #stock(): Promise<Parameters<AuditFold['report']>[0]> {
    const { inventoryUrl, onTrouble, signal } = this.#options;
    const client = inventoryClient(inventoryUrl);
    for (let attempt = 1; ; attempt++) {
      try {
        return await client.stock();
      } catch (error) {
        onTrouble?.(`The audit cannot ask the inventory at ${inventoryUrl} for its stock (attempt ${attempt} of ${STOCK_ATTEMPTS}): ${reasonOf(error)}`);
        if (attempt === STOCK_ATTEMPTS) return undefined;
        await pause(STOCK_RETRY_MS, undefined, { signal });
      }
    }
  }
}

/** Schemas of others are fetched before anything is read: one lookup per id, all at once. */
async function prepareAll<T>(serde: Serde<T>, { topic, records }: FetchedPartition): Promise<void> {
  const missing = new Set<Promise<void>>();
  for (const { value } of records) {
    const preparing = value === null ? undefined : serde.prepare?.(topic, value);
    if (preparing !== undefined) missing.add(preparing);
  }
  await Promise.all(missing);
}

/** Where a dead letter says it comes from. The last header of a name counts: the record may have had one of its own. */
function originOf({ headers }: RawRecord): string | undefined {
  const value = (name: string) => headers.findLast(([header]) => header === name)?.[1]?.toString('utf8');
  const [topic, partition, offset] = [value(SOURCE_HEADERS.topic), value(SOURCE_HEADERS.partition), value(SOURCE_HEADERS.offset)];
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  return `${topic}-${partition}@${offset}`;
}

/** fetch says only "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? `${message}, ${cause.message}` : message;
}

function copyOf(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

function tp({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}
