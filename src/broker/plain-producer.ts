// Idempotent, without transactions: for generators and tools. Calls are sent one after the other, so that a partition's sequence never has two claimants.

import type { OutgoingRecord, PlainProducer, ProduceAck } from '../ports/broker.ts';
import type { Connections } from './connections.ts';
import { closedError, isRetriable, protocolError } from './errors.ts';
import { Patience } from './patience.ts';
import { initProducerIdRequest, NO_PRODUCER, type ProducerEpoch } from './protocol/transactions.ts';
import { sendRecords, Sequences } from './record-sender.ts';

const PATIENCE_MS = 120_000;
const PRODUCE_VERSION = 9;

export class KafkaPlainProducer implements PlainProducer {
  readonly #connections: Connections;
  readonly #sequences = new Sequences();
  #producer: ProducerEpoch | undefined;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]> {
    const sending = this.#previous.then(() => this.#send(records));
    this.#previous = sending.catch(() => {});
    return sending;
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]> {
    if (this.#connections.closing.aborted) throw closedError('producer');
    const patience = new Patience(PATIENCE_MS, this.#connections.closing);
    const producer = await this.#ready(patience);
    try {
      return await sendRecords(records, {
        connections: this.#connections,
        producer,
        transactionalId: null,
        produceVersion: PRODUCE_VERSION,
        sequences: this.#sequences,
        patience,
      });
    } catch (error) {
      this.#producer = undefined; // what the logs expect next is not certain any more: a new producer id begins anew
      throw error;
    }
  }

  async #ready(patience: Patience): Promise<ProducerEpoch> {
    while (this.#producer === undefined) {
      try {
        const answer = await this.#connections.sendToAny(initProducerIdRequest(null, 0x7fffffff, NO_PRODUCER));
        if (answer.errorCode !== 0) throw protocolError(answer.errorCode, 'get a producer id');
        this.#sequences.clear();
        this.#producer = answer;
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await patience.wait(error);
      }
    }
    return this.#producer;
  }
}
