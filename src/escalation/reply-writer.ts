// Rejections and dead letters into Kafka. A command counts as dealt with only when its answer is acknowledged, so this keeps trying until then.

import { BrokerError, type Broker, type OutgoingRecord, type PlainProducer } from '../ports/broker.ts';

interface Waiting {
  readonly record: OutgoingRecord;
  resolve(): void;
  reject(error: unknown): void;
}

export class ReplyWriter {
  readonly #broker: Pick<Broker, 'producer'>;
  readonly #onTrouble: (message: string) => void;
  #producer: PlainProducer | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(broker: Pick<Broker, 'producer'>, onTrouble: (message: string) => void) {
    this.#broker = broker;
    this.#onTrouble = onTrouble;
  }

  /** Resolves when the record is acknowledged. @throws what repeating cannot cure: kinds `too-large` and `fatal`; or when closed. */
  write(record: OutgoingRecord): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The bridge is closing.'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** What waits together is sent together. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, 500);
      try {
        await this.#send(group.map(({ record }) => record));
        for (const { resolve } of group) resolve();
      } catch (error) {
        if (this.#isClosed) for (const { reject } of group) reject(error);
        else await this.#sendOneByOne(group, error);
      }
    }
    this.#running = undefined;
  }

  /** Repeating may write a record twice; readers of both topics know what they have seen. */
  async #sendOneByOne(group: readonly Waiting[], error: unknown): Promise<void> {
    this.#onTrouble(`Answers to commands could not be written, they are written again: ${messageOf(error)}`);
    for (const waiting of group) {
      try {
        await this.#sendPatiently(waiting.record);
        waiting.resolve();
      } catch (hopeless) {
        waiting.reject(hopeless);
      }
    }
  }

  async #sendPatiently(record: OutgoingRecord): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#send([record]);
      } catch (error) {
        if (this.#isClosed || (error instanceof BrokerError && (error.kind === 'too-large' || error.kind === 'fatal'))) throw error;
        if (attempt % 10 === 0) this.#onTrouble(`Still cannot write to ${record.topic}-${record.partition}: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, Math.min(100 * attempt, 2_000)));
      }
    }
  }

  async #send(records: readonly OutgoingRecord[]): Promise<void> {
    this.#producer ??= this.#broker.producer();
    try {
      await this.#producer.send(records);
    } catch (error) {
      // An idempotent producer whose sequence is in doubt is no use any more.
      const failed = this.#producer;
      this.#producer = undefined;
      await failed.close().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    await this.#producer?.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
