// The way into kafkajs: it opens sockets, does TLS, SASL and the first ApiVersions, and matches answers to requests. A partition-assigner factory is handed
// the client's `Cluster` when a consumer is made; that consumer never runs. Everything said over the sockets is ours (protocol/).

import { createRequire } from 'node:module';
import { BrokerError } from '../ports/broker.ts';
import type { KafkaRequest } from './protocol/request.ts';
import { Reader } from './protocol/reader.ts';
import { Writer } from './protocol/writer.ts';
import { messageOf, noAnswer, unreachable } from './errors.ts';
import { isLoginEnding, mendKafkajs, renewLogin, severConnection, type KafkajsConnection } from './kafkajs-repairs.ts';
import { parseAddress, type KafkaSettings } from './settings.ts';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** kafkajs never waits less than what it is set up with. */
const REQUEST_TIMEOUT_MIN_MS = 8_000;
const FETCH_KEY = 1;
const API_VERSIONS_KEY = 18;

interface KafkajsPool {
  readonly pool: readonly KafkajsConnection[];
}

interface KafkajsBroker {
  readonly connectionPool: KafkajsPool;
  isConnected(): boolean;
  connect(): Promise<void>;
}

interface KafkajsCluster {
  readonly rootLogger: unknown;
  readonly connectionPoolBuilder: { build(address: { host: string; port: number; rack: string | null }): Promise<KafkajsPool> };
  readonly brokerPool: { createBroker(options: { connectionPool: KafkajsPool; logger: unknown }): KafkajsBroker };
}

export class Door {
  readonly #cluster: KafkajsCluster;
  readonly #route: NonNullable<KafkaSettings['route']>;

  /** `role` is added to the client id, so that a broker's log tells a fetcher from a producer. */
  constructor(settings: KafkaSettings, role: string) {
    mendKafkajs();
    this.#route = settings.route ?? ((address) => address);
    this.#cluster = captureCluster(settings, `${settings.clientId ?? 'millrace'}-${role}`);
  }

  /** Nothing is connected yet. */
  async open(host: string, port: number): Promise<NodeSocket> {
    const address = this.#route({ host, port });
    const connectionPool = await this.#cluster.connectionPoolBuilder.build({ ...address, rack: null });
    return new NodeSocket(host, port, this.#cluster.brokerPool.createBroker({ connectionPool, logger: this.#cluster.rootLogger }));
  }
}

/** The sockets to one broker: kafkajs keeps one for Fetch, which may wait long, and one for everything else. */
export class NodeSocket {
  readonly host: string;
  readonly port: number;
  readonly #broker: KafkajsBroker;
  #isClosed = false;

  constructor(host: string, port: number, broker: KafkajsBroker) {
    this.host = host;
    this.port = port;
    this.#broker = broker;
  }

  get where(): string {
    return `${this.host}:${this.port}`;
  }

  isConnected(): boolean {
    return this.#broker.isConnected();
  }

  async send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    await this.#connect(request.apiKey);
    const connection = this.#connection(request.apiKey);
    // Not the pool's `send`: that would connect again, also after closing.
    if (!connection.isConnected()) throw unreachable(this.where, new Error('The connection was closed'));
    try {
      return (await connection.send(asKafkajsRequest(request))) as Answer;
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      // Without its answer nothing more can be said about this connection: what comes late would be taken for an answer to something else's retry.
      severConnection(connection, new Error(messageOf(error)));
      throw noAnswer(this.where, request.apiName, error);
    }
  }

  /** For good: what is still connecting is ended too. */
  close(): void {
    this.#isClosed = true;
    this.interrupt();
  }

  /** Ends what is under way; the next request connects again. */
  interrupt(): void {
    for (const connection of this.#broker.connectionPool.pool) severConnection(connection, new Error('The connection was closed'));
  }

  #connection(apiKey: number): KafkajsConnection {
    return this.#broker.connectionPool.pool[apiKey === FETCH_KEY ? 1 : 0]!;
  }

  async #connect(apiKey: number): Promise<void> {
    const connection = this.#connection(apiKey);
    if (isLoginEnding(connection)) await renewLogin(connection);
    this.#throwIfClosed();
    if (connection.isConnected() && this.#broker.isConnected()) return;
    // kafkajs sets no limit to a login that is never answered.
    const timer = setTimeout(() => this.interrupt(), CONNECT_TIMEOUT_MS * 2);
    try {
      for (const step of [() => this.#broker.connect(), () => connection.connect(), () => connection.authenticate()]) {
        await step();
        this.#throwIfClosed();
      }
    } catch (error) {
      throw unreachable(this.where, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closing may have come between two steps of connecting: what the last one opened must not stay. */
  #throwIfClosed(): void {
    if (!this.#isClosed) return;
    this.interrupt();
    throw unreachable(this.where, new Error('The connection was closed'));
  }
}

function captureCluster(settings: KafkaSettings, clientId: string): KafkajsCluster {
  const kafka = new Kafka({
    clientId,
    brokers: settings.brokers.map(withoutBrackets),
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MIN_MS,
    retry: { retries: 0 }, // whoever asks knows better how long to try
    logLevel: logLevel.NOTHING, // our own errors say what happened, once
  });
  let captured: unknown;
  kafka.consumer({
    groupId: 'never-joined',
    partitionAssigners: [
      ({ cluster }) => {
        captured = cluster;
        return { name: 'never-used', version: 0, assign: async () => [], protocol: () => ({ name: 'never-used', metadata: Buffer.alloc(0) }) };
      },
    ],
  });
  return captured as KafkajsCluster;
}

function asKafkajsRequest<Answer>(request: KafkaRequest<Answer>): object {
  const { apiKey, apiName, version: apiVersion, flexible } = request;
  return {
    request: {
      apiKey,
      apiName,
      apiVersion,
      encode: async () => {
        const writer = new Writer(flexible, request.sizeHint);
        if (flexible) writer.endStruct(); // kafkajs writes header version 1; version 2 is that and an empty tagged section
        request.write(writer);
        const bytes = writer.bytes();
        return { buf: bytes, buffer: bytes };
      },
    },
    response: {
      decode: async (payload: Buffer) => {
        const reader = new Reader(payload, flexible);
        if (flexible && apiKey !== API_VERSIONS_KEY) reader.endStruct(); // ApiVersions is answered with the old header always (KIP-511)
        try {
          const answer = request.read(reader);
          return { answer, clientSideThrottleTime: reader.throttleMs };
        } catch (error) {
          throw new BrokerError('fatal', 'UNREADABLE_ANSWER', `The answer to ${apiName} version ${apiVersion} cannot be read: ${messageOf(error)}. Is this Kafka 2.8 or newer?`, {
            cause: error,
          });
        }
      },
      parse: async (decoded: { answer: Answer }) => decoded.answer,
    },
    requestTimeout: request.timeoutMs ?? REQUEST_TIMEOUT_MS,
    logResponseError: false,
  };
}

function withoutBrackets(broker: string): string {
  const address = parseAddress(broker);
  return address === undefined ? broker : `${address.host}:${address.port}`;
}
