// The broker as the runtime sees it. Implementations: src/broker (kafkajs) and src/testing (in memory); both pass test/contract/broker-contract.ts.
// A position is the *next* offset to read, so ends are exclusive everywhere. Offsets are safe integers, never BigInt.

import type { Headers, RawRecord, TopicPartition } from '../record/record.ts';

/** A Kafka cluster as the runtime sees it: `connectKafka(…)` in production, `InMemoryCluster` in tests. */
export interface Broker {
  readonly admin: BrokerAdmin;
  /** A reader with read_committed isolation on connections of its own. */
  fetcher(options?: FetcherOptions): Fetcher;
  /** One transactional producer. Nothing is sent before `init`. `transactionTimeoutMs`: after it the coordinator aborts an abandoned transaction. */
  transactionalProducer(options: { transactionalId: string; transactionTimeoutMs: number }): TransactionalProducer;
  /** Idempotent, acks=all, no transaction: for generators and tools. */
  producer(): PlainProducer;
  /** Joins a consumer group; resolves once the first assignment has been delivered to `onAssigned`. */
  join(options: MembershipOptions): Promise<Membership>;
  /** Closes everything opened through this broker. Idempotent. */
  close(): Promise<void>;
}

/** A topic as it should be. */
export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** −1 = the broker's default. */
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A committed position: the *next* offset to read, and what its committer noted with it. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

/** Questions and orders to the cluster. @throws {BrokerError} when something is refused. */
export interface BrokerAdmin {
  /** Waits until a broker answers; `onWaiting` is called about once a second with the reason while none does. */
  waitUntilReachable(options?: { onWaiting?(reason: string): void; signal?: AbortSignal }): Promise<void>;
  /** Partition count, or undefined when the topic does not exist. */
  partitionCount(topic: string): Promise<number | undefined>;
  /** Creates the topics that are missing. An existing topic with another partition count is an error that names both numbers. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** How many bytes a record batch of a topic may have (`max.message.bytes`), by topic; every topic must exist. */
  batchBytesMax(topics: readonly string[]): Promise<Map<string, number>>;
  /** For how long, ms, a compacted topic shows that a key was deleted (`delete.retention.ms`), by topic; Infinity: it is not compacted. Every topic must exist. */
  deletionsKeptMs(topics: readonly string[]): Promise<Map<string, number>>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  listTopics(): Promise<string[]>;
  /** `earliest`: log start. `latest`: log end (high watermark), *including* open transactions. `stable`: last stable offset. */
  listOffsets(partitions: readonly TopicPartition[], at: 'earliest' | 'latest' | 'stable'): Promise<Map<string, number>>;
  /**
   * Committed offsets of a group with metadata, keyed by `partitionName`; a partition without one is absent.
   * Always stable: waits (retrying) while a transaction with pending offsets for one of the partitions is unresolved.
   */
  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>>;
  /** Non-transactional commit with the member's generation (or none, for tools on an empty group). */
  commitOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void>;
  /** Removes records below the positions (repartition topics after a commit). */
  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>;
  /**
   * Takes a member out of its group at once. For a member known to be dead (its directory lock was free), so that its session need not run out.
   * Unknown members and groups are not an error.
   */
  removeMember(groupId: string, memberId: string): Promise<void>;
}

/** Bounds of one fetch in bytes, and whether records of open and aborted transactions are shown. */
export interface FetcherOptions {
  readonly maxBytes?: number;
  readonly maxBytesPerPartition?: number;
  /** Default `committed`. */
  readonly isolation?: 'committed' | 'uncommitted';
}

/** What one fetch brought for one partition; also reported when it holds no records (only markers or aborted data), so that positions move. */
export interface FetchedPartition extends TopicPartition {
  readonly records: readonly RawRecord[];
  /** Position after this data: past markers, aborted batches and compacted gaps. */
  readonly nextPosition: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/**
 * Reads assigned partitions. `assign` sets or moves a position (takes effect for the next poll; data in flight from the old position is dropped).
 * After `poll` delivered data the fetcher reads on from `nextPosition` by itself.
 */
export interface Fetcher {
  assign(tp: TopicPartition, position: number): void;
  unassign(tp: TopicPartition): void;
  pause(tp: TopicPartition): void;
  resume(tp: TopicPartition): void;
  /**
   * Data that has arrived, waiting at most `maxWaitMs` for the first (0 = only what is already here). Empty when there is none. May deliver entries
   * with no records when the position, high watermark or last stable offset moved or became known: lag knowledge.
   * Outages are retried inside, with `onTrouble` told. @throws OffsetOutOfRange `BrokerError` (kind `out-of-range`) naming the partition.
   */
  poll(maxWaitMs: number): Promise<FetchedPartition[]>;
  /** Told about passing trouble (broker away, leader moving) for messages; never throws it. */
  onTrouble?: (reason: string) => void;
  close(): Promise<void>;
}

/** A record to be written. `timestamp`: epoch ms. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Always explicit: the runtime partitions. */
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: Headers;
}

/** Who commits: a member of a group, in one generation. */
export interface GroupMetadata {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
}

/** `offset`: the *next* one to read. `metadata`: at most 4,096 bytes, by the broker's default. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

/** What has been written where. */
export interface ProduceAck extends TopicPartition {
  /** Position after the last record of this call in that partition. */
  readonly nextPosition: number;
}

/**
 * Life: `init` → any number of (`send`* , `sendOffsets`?, `commit` | `abort`). A transaction begins with the first send or sendOffsets.
 * Any error leaves the producer usable only for `abort` (kinds `retriable`, `rebalance`, `abort`) or `close` (kinds `fenced`, `commit-unknown`, `fatal`).
 */
export interface TransactionalProducer {
  /** Fences every earlier producer of this transactional id and completes or aborts its last transaction. Loops over CONCURRENT_TRANSACTIONS. */
  init(): Promise<void>;
  /** Resolves when every record is acknowledged by all in-sync replicas; splits into batches below the broker's size limit. One call at a time. */
  send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]>;
  /** TxnOffsetCommit with generation and member id (KIP-447): a member of an old generation is refused with kind `rebalance`. */
  sendOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void>;
  /** @throws kind `commit-unknown` when the outcome cannot be known from here. */
  commit(): Promise<void>;
  abort(): Promise<void>;
  close(): Promise<void>;
}

/** Writes outside of transactions. @throws {BrokerError} */
export interface PlainProducer {
  send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]>;
  close(): Promise<void>;
}

/** What the leader of a group knows of a member. */
export interface AssignorMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly userData: Buffer;
}

/** Pure: from members and partition counts to who gets what. Every partition of every subscribed topic must be given to exactly one member. */
export interface GroupAssignor {
  readonly name: string;
  assign(members: readonly AssignorMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, readonly TopicPartition[]>;
}

/** How to be a member of a group, and what to do as ownership changes. Times in ms. */
export interface MembershipOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly assignor: GroupAssignor;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Fresh for each join: what this instance holds. */
  userData(): Buffer;
  /**
   * A rebalance begins and all partitions are given up (eager protocol). Awaited before JoinGroup is sent, with heartbeats going on meanwhile; commits
   * made inside it with the old generation still count. May be called when nothing is owned.
   */
  onRevoked(): Promise<void>;
  /** Ownership was lost without a chance to commit (expelled, or the generation moved on). Nothing may be committed any more. */
  onLost(): Promise<void>;
  /** The new assignment, with the generation to commit under. Called before anything else happens in this generation. */
  onAssigned(partitions: readonly TopicPartition[], group: GroupMetadata): Promise<void>;
  onTrouble?(reason: string): void;
  /**
   * The membership is over, after the first assignment and by no wish of ours: what stopped it is not cured by trying again (permissions, or an assignor that
   * has no answer; what that one threw is the `cause`). Partitions have been given up and the group left. Before the first assignment `join` throws it instead.
   */
  onFatal(error: unknown): void;
  /** Aborted = as `leave`, and also while `join` waits for Kafka or for other members: it then throws once the group has been left. */
  readonly signal?: AbortSignal;
}

/** A place in a group. */
export interface Membership {
  /** Leaves the group for good: `onRevoked` is awaited first. */
  leave(): Promise<void>;
}

/**
 * retriable: same again may work · abort: this transaction is dead, the producer is not · fenced: another producer has this id, or our epoch is gone ·
 * commit-unknown: EndTxn was sent and no answer came · rebalance: our generation or membership is not current · out-of-range: position not in the log ·
 * too-large: a record exceeds the broker's limit · fatal: settings or permissions.
 */
export type BrokerErrorKind = 'retriable' | 'abort' | 'fenced' | 'commit-unknown' | 'rebalance' | 'out-of-range' | 'too-large' | 'fatal';

/** What the broker, or the way to it, said; `kind` is what the runtime decides by, see docs/errors.md. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly kind: BrokerErrorKind;
  /** Kafka's own error name, or the socket error's code. */
  readonly code: string;
  readonly partition: TopicPartition | undefined;
  constructor(kind: BrokerErrorKind, code: string, message: string, options?: { cause?: unknown; partition?: TopicPartition }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.partition = options?.partition;
  }
}
