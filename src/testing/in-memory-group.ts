// A consumer group in memory, with the eager protocol's rules: a new generation begins when every member has given up what it had; who is taken out
// learns it later, and comes back as another member.

import { BrokerError, type AssignorMember, type CommittedOffset, type GroupMetadata, type MembershipOptions } from '../ports/broker.ts';

/** waiting: owns nothing, ready for the next generation · expelled: taken out, whether it knows or not · gone: left or dead, for good. */
type Phase = 'waiting' | 'owner' | 'revoking' | 'expelled' | 'gone';

export class GroupMember {
  readonly options: MembershipOptions;
  id: string;
  phase: Phase = 'waiting';
  readonly #first = Promise.withResolvers<void>();
  #wasAssigned = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(id: string, options: MembershipOptions) {
    this.id = id;
    this.options = options;
    this.#first.promise.catch(() => {}); // whoever joined may have stopped listening
  }

  /** Resolves after the first assignment. @throws BrokerError when the member ends before. */
  get firstAssigned(): Promise<void> {
    return this.#first.promise;
  }

  /** Callbacks of one member never overlap. */
  inTurn(action: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(action);
    return this.#turn;
  }

  async assign(partitions: Parameters<MembershipOptions['onAssigned']>[0], group: GroupMetadata): Promise<void> {
    await this.inTurn(async () => {
      if (this.phase !== 'gone') await this.options.onAssigned(partitions, group);
    });
    this.#wasAssigned = true;
    this.#first.resolve();
  }

  end(): void {
    this.phase = 'gone';
    this.#first.reject(new BrokerError('fatal', 'CLOSED', 'The connection was closed before the group had answered.'));
  }

  /** The assignor has no answer: told by `join` if that is still waiting, else by `onFatal`. */
  fail(error: BrokerError): void {
    this.phase = 'gone';
    if (this.#wasAssigned) this.options.onFatal(error);
    else this.#first.reject(error);
  }
}

export class InMemoryGroup {
  readonly id: string;
  readonly committed = new Map<string, CommittedOffset>();
  readonly #members = new Map<string, GroupMember>();
  readonly #partitionCount: (topic: string) => number;
  #generation = 0;
  #isRebalancing = false;
  #joined = 0;

  constructor(id: string, partitionCount: (topic: string) => number) {
    this.id = id;
    this.#partitionCount = partitionCount;
  }

  get members(): ReadonlyMap<string, GroupMember> {
    return this.#members;
  }

  join(options: MembershipOptions): GroupMember {
    const member = new GroupMember(this.#newMemberId(), options);
    if ([...this.#members.values()].some((other) => other.options.assignor.name !== options.assignor.name)) {
      const advice = 'Its members are of another application, or of a version of this one with another layout of tasks. Stop all of them first, or give this one a group id of its own.';
      member.fail(new BrokerError('fatal', 'INCONSISTENT_GROUP_PROTOCOL', `Could not join group ${this.id}. ${advice}`));
      return member;
    }
    this.#members.set(member.id, member);
    this.#rebalance();
    return member;
  }

  async leave(member: GroupMember): Promise<void> {
    if (member.phase === 'owner') await this.#revoke(member);
    this.vanish(member);
  }

  /** Without asking or telling the member, as when its process dies and its session has run out. */
  vanish(member: GroupMember): void {
    member.end();
    if (this.#members.get(member.id) === member && this.#members.delete(member.id)) this.#rebalance();
  }

  /** Takes a member out, as when its session has run out though it lives. After `told` it learns of that, and joins again. */
  expel(memberId: string, told: Promise<void> = Promise.resolve()): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#members.delete(memberId);
    member.phase = 'expelled';
    this.#rebalance();
    void told.then(() => this.#comeBack(member));
  }

  /** @throws BrokerError `rebalance` unless this is a member of the current generation. */
  checkCurrent({ generationId, memberId }: GroupMetadata): void {
    const isMember = this.#members.has(memberId);
    if (isMember && generationId === this.#generation) return;
    const from = memberId === '' ? 'no member' : `${memberId} of generation ${generationId}`;
    const code = isMember ? 'ILLEGAL_GENERATION' : 'UNKNOWN_MEMBER_ID';
    throw new BrokerError('rebalance', code, `The group ${this.id} is at generation ${this.#generation}; this commit came from ${from}.`);
  }

  #newMemberId(): string {
    return `${this.id}-member-${++this.#joined}`;
  }

  #rebalance(): void {
    this.#isRebalancing = true;
    for (const member of this.#members.values()) if (member.phase === 'owner') void this.#revoke(member);
    this.#beginGeneration();
  }

  async #revoke(member: GroupMember): Promise<void> {
    member.phase = 'revoking';
    await member.inTurn(async () => {
      if (member.phase === 'revoking') await member.options.onRevoked();
    });
    if (member.phase !== 'revoking') return;
    member.phase = 'waiting';
    this.#beginGeneration();
  }

  async #comeBack(member: GroupMember): Promise<void> {
    await member.inTurn(async () => {
      if (member.phase === 'expelled') await member.options.onLost();
    });
    if (member.phase !== 'expelled') return;
    member.id = this.#newMemberId();
    member.phase = 'waiting';
    this.#members.set(member.id, member);
    this.#rebalance();
  }

  /** Once nobody owns anything any more. */
  #beginGeneration(): void {
    const members = [...this.#members.values()];
    if (!this.#isRebalancing || members.length === 0 || members.some(({ phase }) => phase !== 'waiting')) return;
    this.#isRebalancing = false;
    this.#generation++;
    const infos = members.map(({ id, options }): AssignorMember => ({ memberId: id, topics: options.topics, userData: options.userData() }));
    const counts = new Map(members.flatMap(({ options }) => options.topics).map((topic) => [topic, this.#partitionCount(topic)]));
    const leader = members[0]!;
    let assignment: ReturnType<MembershipOptions['assignor']['assign']>;
    try {
      assignment = leader.options.assignor.assign(infos, counts);
    } catch (error) {
      this.#members.delete(leader.id);
      leader.fail(error instanceof BrokerError ? error : new BrokerError('fatal', 'BAD_ASSIGNMENT', `The assignor ${leader.options.assignor.name} has no answer.`, { cause: error }));
      return this.#rebalance();
    }
    for (const member of members) {
      member.phase = 'owner';
      void member.assign(assignment.get(member.id) ?? [], { groupId: this.id, generationId: this.#generation, memberId: member.id });
    }
  }
}
