// Membership in a consumer group by the classic protocol, eagerly: join → sync → own → heartbeat → give everything up → join again.
//
// kafkajs has a consumer that could do this while paused. It is not used, because its group loop lives inside its fetch loop: a moved coordinator crashes it
// (with a new member id, so that the group waits for the old one), it sends no heartbeat while it waits for us to give partitions up, it cannot leave while it
// joins, and with several brokers two of its fetch loops can join at once. Five small requests say the same with no way around the hooks.

import { BrokerError, type GroupMetadata, type Membership, type MembershipOptions } from '../ports/broker.ts';
import { topError, type Connections } from './connections.ts';
import { closedError, code, isRetriable, messageOf, protocolError, readError } from './errors.ts';
import { assignPartitions, subscribedTopics } from './group-leader.ts';
import { sleep } from './patience.ts';
import {
  decodeAssignment,
  encodeSubscription,
  heartbeatRequest,
  joinGroupRequest,
  leaveGroupRequest,
  syncGroupRequest,
  type JoinAnswer,
} from './protocol/groups.ts';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
const LEAVE_PATIENCE_MS = 5_000;
const PARTITION_WATCH_MS = 30_000;
const INTERRUPT_INTERVAL_MS = 50;

/** What a heartbeat brought. `lost`: the coordinator no longer counts us in; `rebalance`: it asks everybody to join again. */
type Pulse = 'fine' | 'rebalance' | 'lost' | 'no answer';

export class KafkaMembership implements Membership {
  readonly #connections: Connections;
  readonly #options: MembershipOptions;
  /** Aborted by `leave` and by closing. */
  readonly #stop = new AbortController();
  #memberId = '';
  #generationId = -1;
  /** Whether `onAssigned` has been called and neither `onRevoked` nor `onLost` since. */
  #isOwner = false;
  /** As the leader assigned them; empty for other members. */
  #assignedCounts: ReadonlyMap<string, number> = new Map();
  #running: Promise<void> = Promise.resolve();
  /** Whether requests under way may be cut off when the end comes: no hook is running, and no answer is needed any more. */
  #mayCutOff = true;

  private constructor(connections: Connections, options: MembershipOptions) {
    this.#connections = connections;
    this.#options = options;
    for (const signal of [connections.closing, options.signal]) {
      if (signal?.aborted) this.#stop.abort();
      signal?.addEventListener('abort', () => this.#stop.abort(), { signal: this.#stop.signal });
    }
  }

  /** Keeps trying while brokers are away. @throws when trying again cannot help: missing topics, another assignor in the group, permissions. */
  static async join(connections: Connections, options: MembershipOptions): Promise<KafkaMembership> {
    const membership = new KafkaMembership(connections, options);
    await new Promise<void>((resolve, reject) => {
      membership.#running = membership.#run(resolve, reject);
      membership.#stop.signal.addEventListener('abort', () => void membership.#cutOff());
    });
    return membership;
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#connections.close();
  }

  /** The coordinator may hold an answer back for minutes, and a Kafka that is away gives none at all. */
  async #cutOff(): Promise<void> {
    const over = new AbortController();
    void this.#running.finally(() => over.abort());
    while (!over.signal.aborted) {
      if (this.#mayCutOff) this.#connections.interrupt();
      await sleep(INTERRUPT_INTERVAL_MS, over.signal);
    }
  }

  async #run(joined: () => void, failed: (error: unknown) => void): Promise<void> {
    let isFirst = true;
    let waitMs = RETRY_FIRST_MS;
    while (!this.#stop.signal.aborted) {
      try {
        this.#mayCutOff = isFirst;
        if (isFirst) await this.#checkTopics();
        await this.#joinGeneration();
        waitMs = RETRY_FIRST_MS;
        if (isFirst) joined();
        isFirst = false;
        await this.#stay();
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        if (isFirst ? !isRetriable(error) : isFatal(error)) {
          await this.#revoke();
          await this.#sendLeave();
          return isFirst ? failed(error) : this.#options.onFatal(error);
        }
        this.#trouble(messageOf(error));
        await sleep(waitMs, this.#stop.signal);
        waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
      }
    }
    if (!this.#connections.closing.aborted) {
      await this.#revoke();
      await this.#sendLeave();
    }
    if (isFirst) failed(closedError('membership'));
  }

  // --- Becoming a member of the next generation ---

  async #joinGeneration(): Promise<void> {
    await this.#revoke();
    let assignment: Buffer | undefined;
    this.#mayCutOff = true;
    try {
      while (assignment === undefined) {
        this.#throwIfStopped();
        const join = await this.#joinGroup();
        if (join !== undefined) assignment = await this.#syncGroup(join);
      }
      this.#throwIfStopped();
    } finally {
      this.#mayCutOff = false;
    }
    const partitions = decodeAssignment(assignment);
    this.#isOwner = true;
    try {
      // Even if the next rebalance is announced meanwhile, it waits until this is over: the hooks never overlap.
      await this.#whileBeating(() => this.#options.onAssigned(partitions, this.#group()));
    } catch (error) {
      this.#isOwner = false; // nobody works on these partitions: join again, rather than hold them
      throw error;
    }
  }

  /** Undefined = again at once. */
  async #joinGroup(): Promise<JoinAnswer | undefined> {
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, assignor, topics, userData } = this.#options;
    const request = joinGroupRequest({
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      assignorName: assignor.name,
      subscription: encodeSubscription(topics, userData()),
    });
    const answer = await this.#connections.sendToCoordinator('group', groupId, request, topError);
    switch (answer.errorCode) {
      case 0:
        this.#memberId = answer.memberId;
        this.#generationId = answer.generationId;
        return answer;
      case code.memberIdRequired:
        this.#memberId = answer.memberId;
        return undefined;
      case code.unknownMember:
        this.#memberId = '';
        return undefined;
      default:
        throw readError(answer.errorCode, `join group ${groupId}`);
    }
  }

  /** Undefined = the generation is over before it began: join again. */
  async #syncGroup(join: JoinAnswer): Promise<Buffer | undefined> {
    const { groupId, rebalanceTimeoutMs } = this.#options;
    const assignments = join.leaderId === join.memberId ? await this.#assign(join) : this.#followLeader();
    const request = syncGroupRequest(this.#group(), assignments, rebalanceTimeoutMs + 10_000);
    const answer = await this.#connections.sendToCoordinator('group', groupId, request, topError);
    switch (answer.errorCode) {
      case 0:
        return answer.assignment;
      case code.unknownMember:
        this.#memberId = '';
        return undefined;
      case code.rebalanceInProgress:
      case code.illegalGeneration:
        return undefined;
      default:
        throw readError(answer.errorCode, `synchronise with group ${groupId}`);
    }
  }

  async #assign(join: JoinAnswer): Promise<Map<string, Buffer>> {
    const counts = await this.#partitionCounts(subscribedTopics(join.members));
    this.#assignedCounts = counts;
    return assignPartitions(this.#options.assignor, join.members, counts);
  }

  #followLeader(): Map<string, Buffer> {
    this.#assignedCounts = new Map();
    return new Map();
  }

  /** Of the topics that exist; the others are named as trouble, and watched for. */
  async #partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const metadata = await this.#connections.refresh(topics);
    const failed = metadata.topics.find(({ errorCode }) => errorCode !== 0 && errorCode !== code.unknownTopic);
    if (failed !== undefined) throw readError(failed.errorCode, `describe topic ${failed.topic}`);
    const missing = metadata.topics.filter(({ errorCode }) => errorCode !== 0).map(({ topic }) => topic);
    if (missing.length > 0) this.#trouble(`Subscribed topics do not exist, so nobody reads them: ${missing.join(', ')}.`);
    return new Map(metadata.topics.filter(({ errorCode }) => errorCode === 0).map(({ topic, partitions }) => [topic, partitions.length]));
  }

  async #checkTopics(): Promise<void> {
    const { topics } = await this.#connections.refresh(this.#options.topics);
    const missing = topics.filter(({ errorCode }) => errorCode === code.unknownTopic).map(({ topic }) => topic);
    if (missing.length > 0) {
      throw new BrokerError(
        'fatal',
        'UNKNOWN_TOPIC_OR_PARTITION',
        `Group ${this.#options.groupId} cannot read topics that do not exist: ${missing.join(', ')}. Create them first, or correct their names.`,
      );
    }
    const failed = topics.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw readError(failed.errorCode, `describe topic ${failed.topic}`);
  }

  // --- Being a member ---

  /** Until everybody has to join again. */
  async #stay(): Promise<void> {
    const { heartbeatIntervalMs } = this.#options;
    let watchAt = performance.now() + PARTITION_WATCH_MS;
    let waitMs = heartbeatIntervalMs;
    for (;;) {
      await sleep(waitMs, this.#stop.signal);
      this.#throwIfStopped();
      this.#mayCutOff = true;
      const pulse = await this.#beat();
      this.#mayCutOff = false;
      if (pulse === 'rebalance') return;
      if (pulse === 'lost') return this.#lose();
      waitMs = pulse === 'fine' ? heartbeatIntervalMs : Math.min(RETRY_MAX_MS, heartbeatIntervalMs);
      if (pulse === 'fine' && performance.now() >= watchAt) {
        if (await this.#havePartitionsChanged()) return; // a leader that joins again starts a rebalance for all
        watchAt = performance.now() + PARTITION_WATCH_MS;
      }
    }
  }

  async #beat(): Promise<Pulse> {
    try {
      const { errorCode } = await this.#connections.sendToCoordinator('group', this.#options.groupId, heartbeatRequest(this.#group()), topError);
      switch (errorCode) {
        case 0:
          return 'fine';
        case code.rebalanceInProgress:
          return 'rebalance';
        case code.unknownMember:
          this.#memberId = '';
          return 'lost';
        case code.illegalGeneration:
          return 'lost';
        default:
          throw readError(errorCode, `send a heartbeat to group ${this.#options.groupId}`);
      }
    } catch (error) {
      if (isFatal(error) && !this.#connections.closing.aborted) throw error;
      if (!this.#stop.signal.aborted) this.#trouble(messageOf(error));
      return 'no answer'; // the session goes on until the coordinator says otherwise; fencing by generation guards the commits
    }
  }

  async #havePartitionsChanged(): Promise<boolean> {
    if (this.#assignedCounts.size === 0) return false;
    try {
      const counts = await this.#partitionCounts(this.#options.topics);
      return [...counts].some(([topic, count]) => this.#assignedCounts.get(topic) !== count);
    } catch {
      return false; // the next heartbeat will report the trouble
    }
  }

  // --- Giving up ---

  async #revoke(): Promise<void> {
    if (!this.#isOwner) return;
    try {
      await this.#whileBeating(() => this.#options.onRevoked());
    } catch (error) {
      this.#trouble(`onRevoked failed: ${messageOf(error)}`);
    }
    this.#isOwner = false;
  }

  async #lose(): Promise<void> {
    this.#isOwner = false;
    try {
      await this.#options.onLost();
    } catch (error) {
      this.#trouble(`onLost failed: ${messageOf(error)}`);
    }
  }

  /**
   * Runs a hook to its end with heartbeats going on: in a rebalance the coordinator waits for us as long as they come, up to the rebalance timeout. What the
   * heartbeats say meanwhile is only news to act on afterwards, by the next heartbeat or JoinGroup.
   */
  async #whileBeating(hook: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#connections.closing]);
    const beating = (async () => {
      while (!signal.aborted) {
        await sleep(this.#options.heartbeatIntervalMs, signal);
        if (!signal.aborted) await this.#beatKeepingIdentity();
      }
    })();
    try {
      await hook();
    } finally {
      over.abort();
      this.#mayCutOff = true;
      await beating;
      this.#mayCutOff = false;
    }
  }

  /** A hook may be committing under the identity it was told: it must not change beneath it. */
  async #beatKeepingIdentity(): Promise<void> {
    const memberId = this.#memberId;
    await this.#beat().catch((error: unknown) => this.#trouble(messageOf(error)));
    this.#memberId = memberId;
  }

  async #sendLeave(): Promise<void> {
    this.#mayCutOff = false; // now an answer is wanted
    if (this.#memberId === '') return;
    const until = performance.now() + LEAVE_PATIENCE_MS;
    const limit = setInterval(() => this.#connections.interrupt(), LEAVE_PATIENCE_MS);
    for (;;) {
      try {
        const request = leaveGroupRequest(this.#options.groupId, this.#memberId);
        const { errorCode } = await this.#connections.sendToCoordinator('group', this.#options.groupId, request, topError);
        if (errorCode === 0 || errorCode === code.unknownMember || errorCode === code.groupIdNotFound) break;
        throw protocolError(errorCode, `leave group ${this.#options.groupId}`);
      } catch (error) {
        if (!isRetriable(error) || performance.now() >= until) {
          this.#trouble(`${messageOf(error)} The group will notice after the session timeout.`);
          break;
        }
        await sleep(RETRY_FIRST_MS, this.#connections.closing);
      }
    }
    clearInterval(limit);
    this.#memberId = '';
  }

  #throwIfStopped(): void {
    if (this.#stop.signal.aborted) throw closedError('membership');
  }

  #group(): GroupMetadata {
    return { groupId: this.#options.groupId, generationId: this.#generationId, memberId: this.#memberId };
  }

  #trouble(reason: string): void {
    this.#options.onTrouble?.(reason);
  }
}

function isFatal(error: unknown): boolean {
  return error instanceof BrokerError && error.kind === 'fatal';
}
