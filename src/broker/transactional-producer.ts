// Transactions on our own requests. TV1 and TV2 (KIP-890) differ in who adds partitions and offsets to the transaction, and in that EndTxn under TV2 hands out
// a new epoch each time; the cluster's finalized `transaction.version` decides.

import {
  BrokerError,
  type GroupMetadata,
  type OffsetToCommit,
  type OutgoingRecord,
  type ProduceAck,
  type TransactionalProducer,
} from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import { partitionErrors, topError, type Connections } from './connections.ts';
import { closedError, code, codeKind, isRetriable, NoAnswerError, protocolError } from './errors.ts';
import { Patience } from './patience.ts';
import type { KafkaRequest } from './protocol/request.ts';
import type { PartitionResult } from './protocol/topics.ts';
import {
  addOffsetsToTxnRequest,
  addPartitionsToTxnRequest,
  endTxnRequest,
  initProducerIdRequest,
  NO_PRODUCER,
  txnOffsetCommitRequest,
  type ProducerEpoch,
  type TransactionRef,
} from './protocol/transactions.ts';
import { sendRecords, Sequences } from './record-sender.ts';

/** Patience of one operation: as long as the coordinator keeps the transaction, and never less than a broker's restart takes. */
const PATIENCE_MIN_MS = 30_000;
const PATIENCE_MAX_MS = 120_000;
const PRODUCE_KEY = 0;
const TV2_PRODUCE_VERSION = 12;
const TV1_PRODUCE_VERSION_MAX = 11;

type State =
  | { readonly name: 'new' }
  | { readonly name: 'ready' }
  | { readonly name: 'open' } // a transaction has begun
  | { readonly name: 'abort-only'; readonly cause: BrokerError }
  | { readonly name: 'dead'; readonly cause: BrokerError };

export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #connections: Connections;
  readonly #transactionalId: string;
  readonly #transactionTimeoutMs: number;
  readonly #transactionVersionMax: 1 | 2;
  readonly #sequences = new Sequences();
  /** TV1: what the coordinator has already been told in this transaction. */
  readonly #addedPartitions = new Set<string>();
  readonly #addedGroups = new Set<string>();
  #state: State = { name: 'new' };
  #producer: ProducerEpoch = NO_PRODUCER;
  #isTv2 = false;
  #produceVersion = TV1_PRODUCE_VERSION_MAX;
  #running = 0;

  constructor(connections: Connections, options: { transactionalId: string; transactionTimeoutMs: number; transactionVersionMax: 1 | 2 }) {
    this.#connections = connections;
    this.#transactionalId = options.transactionalId;
    this.#transactionTimeoutMs = options.transactionTimeoutMs;
    this.#transactionVersionMax = options.transactionVersionMax;
  }

  async init(): Promise<void> {
    this.#expectIdle('init');
    const patience = this.#patience();
    this.#resetTransaction();
    this.#state = { name: 'new' };
    for (;;) {
      try {
        const { maxVersions, features } = await this.#connections.abilities();
        this.#isTv2 = Math.min(features.get('transaction.version') ?? 0, this.#transactionVersionMax) >= 2;
        const spoken = maxVersions.get(PRODUCE_KEY) ?? TV1_PRODUCE_VERSION_MAX;
        this.#produceVersion = Math.min(spoken, this.#isTv2 ? TV2_PRODUCE_VERSION : TV1_PRODUCE_VERSION_MAX);
        this.#producer = await this.#initProducerId(NO_PRODUCER);
        break;
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await patience.wait(error);
      }
    }
    this.#sequences.clear();
    this.#state = { name: 'ready' };
  }

  async send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]> {
    this.#begin('send');
    return this.#guarded(async (patience) => {
      if (!this.#isTv2) await this.#addPartitions(records, patience);
      return sendRecords(records, {
        connections: this.#connections,
        producer: this.#producer,
        transactionalId: this.#transactionalId,
        produceVersion: this.#produceVersion,
        sequences: this.#sequences,
        patience,
      });
    });
  }

  async sendOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    // The broker accepts offsets without a generation from anyone, a zombie included: that door stays shut.
    if (group.generationId < 0 || group.memberId === '') {
      throw new BrokerError('rebalance', 'NO_GENERATION', `Offsets of group ${group.groupId} can only be committed by a member of a current generation, and this is none.`);
    }
    this.#begin('sendOffsets');
    await this.#guarded(async (patience) => {
      if (!this.#isTv2 && !this.#addedGroups.has(group.groupId)) {
        await this.#toTransactionCoordinator(() => addOffsetsToTxnRequest(this.#txn(), group.groupId), topError, 'add offsets to the transaction', patience);
        this.#addedGroups.add(group.groupId);
      }
      await this.#commitOffsets(group, offsets, patience);
    });
  }

  async commit(): Promise<void> {
    this.#expectIdle('commit');
    switch (this.#state.name) {
      case 'ready':
        return; // nothing was sent, so there is no transaction
      case 'open':
        return this.#endTransaction('commit');
      default:
        throw this.#unusable('commit');
    }
  }

  async abort(): Promise<void> {
    this.#expectIdle('abort');
    switch (this.#state.name) {
      case 'ready':
        return;
      case 'open':
        return this.#endTransaction('abort');
      case 'abort-only':
        await this.#endTransaction('abort');
        // Under TV1 the epoch stays, and after trouble nobody can tell which sequence number the log expects: the next epoch begins at 0 (KIP-360).
        if (!this.#isTv2) await this.#nextEpoch();
        return;
      default:
        throw this.#unusable('abort');
    }
  }

  async close(): Promise<void> {
    this.#state = { name: 'dead', cause: closedError('transactional producer') };
    await this.#connections.close();
  }

  // --- The steps ---

  async #initProducerId(current: ProducerEpoch): Promise<ProducerEpoch> {
    const request = initProducerIdRequest(this.#transactionalId, this.#transactionTimeoutMs, current);
    const answer = await this.#connections.sendToCoordinator('transaction', this.#transactionalId, request, topError);
    if (answer.errorCode !== 0) throw this.#failure(answer.errorCode, 'initialise the producer');
    return { producerId: answer.producerId, epoch: answer.epoch };
  }

  async #nextEpoch(): Promise<void> {
    const patience = this.#patience();
    for (;;) {
      try {
        this.#producer = await this.#initProducerId(this.#producer);
        this.#sequences.clear();
        return;
      } catch (error) {
        if (!isRetriable(error)) throw this.#died(error);
        await patience.wait(error);
      }
    }
  }

  async #addPartitions(records: readonly OutgoingRecord[], patience: Patience): Promise<void> {
    const missing = new Map<string, TopicPartition>();
    for (const { topic, partition } of records) {
      const name = partitionName({ topic, partition });
      if (!this.#addedPartitions.has(name)) missing.set(name, { topic, partition });
    }
    if (missing.size === 0) return;
    const partitions = [...missing.values()];
    await this.#toTransactionCoordinator(() => addPartitionsToTxnRequest(this.#txn(), partitions), partitionErrors, 'add partitions to the transaction', patience);
    for (const name of missing.keys()) this.#addedPartitions.add(name);
  }

  async #commitOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[], patience: Patience): Promise<void> {
    let open = offsets;
    while (open.length > 0) {
      try {
        const request = txnOffsetCommitRequest(this.#isTv2 ? 5 : 4, this.#txn(), group, open);
        const results = await this.#connections.sendToCoordinator('group', group.groupId, request, partitionErrors);
        open = this.#stillOpen(open, results, group);
        if (open.length > 0) await patience.wait(this.#failure(firstError(results), 'commit offsets in the transaction'));
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await patience.wait(error);
      }
    }
  }

  /** The offsets to try again. @throws for the first that cannot be cured by that. */
  #stillOpen(offsets: readonly OffsetToCommit[], results: readonly PartitionResult[], group: GroupMetadata): OffsetToCommit[] {
    const errors = new Map(results.map((result) => [partitionName(result), result.errorCode]));
    return offsets.filter((offset) => {
      const errorCode = errors.get(partitionName(offset));
      if (errorCode === 0) return false;
      const { topic, partition } = offset;
      if (errorCode === undefined) {
        throw new BrokerError('abort', 'MISSING_ACK', `The coordinator of group ${group.groupId} left ${partitionName(offset)} out of its answer.`, { partition: { topic, partition } });
      }
      if (codeKind(errorCode) !== 'retriable') {
        throw protocolError(errorCode, `commit offsets of group ${group.groupId} (generation ${group.generationId})`, { partition: { topic, partition } });
      }
      return true;
    });
  }

  /** AddPartitions and AddOffsets: tried until every code is 0. Adding twice is the same as adding once. */
  async #toTransactionCoordinator<Answer>(
    request: () => KafkaRequest<Answer>,
    errorsOf: (answer: Answer) => readonly number[],
    doing: string,
    patience: Patience,
  ): Promise<void> {
    for (;;) {
      try {
        const errors = errorsOf(await this.#connections.sendToCoordinator('transaction', this.#transactionalId, request(), errorsOf));
        const decisive = errors.find((errorCode) => errorCode !== 0 && codeKind(errorCode) !== 'retriable') ?? errors.find((errorCode) => errorCode !== 0);
        if (decisive === undefined) return;
        throw this.#failure(decisive, doing);
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await patience.wait(error);
      }
    }
  }

  /**
   * EndTxn may be sent again: the coordinator answers a repeat of what it has just done with success (under TV2 it recognises the epoch before the current
   * one). What it cannot tell us is how our transaction ended if somebody else has moved on since: only then the outcome is unknown.
   */
  async #endTransaction(outcome: 'commit' | 'abort'): Promise<void> {
    const patience = this.#patience();
    const txn = this.#txn();
    const mayBeEmpty = this.#addedPartitions.size === 0 && this.#addedGroups.size === 0;
    let lostAnswer: NoAnswerError | undefined;
    for (;;) {
      try {
        const request = endTxnRequest(this.#isTv2 ? 5 : 4, txn, outcome);
        const answer = await this.#connections.sendToCoordinator('transaction', this.#transactionalId, request, topError);
        // TV1: an abort of a transaction that the coordinator never got to know.
        const wasEmpty = outcome === 'abort' && answer.errorCode === code.invalidTxnState && mayBeEmpty && !this.#isTv2;
        if (answer.errorCode !== 0 && !wasEmpty) throw this.#failure(answer.errorCode, `${outcome} the transaction`);
        this.#adopt(answer.next);
        this.#resetTransaction();
        this.#state = { name: 'ready' };
        return;
      } catch (error) {
        if (error instanceof NoAnswerError) lostAnswer = error;
        if (isRetriable(error)) {
          try {
            await patience.wait(error);
            continue;
          } catch {
            // time is up
          }
        }
        throw this.#endFailed(outcome, error, lostAnswer);
      }
    }
  }

  #endFailed(outcome: 'commit' | 'abort', error: unknown, lostAnswer: NoAnswerError | undefined): unknown {
    if (!(error instanceof BrokerError)) return error;
    if (outcome === 'commit' && lostAnswer !== undefined) {
      return this.#died(
        new BrokerError(
          'commit-unknown',
          error.code,
          `It is not known whether the last transaction of ${this.#transactionalId} was committed: ${lostAnswer.message} Then: ${error.message} ` +
            `A new producer with this transactional id settles it; the committed offsets tell how it ended.`,
          { cause: error },
        ),
      );
    }
    if (error.kind === 'retriable' || error.kind === 'abort') this.#state = { name: 'abort-only', cause: error };
    else this.#died(error);
    return error;
  }

  #adopt(next: ProducerEpoch | undefined): void {
    if (next === undefined) return;
    this.#producer = next;
    this.#sequences.clear();
  }

  // --- State ---

  #begin(action: string): void {
    if (this.#state.name === 'ready') this.#state = { name: 'open' };
    if (this.#state.name !== 'open') throw this.#unusable(action);
  }

  async #guarded<T>(work: (patience: Patience) => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work(this.#patience());
    } catch (error) {
      if (error instanceof BrokerError) this.#failed(error);
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  #failed(error: BrokerError): void {
    if (this.#state.name === 'dead') return;
    const isOver = error.kind === 'fenced' || error.kind === 'commit-unknown' || error.kind === 'fatal';
    this.#state = { name: isOver ? 'dead' : 'abort-only', cause: error };
  }

  #died(error: unknown): unknown {
    if (error instanceof BrokerError && this.#state.name !== 'dead') this.#state = { name: 'dead', cause: error };
    return error;
  }

  #failure(errorCode: number, doing: string): BrokerError {
    return protocolError(errorCode, `${doing} of ${this.#transactionalId}`);
  }

  #unusable(action: string): BrokerError {
    switch (this.#state.name) {
      case 'new':
        return new BrokerError('fatal', 'NOT_INITIALISED', `Call init() of the producer ${this.#transactionalId} before ${action}().`);
      case 'abort-only':
      case 'dead': {
        const { cause } = this.#state;
        const advice = this.#state.name === 'dead' ? 'close it and make a new one' : 'abort() first';
        return new BrokerError(cause.kind, cause.code, `${action}() is not possible after an error; ${advice}. The error was: ${cause.message}`, { cause });
      }
      default:
        return new BrokerError('fatal', 'WRONG_STATE', `${action}() is not possible in state ${this.#state.name}.`);
    }
  }

  #expectIdle(action: string): void {
    if (this.#running === 0) return;
    throw new BrokerError('fatal', 'WRONG_STATE', `${action}() of the producer ${this.#transactionalId} was called while send() or sendOffsets() was under way: await them first.`);
  }

  #resetTransaction(): void {
    this.#addedPartitions.clear();
    this.#addedGroups.clear();
  }

  #txn(): TransactionRef {
    return { transactionalId: this.#transactionalId, ...this.#producer };
  }

  #patience(): Patience {
    const limitMs = Math.min(Math.max(this.#transactionTimeoutMs, PATIENCE_MIN_MS), PATIENCE_MAX_MS);
    return new Patience(limitMs, this.#connections.closing);
  }
}

function firstError(results: readonly PartitionResult[]): number {
  return results.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0;
}
