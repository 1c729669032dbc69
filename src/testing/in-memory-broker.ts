// A broker in memory with Kafka's rules where the runtime can see them: logs with transaction markers, last stable offset, fencing by id and by
// generation, offsets that become visible with their transaction. Not modelled: compaction, retention by time, several brokers, request sizes, sessions
// and transactions that run out by themselves (`expel` and `expireTransaction` do it).

import {
  BrokerError,
  type Broker,
  type BrokerAdmin,
  type CommittedOffset,
  type FetchedPartition,
  type Fetcher,
  type FetcherOptions,
  type GroupMetadata,
  type Membership,
  type MembershipOptions,
  type OffsetToCommit,
  type PlainProducer,
  type TopicSpec,
  type TransactionalProducer,
} from '../ports/broker.ts';
import { partitionName, type RawRecord, type TopicPartition } from '../record/record.ts';
import { InMemoryGroup, type GroupMember } from './in-memory-group.ts';
import { endTransaction, Log, type Transaction } from './in-memory-log.ts';
import { InMemoryProducer, InMemoryTransactionalProducer, type ProducerState } from './in-memory-producer.ts';

/** Kafka's defaults. */
const BATCH_BYTES_MAX = 1_048_588;
const DELETIONS_KEPT_MS = 86_400_000;

export interface InMemoryClusterOptions {
  /**
   * How long each partition waits for the marker of a transaction that has been decided: as in Kafka, some show its outcome before others do. By default
   * all show it at once.
   */
  readonly markerDelay?: () => Promise<void>;
  /** As brokers with `auto.create.topics.enable`: a topic that somebody asks for is made with this many partitions. */
  readonly autoCreate?: (topic: string) => number;
  /** In Kafka the end of each transaction takes an offset in every partition that it wrote to. Default true. */
  readonly keepsMarkers?: boolean;
}

/** The cluster; `connect()` gives brokers that share it, as processes would. */
export class InMemoryCluster {
  /** The logs of each topic, by partition. */
  readonly topics = new Map<string, Log[]>();
  /** @internal */
  readonly configs = new Map<string, NonNullable<TopicSpec['config']>>();
  /** Transactional producers by id, with their epochs. */
  readonly producers = new Map<string, ProducerState>();
  readonly #groups = new Map<string, InMemoryGroup>();
  readonly #unfinished = new Set<Transaction>();
  readonly #markerDelay: (() => Promise<void>) | undefined;
  readonly #autoCreate: ((topic: string) => number) | undefined;
  readonly #keepsMarkers: boolean;

  constructor(options: InMemoryClusterOptions = {}) {
    this.#markerDelay = options.markerDelay;
    this.#autoCreate = options.autoCreate;
    this.#keepsMarkers = options.keepsMarkers ?? true;
  }

  /** A broker for one process: several share the topics and groups of the cluster. */
  connect(): Broker {
    return new InMemoryBroker(this);
  }

  /** @internal */
  create(topic: string, partitions: number, config: TopicSpec['config'] = {}): void {
    this.configs.set(topic, config);
    this.topics.set(topic, Array.from({ length: partitions }, () => new Log(this.#keepsMarkers)));
  }

  /** @internal What a client learns who asks for a topic. */
  partitionCount(topic: string): number | undefined {
    if (!this.topics.has(topic) && this.#autoCreate !== undefined) this.create(topic, this.#autoCreate(topic));
    return this.topics.get(topic)?.length;
  }

  /** The log of one partition. @throws {BrokerError} when there is none. */
  log(tp: TopicPartition): Log {
    const log = this.topics.get(tp.topic)?.[tp.partition];
    if (log === undefined) throw new BrokerError('fatal', 'UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${partitionName(tp)}.`);
    return log;
  }

  /** A consumer group, made when it is first asked for. */
  group(id: string): InMemoryGroup {
    const group = this.#groups.get(id) ?? new InMemoryGroup(id, (topic) => this.topics.get(topic)?.length ?? 0);
    this.#groups.set(id, group);
    return group;
  }

  /** Takes a member out of its group, as when its session has run out though it lives. After `told` it learns of that, and joins again. */
  expel(groupId: string, memberId: string, told?: Promise<void>): void {
    this.group(groupId).expel(memberId, told);
  }

  /** Aborts what this transactional id has open and shuts its producer out, as when `transactionTimeoutMs` has passed. */
  expireTransaction(transactionalId: string): void {
    if (this.producers.get(transactionalId)?.transaction !== undefined) this.fence(transactionalId);
  }

  /** @internal The epoch that is valid from now on; a transaction left open by the one before is aborted. */
  fence(transactionalId: string): number {
    const known = this.producers.get(transactionalId);
    const epoch = (known?.epoch ?? -1) + 1;
    this.producers.set(transactionalId, { epoch, transaction: undefined, ending: known?.ending });
    if (known?.transaction !== undefined) this.end(transactionalId, known.transaction, 'aborted');
    return epoch;
  }

  /** @internal */
  begin(transaction: Transaction): Transaction {
    this.#unfinished.add(transaction);
    return transaction;
  }

  /** @internal Decides a transaction; the id can begin another once all markers are written. */
  end(transactionalId: string, transaction: Transaction, state: 'committed' | 'aborted'): void {
    const own = this.producers.get(transactionalId)!;
    own.transaction = undefined;
    own.ending = endTransaction(transaction, state, this.#markerDelay).then(() => void this.#unfinished.delete(transaction));
  }

  /** @internal Whether offsets of these partitions are part of a transaction that is not over. */
  hasPendingOffsets(group: InMemoryGroup, names: readonly string[]): boolean {
    return [...this.#unfinished].some(({ unmarked, offsets }) => unmarked.has(group) && names.some((name) => offsets.get(group)!.has(name)));
  }
}

class InMemoryBroker implements Broker {
  readonly admin: BrokerAdmin;
  readonly #cluster: InMemoryCluster;
  readonly #members = new Map<GroupMember, InMemoryGroup>();

  constructor(cluster: InMemoryCluster) {
    this.#cluster = cluster;
    this.admin = new InMemoryAdmin(cluster);
  }

  fetcher(options: FetcherOptions = {}): Fetcher {
    return new InMemoryFetcher(this.#cluster, options.isolation ?? 'committed');
  }

  transactionalProducer({ transactionalId }: { transactionalId: string }): TransactionalProducer {
    return new InMemoryTransactionalProducer(this.#cluster, transactionalId);
  }

  producer(): PlainProducer {
    return new InMemoryProducer(this.#cluster);
  }

  async join(options: MembershipOptions): Promise<Membership> {
    if (options.signal?.aborted) throw new BrokerError('fatal', 'CLOSED', 'Joining was given up before it began.');
    const group = this.#cluster.group(options.groupId);
    const member = group.join(options);
    this.#members.set(member, group);
    const leave = async (): Promise<void> => {
      await group.leave(member);
      this.#members.delete(member);
    };
    options.signal?.addEventListener('abort', () => void leave());
    await member.firstAssigned;
    return { leave };
  }

  /** Members that have not left vanish from their groups, as those of a process that has died. */
  async close(): Promise<void> {
    for (const [member, group] of this.#members) group.vanish(member);
    this.#members.clear();
  }
}

class InMemoryAdmin implements BrokerAdmin {
  readonly #cluster: InMemoryCluster;

  constructor(cluster: InMemoryCluster) {
    this.#cluster = cluster;
  }

  async waitUntilReachable(): Promise<void> {}

  async partitionCount(topic: string): Promise<number | undefined> {
    return this.#cluster.partitionCount(topic);
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const { topic, partitions, config } of specs) {
      const existing = this.#cluster.topics.get(topic);
      if (existing === undefined) {
        this.#cluster.create(topic, partitions, config);
      } else if (existing.length !== partitions) {
        throw new BrokerError('fatal', 'INVALID_PARTITIONS', `Topic ${topic} has ${existing.length} partitions, and ${partitions} are needed.`);
      }
    }
  }

  async batchBytesMax(topics: readonly string[]): Promise<Map<string, number>> {
    return new Map(topics.map((topic) => [topic, BATCH_BYTES_MAX]));
  }

  /** Nothing is compacted here, but a test may do it by hand. */
  async deletionsKeptMs(topics: readonly string[]): Promise<Map<string, number>> {
    const configOf = (topic: string): Readonly<Record<string, string>> => this.#cluster.configs.get(topic) ?? {};
    return new Map(topics.map((topic) => [topic, configOf(topic)['cleanup.policy']?.includes('compact') === true ? Number(configOf(topic)['delete.retention.ms'] ?? DELETIONS_KEPT_MS) : Number.POSITIVE_INFINITY]));
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#cluster.topics.delete(topic);
  }

  async listTopics(): Promise<string[]> {
    return [...this.#cluster.topics.keys()];
  }

  async listOffsets(partitions: readonly TopicPartition[], at: 'earliest' | 'latest' | 'stable'): Promise<Map<string, number>> {
    return new Map(
      partitions.map((tp) => {
        const log = this.#cluster.log(tp);
        return [partitionName(tp), at === 'earliest' ? log.start : at === 'latest' ? log.end : log.lastStableOffset];
      }),
    );
  }

  async committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>> {
    const group = this.#cluster.group(groupId);
    const names = partitions.map(partitionName);
    while (this.#cluster.hasPendingOffsets(group, names)) await new Promise((resolve) => setImmediate(resolve));
    return new Map(names.flatMap((name) => (group.committed.has(name) ? [[name, group.committed.get(name)!] as const] : [])));
  }

  async commitOffsets(metadata: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    const group = this.#cluster.group(metadata.groupId);
    // A tool, which is no member, may set the offsets of a group that is empty.
    const isTool = metadata.memberId === '' && metadata.generationId < 0;
    if (!isTool || group.members.size > 0) group.checkCurrent(metadata);
    for (const offset of offsets) group.committed.set(partitionName(offset), { offset: offset.offset, metadata: offset.metadata });
  }

  async deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    for (const { offset, ...tp } of before) this.#cluster.log(tp).start = Math.max(this.#cluster.log(tp).start, offset);
  }

  async removeMember(groupId: string, memberId: string): Promise<void> {
    this.#cluster.expel(groupId, memberId);
  }
}

class InMemoryFetcher implements Fetcher {
  onTrouble?: (reason: string) => void;
  readonly #cluster: InMemoryCluster;
  readonly #isCommitted: boolean;
  readonly #positions = new Map<string, { tp: TopicPartition; position: number; told: number; isPaused: boolean }>();

  constructor(cluster: InMemoryCluster, isolation: 'committed' | 'uncommitted') {
    this.#cluster = cluster;
    this.#isCommitted = isolation === 'committed';
  }

  assign(tp: TopicPartition, position: number): void {
    this.#positions.set(partitionName(tp), { tp: { topic: tp.topic, partition: tp.partition }, position, told: -1, isPaused: false });
  }

  unassign(tp: TopicPartition): void {
    this.#positions.delete(partitionName(tp));
  }

  pause(tp: TopicPartition): void {
    this.#setPaused(tp, true);
  }

  resume(tp: TopicPartition): void {
    this.#setPaused(tp, false);
  }

  async poll(maxWaitMs: number): Promise<FetchedPartition[]> {
    const found = this.#read();
    if (found.length > 0 || maxWaitMs === 0) return found;
    await new Promise((resolve) => setTimeout(resolve, Math.min(maxWaitMs, 1)));
    return this.#read();
  }

  async close(): Promise<void> {
    this.#positions.clear();
  }

  #read(): FetchedPartition[] {
    const found: FetchedPartition[] = [];
    for (const entry of this.#positions.values()) {
      if (entry.isPaused) continue;
      const log = this.#cluster.log(entry.tp);
      if (entry.position < log.start || entry.position > log.end) {
        throw new BrokerError('out-of-range', 'OFFSET_OUT_OF_RANGE', `${partitionName(entry.tp)}@${entry.position} is not in the log (${log.start} to ${log.end}).`, { partition: entry.tp });
      }
      const lastStableOffset = log.lastStableOffset;
      const end = this.#isCommitted ? lastStableOffset : log.end;
      if (entry.position >= end && entry.told === lastStableOffset) continue;
      const records: RawRecord[] = [];
      for (let at = entry.position; at < end; at++) {
        const { record, transaction } = log.slots[at]!;
        if (record !== undefined && !(this.#isCommitted && transaction?.state === 'aborted')) records.push(record);
      }
      entry.position = Math.max(entry.position, end);
      entry.told = lastStableOffset;
      found.push({ ...entry.tp, records, nextPosition: entry.position, highWatermark: log.end, lastStableOffset });
    }
    return found;
  }

  #setPaused(tp: TopicPartition, isPaused: boolean): void {
    const entry = this.#positions.get(partitionName(tp));
    if (entry !== undefined) entry.isPaused = isPaused;
  }
}
