// Producers in memory: plain, and transactional with fencing by epoch.

import {
  BrokerError,
  type CommittedOffset,
  type GroupMetadata,
  type OffsetToCommit,
  type OutgoingRecord,
  type PlainProducer,
  type ProduceAck,
  type TransactionalProducer,
} from '../ports/broker.ts';
import { partitionName } from '../record/record.ts';
import type { InMemoryCluster } from './in-memory-broker.ts';
import { newTransaction, type Log, type Transaction } from './in-memory-log.ts';

/** What the coordinator knows of a transactional id. */
export interface ProducerState {
  readonly epoch: number;
  transaction: Transaction | undefined;
  /** Over when the markers of the last transaction are written: until then no other can begin. */
  ending: Promise<void> | undefined;
}

export class InMemoryProducer implements PlainProducer {
  readonly #cluster: InMemoryCluster;

  constructor(cluster: InMemoryCluster) {
    this.#cluster = cluster;
  }

  async send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]> {
    return append(this.#cluster, records, undefined);
  }

  async close(): Promise<void> {}
}

export class InMemoryTransactionalProducer implements TransactionalProducer {
  readonly #cluster: InMemoryCluster;
  readonly #id: string;
  #epoch: number | undefined;
  /** After an error the transaction can only be aborted. */
  #mustAbort = false;

  constructor(cluster: InMemoryCluster, id: string) {
    this.#cluster = cluster;
    this.#id = id;
  }

  async init(): Promise<void> {
    this.#epoch = this.#cluster.fence(this.#id);
    await this.#cluster.producers.get(this.#id)!.ending;
  }

  async send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]> {
    await this.#previousEnded();
    return this.#attempt(() => append(this.#cluster, records, this.#transaction()));
  }

  async sendOffsets(metadata: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.#previousEnded();
    this.#attempt(() => {
      const transaction = this.#transaction();
      const group = this.#cluster.group(metadata.groupId);
      group.checkCurrent(metadata);
      const pending = transaction.offsets.get(group) ?? new Map<string, CommittedOffset>();
      for (const offset of offsets) pending.set(partitionName(offset), { offset: offset.offset, metadata: offset.metadata });
      transaction.offsets.set(group, pending);
      transaction.unmarked.add(group);
    });
  }

  async commit(): Promise<void> {
    this.#attempt(() => this.#end('committed'));
  }

  async abort(): Promise<void> {
    this.#end('aborted');
    this.#mustAbort = false;
  }

  async close(): Promise<void> {}

  #attempt<T>(action: () => T): T {
    const own = this.#own();
    if (this.#mustAbort) throw new BrokerError('abort', 'INVALID_TXN_STATE', `The transaction of ${this.#id} has failed and can only be aborted.`);
    try {
      return action();
    } catch (error) {
      this.#mustAbort = own.transaction !== undefined;
      throw error;
    }
  }

  #end(state: 'committed' | 'aborted'): void {
    const own = this.#own();
    if (own.transaction !== undefined) this.#cluster.end(this.#id, own.transaction, state);
  }

  async #previousEnded(): Promise<void> {
    const ending = this.#cluster.producers.get(this.#id)?.ending;
    if (ending !== undefined) await ending;
  }

  #transaction(): Transaction {
    return (this.#own().transaction ??= this.#cluster.begin(newTransaction()));
  }

  #own(): ProducerState {
    const own = this.#cluster.producers.get(this.#id);
    if (this.#epoch === undefined) throw new BrokerError('fatal', 'NOT_INITIALISED', `The producer ${this.#id} was used before init().`);
    if (own?.epoch !== this.#epoch) throw new BrokerError('fenced', 'PRODUCER_FENCED', `Another producer has taken over the transactional id ${this.#id}.`);
    return own;
  }
}

function append(cluster: InMemoryCluster, records: readonly OutgoingRecord[], transaction: Transaction | undefined): ProduceAck[] {
  // All are looked up before any is written: an unknown partition must not leave half of them behind.
  const logs = records.map((record) => cluster.log(record));
  const touched = new Map<Log, OutgoingRecord>();
  for (const [at, record] of records.entries()) {
    const log = logs[at]!;
    log.append(record, transaction);
    if (!touched.has(log)) touched.set(log, record);
  }
  if (transaction !== undefined) for (const log of touched.keys()) transaction.unmarked.add(log);
  return [...touched].map(([log, { topic, partition }]) => ({ topic, partition, nextPosition: log.end }));
}
