// One client's view of the cluster: which brokers there are, who leads which partition, who coordinates whom, and a socket to each as needed. Every fetcher,
// producer and membership has one of its own, because a broker answers the requests of a socket one after the other, and some of them wait.

import { BrokerError } from '../ports/broker.ts';
import type { TopicPartition } from '../record/record.ts';
import { Door, NodeSocket } from './door.ts';
import { closedError, code, meansCoordinatorMoved, messageOf, readError, unreachable } from './errors.ts';
import {
  apiVersionsRequest,
  findCoordinatorRequest,
  metadataRequest,
  type ClusterAbilities,
  type ClusterMetadata,
  type CoordinatorKind,
  type NodeAddress,
  type TopicMetadata,
} from './protocol/cluster.ts';
import type { KafkaRequest } from './protocol/request.ts';
import { parseAddress, type KafkaSettings } from './settings.ts';

export class Connections {
  readonly #door: Door;
  readonly #role: string;
  readonly #seeds: readonly { host: string; port: number }[];
  readonly #sockets = new Map<string, Promise<NodeSocket>>();
  readonly #nodes = new Map<number, NodeAddress>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #coordinators = new Map<string, number>();
  readonly #closing = new AbortController();
  #controllerId = -1;
  #nextSeed = 0;

  constructor(settings: KafkaSettings, role: string) {
    this.#door = new Door(settings, role);
    this.#role = role;
    this.#seeds = settings.brokers.map((broker) => parseAddress(broker)!);
  }

  /** Aborted when these connections close: ends every wait. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  async send<Answer>(nodeId: number, request: KafkaRequest<Answer>): Promise<Answer> {
    if (this.closing.aborted) throw closedError(this.#role);
    const address = this.#nodes.get(nodeId);
    if (address === undefined) {
      await this.refresh([]);
      const found = this.#nodes.get(nodeId);
      if (found === undefined) throw new BrokerError('retriable', 'BROKER_NOT_AVAILABLE', `Broker ${nodeId} is not in the cluster at the moment.`);
      return (await this.#socket(found)).send(request);
    }
    return (await this.#socket(address)).send(request);
  }

  /** To whichever broker answers. */
  async sendToAny<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    let last: unknown;
    for (const address of await this.#candidates()) {
      if (this.closing.aborted) throw closedError(this.#role);
      try {
        return await (await this.#socket(address)).send(request);
      } catch (error) {
        if (error instanceof BrokerError && error.kind !== 'retriable') throw error;
        last = error;
      }
    }
    const seeds = this.#seeds.map(({ host, port }) => `${host}:${port}`).join(', ');
    if (last instanceof BrokerError) throw new BrokerError('retriable', last.code, `No Kafka broker answers (asked ${seeds}): ${messageOf(last)}`, { cause: last });
    throw unreachable(seeds, last ?? new Error('no broker known'));
  }

  async sendToController<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    await this.refresh([]);
    return this.send(this.#controllerId, request);
  }

  /** Fresh metadata of `topics` (null = all), remembered. Missing topics are in the answer with their error, and forgotten here. */
  async refresh(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const metadata = await this.sendToAny(metadataRequest(topics));
    this.#nodes.clear();
    for (const node of metadata.nodes) this.#nodes.set(node.nodeId, node);
    this.#controllerId = metadata.controllerId;
    for (const topic of metadata.topics) {
      if (topic.errorCode === 0) this.#topics.set(topic.topic, topic);
      else this.#topics.delete(topic.topic);
    }
    await this.#dropUnknownSockets();
    return metadata;
  }

  /** From what is remembered: undefined when unknown or when the partition has no leader at the moment. */
  leaderOf({ topic, partition }: TopicPartition): number | undefined {
    const leader = this.#topics.get(topic)?.partitions.find((candidate) => candidate.partition === partition)?.leader;
    return leader === undefined || leader < 0 ? undefined : leader;
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** @throws retriable when there is none at the moment. */
  async coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const cached = this.#coordinators.get(`${kind}:${key}`);
    if (cached !== undefined) return cached;
    const answer = await this.sendToAny(findCoordinatorRequest(kind, key));
    if (answer.errorCode !== 0) {
      throw readError(answer.errorCode, `find the ${kind} coordinator of ${key}`, { message: answer.message });
    }
    if (!this.#nodes.has(answer.nodeId)) await this.refresh([]);
    this.#coordinators.set(`${kind}:${key}`, answer.nodeId);
    return answer.nodeId;
  }

  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind}:${key}`);
  }

  /**
   * One request to a coordinator. It is looked up again after it moved or did not answer. `errorOf` picks the answer's error codes.
   * @throws NoAnswerError when the request may have taken effect, or the plain error of looking it up.
   */
  async sendToCoordinator<Answer>(
    kind: CoordinatorKind,
    key: string,
    request: KafkaRequest<Answer>,
    errorsOf: (answer: Answer) => readonly number[],
  ): Promise<Answer> {
    const nodeId = await this.coordinator(kind, key);
    try {
      const answer = await this.send(nodeId, request);
      if (errorsOf(answer).some(meansCoordinatorMoved)) this.forgetCoordinator(kind, key);
      return answer;
    } catch (error) {
      this.forgetCoordinator(kind, key);
      throw error;
    }
  }

  async abilities(): Promise<ClusterAbilities> {
    const answer = await this.sendToAny(apiVersionsRequest());
    if (answer.errorCode !== 0) throw readError(answer.errorCode, 'ask for the API versions');
    return answer;
  }

  /** Ends what is under way on every socket; the next request connects again. */
  interrupt(): void {
    for (const socket of this.#sockets.values()) void socket.then((opened) => opened.interrupt());
  }

  async close(): Promise<void> {
    if (this.closing.aborted) return;
    this.#closing.abort();
    for (const socket of this.#sockets.values()) (await socket).close();
    this.#sockets.clear();
  }

  /** Connected brokers first, then the known ones, then the addresses from the settings. */
  async #candidates(): Promise<{ host: string; port: number }[]> {
    const known = [...this.#nodes.values()];
    const connected = new Set<NodeAddress>();
    for (const node of known) if ((await this.#sockets.get(addressKey(node)))?.isConnected()) connected.add(node);
    const rotated = this.#seeds.map((_, i) => this.#seeds[(this.#nextSeed + i) % this.#seeds.length]!);
    this.#nextSeed += 1;
    const all = [...connected, ...known.filter((node) => !connected.has(node)), ...rotated];
    return [...new Map(all.map((address) => [addressKey(address), address])).values()];
  }

  async #socket(address: { host: string; port: number }): Promise<NodeSocket> {
    const key = addressKey(address);
    let socket = this.#sockets.get(key);
    if (socket === undefined) {
      socket = this.#door.open(address.host, address.port);
      this.#sockets.set(key, socket);
    }
    const opened = await socket;
    if (this.closing.aborted) throw closedError(this.#role);
    return opened;
  }

  async #dropUnknownSockets(): Promise<void> {
    const known = new Set([...this.#nodes.values(), ...this.#seeds].map(addressKey));
    for (const [key, socket] of this.#sockets) {
      if (known.has(key)) continue;
      this.#sockets.delete(key);
      (await socket).close();
    }
  }
}

function addressKey({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`;
}

/** For `errorsOf` of answers with one code. */
export function topError(answer: { errorCode: number }): readonly number[] {
  return [answer.errorCode];
}

/** For `errorsOf` of answers with a code per partition. */
export function partitionErrors(answer: readonly { errorCode: number }[]): readonly number[] {
  return answer.map(({ errorCode }) => errorCode);
}

export function isUnknownTopic(topic: TopicMetadata): boolean {
  return topic.errorCode === code.unknownTopic;
}
