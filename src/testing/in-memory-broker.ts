// A broker in memory with Kafka's rules where the runtime can see them: logs with transaction markers, last stable offset, fencing by id and by
// generation, offsets that become visible with their transaction. Not modelled: compaction, retention by time, several brokers, request sizes.

import {
  BrokerError,
  type AssignorMember,
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
  type OutgoingRecord,
  type PlainProducer,
  type ProduceAck,
  type TopicSpec,
  type TransactionalProducer,
} from '../ports/broker.ts';
import { partitionName, type RawRecord, type TopicPartition } from '../record/record.ts';

/** One slot of a log: a record, or a marker that ended a transaction. */
interface Slot {
  readonly offset: number;
  readonly record: RawRecord | undefined;
  readonly transaction: Transaction | undefined;
}

interface Transaction {
  state: 'open' | 'committed' | 'aborted';
  readonly partitions: Set<Log>;
  readonly offsets: Map<string, { group: Group; offsets: Map<string, CommittedOffset> }>;
}

class Log {
  readonly slots: Slot[] = [];
  start = 0;

  get end(): number {
    return this.slots.length;
  }

  get lastStableOffset(): number {
    const open = this.slots.find((slot) => slot.record !== undefined && slot.transaction?.state === 'open');
    return open === undefined ? this.end : open.offset;
  }

  append(record: Omit<RawRecord, 'offset'> | undefined, transaction: Transaction | undefined): void {
    const offset = this.slots.length;
    this.slots.push({ offset, record: record === undefined ? undefined : { ...record, offset }, transaction });
  }
}

interface Member {
  readonly id: string;
  readonly options: MembershipOptions;
  /** Serialises the callbacks of one member. */
  turn: Promise<void>;
  isOwner: boolean;
}

class Group {
  generation = 0;
  readonly members = new Map<string, Member>();
  readonly committed = new Map<string, CommittedOffset>();
  rebalance: Promise<void> = Promise.resolve();
}

/** The cluster; `connect()` gives brokers that share it, as processes would. */
export class InMemoryCluster {
  readonly topics = new Map<string, Log[]>();
  readonly groups = new Map<string, Group>();
  readonly producers = new Map<string, { epoch: number; transaction: Transaction | undefined }>();
  #members = 0;

  connect(): Broker {
    return new InMemoryBroker(this);
  }

  log(tp: TopicPartition): Log {
    const log = this.topics.get(tp.topic)?.[tp.partition];
    if (log === undefined) throw new BrokerError('fatal', 'UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${partitionName(tp)}.`);
    return log;
  }

  group(id: string): Group {
    const group = this.groups.get(id) ?? new Group();
    this.groups.set(id, group);
    return group;
  }

  append(records: readonly OutgoingRecord[], transaction: Transaction | undefined): ProduceAck[] {
    const touched = new Map<string, OutgoingRecord>();
    for (const record of records) this.log(record);
    for (const record of records) {
      const log = this.log(record);
      const { key, value, timestamp, headers } = record;
      log.append({ key, value, timestamp, headers }, transaction);
      transaction?.partitions.add(log);
      touched.set(partitionName(record), record);
    }
    return [...touched.values()].map(({ topic, partition }) => ({ topic, partition, nextPosition: this.log({ topic, partition }).end }));
  }

  end(transaction: Transaction, state: 'committed' | 'aborted'): void {
    transaction.state = state;
    for (const log of transaction.partitions) log.append(undefined, transaction);
    if (state !== 'committed') return;
    for (const { group, offsets } of transaction.offsets.values()) for (const [name, offset] of offsets) group.committed.set(name, offset);
  }

  nextMemberId(): string {
    return `member-${++this.#members}`;
  }

  /** Gives every member its part under a new generation, after all have given up theirs. */
  rebalance(group: Group): Promise<void> {
    group.rebalance = group.rebalance.then(async () => {
      await Promise.all([...group.members.values()].map((member) => this.#revoke(member)));
      const members = [...group.members.values()];
      if (members.length === 0) return;
      group.generation++;
      const infos = members.map(({ id, options }): AssignorMember => ({ memberId: id, topics: options.topics, userData: options.userData() }));
      const counts = new Map(members.flatMap(({ options }) => options.topics).map((topic) => [topic, this.topics.get(topic)?.length ?? 0]));
      const assignment = members[0]!.options.assignor.assign(infos, counts);
      await Promise.all(
        members.map((member) => {
          member.isOwner = true;
          const metadata: GroupMetadata = { groupId: member.options.groupId, generationId: group.generation, memberId: member.id };
          return inTurn(member, () => member.options.onAssigned(assignment.get(member.id) ?? [], metadata));
        }),
      );
    });
    return group.rebalance;
  }

  /** Expels a member that does not know it yet, as a session timeout would. */
  expel(groupId: string, memberId: string): Promise<void> {
    const group = this.group(groupId);
    group.members.delete(memberId);
    return this.rebalance(group);
  }

  async #revoke(member: Member): Promise<void> {
    if (!member.isOwner) return;
    member.isOwner = false;
    await inTurn(member, () => member.options.onRevoked());
  }
}

function inTurn(member: Member, action: () => Promise<void>): Promise<void> {
  member.turn = member.turn.then(action);
  return member.turn;
}

class InMemoryBroker implements Broker {
  readonly admin: BrokerAdmin;
  readonly #cluster: InMemoryCluster;

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
    return { send: async (records) => this.#cluster.append(records, undefined), close: async () => {} };
  }

  async join(options: MembershipOptions): Promise<Membership> {
    const group = this.#cluster.group(options.groupId);
    const member: Member = { id: this.#cluster.nextMemberId(), options, turn: Promise.resolve(), isOwner: false };
    group.members.set(member.id, member);
    await this.#cluster.rebalance(group);
    return {
      leave: async () => {
        if (!group.members.has(member.id)) return;
        if (member.isOwner) {
          member.isOwner = false;
          await inTurn(member, () => member.options.onRevoked());
        }
        group.members.delete(member.id);
        await this.#cluster.rebalance(group);
      },
    };
  }

  async close(): Promise<void> {}
}

class InMemoryAdmin implements BrokerAdmin {
  readonly #cluster: InMemoryCluster;

  constructor(cluster: InMemoryCluster) {
    this.#cluster = cluster;
  }

  async waitUntilReachable(): Promise<void> {}

  async partitionCount(topic: string): Promise<number | undefined> {
    return this.#cluster.topics.get(topic)?.length;
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const { topic, partitions } of specs) {
      const existing = this.#cluster.topics.get(topic);
      if (existing === undefined) {
        this.#cluster.topics.set(topic, Array.from({ length: partitions }, () => new Log()));
      } else if (existing.length !== partitions) {
        throw new BrokerError('fatal', 'INVALID_PARTITIONS', `Topic ${topic} has ${existing.length} partitions, and ${partitions} are needed.`);
      }
    }
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
    const isPending = (): boolean =>
      [...this.#cluster.producers.values()].some(
        ({ transaction }) => transaction?.state === 'open' && names.some((name) => transaction.offsets.get(groupId)?.offsets.has(name)),
      );
    while (isPending()) await new Promise((resolve) => setImmediate(resolve));
    return new Map(names.flatMap((name) => (group.committed.has(name) ? [[name, group.committed.get(name)!] as const] : [])));
  }

  async commitOffsets(metadata: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    const group = this.#cluster.group(metadata.groupId);
    checkGeneration(group, metadata);
    for (const offset of offsets) group.committed.set(partitionName(offset), { offset: offset.offset, metadata: offset.metadata });
  }

  async deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    for (const { offset, ...tp } of before) this.#cluster.log(tp).start = Math.max(this.#cluster.log(tp).start, offset);
  }

  async removeMember(groupId: string, memberId: string): Promise<void> {
    const group = this.#cluster.group(groupId);
    if (group.members.delete(memberId)) await this.#cluster.rebalance(group);
  }
}

function checkGeneration(group: Group, { generationId, memberId, groupId }: GroupMetadata): void {
  const isCurrent = group.members.has(memberId) && generationId === group.generation;
  if (group.members.size === 0 && generationId < 0 && memberId === '') return;
  if (isCurrent) return;
  const code = group.members.has(memberId) ? 'ILLEGAL_GENERATION' : 'UNKNOWN_MEMBER_ID';
  throw new BrokerError('rebalance', code, `The group ${groupId} is at generation ${group.generation}; this commit came from ${memberId || 'no member'} of generation ${generationId}.`);
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
      const slots = log.slots.slice(entry.position, end);
      const records = slots.flatMap(({ record, transaction }) => (record === undefined || (this.#isCommitted && transaction?.state === 'aborted') ? [] : [record]));
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

class InMemoryTransactionalProducer implements TransactionalProducer {
  readonly #cluster: InMemoryCluster;
  readonly #id: string;
  #epoch: number | undefined;

  constructor(cluster: InMemoryCluster, id: string) {
    this.#cluster = cluster;
    this.#id = id;
  }

  async init(): Promise<void> {
    const known = this.#cluster.producers.get(this.#id);
    if (known?.transaction !== undefined) this.#cluster.end(known.transaction, 'aborted');
    this.#epoch = (known?.epoch ?? -1) + 1;
    this.#cluster.producers.set(this.#id, { epoch: this.#epoch, transaction: undefined });
  }

  async send(records: readonly OutgoingRecord[]): Promise<ProduceAck[]> {
    return this.#cluster.append(records, this.#transaction());
  }

  async sendOffsets(metadata: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    const transaction = this.#transaction();
    const group = this.#cluster.group(metadata.groupId);
    checkGeneration(group, metadata);
    const pending = transaction.offsets.get(metadata.groupId) ?? { group, offsets: new Map<string, CommittedOffset>() };
    for (const offset of offsets) pending.offsets.set(partitionName(offset), { offset: offset.offset, metadata: offset.metadata });
    transaction.offsets.set(metadata.groupId, pending);
  }

  async commit(): Promise<void> {
    this.#end('committed');
  }

  async abort(): Promise<void> {
    this.#end('aborted');
  }

  async close(): Promise<void> {}

  #end(state: 'committed' | 'aborted'): void {
    const own = this.#own();
    if (own.transaction !== undefined) this.#cluster.end(own.transaction, state);
    own.transaction = undefined;
  }

  #transaction(): Transaction {
    const own = this.#own();
    own.transaction ??= { state: 'open', partitions: new Set(), offsets: new Map() };
    return own.transaction;
  }

  #own(): { epoch: number; transaction: Transaction | undefined } {
    const own = this.#cluster.producers.get(this.#id);
    if (this.#epoch === undefined) throw new BrokerError('fatal', 'NOT_INITIALISED', `The producer ${this.#id} was used before init().`);
    if (own?.epoch !== this.#epoch) throw new BrokerError('fenced', 'PRODUCER_FENCED', `Another producer has taken over the transactional id ${this.#id}.`);
    return own;
  }
}
