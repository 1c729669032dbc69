// The broker port on Kafka: hands out parts, each with connections of its own, and closes them all.

import type {
  Broker,
  BrokerAdmin,
  Fetcher,
  FetcherOptions,
  Membership,
  MembershipOptions,
  PlainProducer,
  TransactionalProducer,
} from '../ports/broker.ts';
import { KafkaAdmin } from './admin.ts';
import { Connections } from './connections.ts';
import { closedError } from './errors.ts';
import { KafkaFetcher } from './fetcher.ts';
import { KafkaMembership } from './membership.ts';
import { KafkaPlainProducer } from './plain-producer.ts';
import { checkSettings, type KafkaSettings } from './settings.ts';
import { KafkaTransactionalProducer } from './transactional-producer.ts';

/** Connects lazily: nothing is sent before the first call that needs an answer. @throws {KafkaSettingsError} */
export function connectKafka(settings: KafkaSettings): Broker {
  checkSettings(settings);
  return new KafkaBroker(settings);
}

class KafkaBroker implements Broker {
  readonly admin: BrokerAdmin;
  readonly #settings: KafkaSettings;
  readonly #opened = new Set<Connections>();
  #isClosed = false;

  constructor(settings: KafkaSettings) {
    this.#settings = settings;
    this.admin = new KafkaAdmin(this.#connections('admin'));
  }

  fetcher(options?: FetcherOptions): Fetcher {
    const fetcher = new KafkaFetcher(this.#connections('fetcher'), options);
    if (this.#settings.logger !== undefined) fetcher.onTrouble = this.#settings.logger;
    return fetcher;
  }

  transactionalProducer(options: { transactionalId: string; transactionTimeoutMs: number }): TransactionalProducer {
    const { transactionVersionMax = 2 } = this.#settings;
    return new KafkaTransactionalProducer(this.#connections(`producer-${options.transactionalId}`), { ...options, transactionVersionMax });
  }

  producer(): PlainProducer {
    return new KafkaPlainProducer(this.#connections('producer'));
  }

  async join(options: MembershipOptions): Promise<Membership> {
    const connections = this.#connections('member');
    const onTrouble = options.onTrouble?.bind(options) ?? this.#settings.logger;
    try {
      return await KafkaMembership.join(connections, {
        ...options,
        userData: () => options.userData(),
        onRevoked: () => options.onRevoked(),
        onLost: () => options.onLost(),
        onAssigned: (partitions, group) => options.onAssigned(partitions, group),
        onFatal: (error) => options.onFatal(error),
        ...(onTrouble === undefined ? {} : { onTrouble }),
      });
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#opened].map((connections) => connections.close()));
    this.#opened.clear();
  }

  #connections(role: string): Connections {
    if (this.#isClosed) throw closedError('broker connection');
    for (const connections of this.#opened) if (connections.closing.aborted) this.#opened.delete(connections);
    const connections = new Connections(this.#settings, role);
    this.#opened.add(connections);
    return connections;
  }
}
