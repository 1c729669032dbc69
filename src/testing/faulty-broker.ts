// A broker that has bad days, in front of one that has none: requests that never arrive, answers that never come, commits that take effect later, fetches
// that bring data bit by bit, and the death of the process before or after any of it. What happens is the plan's choice, so one seed can draw it all.

import {
  BrokerError,
  type Broker,
  type BrokerAdmin,
  type FetchedPartition,
  type Fetcher,
  type FetcherOptions,
  type Membership,
  type MembershipOptions,
  type PlainProducer,
  type TransactionalProducer,
} from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import { never, type Lifeline } from './lifeline.ts';

/** Calls that the plan is asked about; all others do what they are asked, as long as the process lives. */
export type BrokerCall = 'init' | 'send' | 'sendOffsets' | 'commit' | 'abort' | 'committedOffsets' | 'listOffsets';

/**
 * refused: nothing happens, an error comes · unanswered: it happens, an error comes all the same · late: for a commit, it happens when the coordinator gets
 * to it · dies-before, dies-after: the process ends there.
 */
export type BrokerFault = 'refused' | 'unanswered' | 'late' | 'dies-before' | 'dies-after';

/** Decides what goes wrong: ask a seeded generator, and one seed is one history. */
export interface FaultPlan {
  fault(call: BrokerCall): BrokerFault | undefined;
  /** The way to the broker and the way back: others act meanwhile. */
  travel(): Promise<void>;
  /** How many of the records that have arrived for a partition the next poll delivers, 0 to `arrived`. */
  deliver(arrived: number): number;
}

/** Commits that the coordinator has accepted and not carried out yet, of all brokers of a cluster: nothing else can end such a transaction. */
export class LateCommits {
  readonly #byId = new Map<string, () => Promise<void>>();

  /** Transactional ids of the commits that wait. */
  get ids(): string[] {
    return [...this.#byId.keys()];
  }

  /** Keeps a commit for later. */
  add(transactionalId: string, commit: () => Promise<void>): void {
    this.#byId.set(transactionalId, commit);
  }

  /** Carries out the commit of this id, if one waits. */
  async carryOut(transactionalId: string): Promise<void> {
    const commit = this.#byId.get(transactionalId);
    this.#byId.delete(transactionalId);
    await commit?.();
  }
}

/** A broker with bad days in front of one without: what goes wrong, and when, is the choice of a `FaultPlan`. */
export class FaultyBroker implements Broker {
  readonly admin: BrokerAdmin;
  readonly #inner: Broker;
  readonly #calls: Calls;
  readonly #plan: FaultPlan;
  readonly #life: Lifeline;
  readonly #late: LateCommits;

  constructor(inner: Broker, parts: { plan: FaultPlan; life: Lifeline; late: LateCommits }) {
    this.#inner = inner;
    this.#plan = parts.plan;
    this.#life = parts.life;
    this.#late = parts.late;
    this.#calls = new Calls(parts.plan, parts.life);
    this.admin = faultyAdmin(inner.admin, this.#calls, this.#life);
  }

  fetcher(options?: FetcherOptions): Fetcher {
    return new FaultyFetcher(this.#inner.fetcher(options), this.#plan, this.#life);
  }

  transactionalProducer(options: { transactionalId: string; transactionTimeoutMs: number }): TransactionalProducer {
    const inner = this.#inner.transactionalProducer(options);
    const calls = this.#calls;
    return {
      init: () =>
        calls.make('init', async () => {
          await this.#late.carryOut(options.transactionalId);
          await inner.init();
        }),
      send: (records) => calls.make('send', () => inner.send(records)),
      sendOffsets: (group, offsets) => calls.make('sendOffsets', () => inner.sendOffsets(group, offsets)),
      commit: () =>
        calls.make(
          'commit',
          () => inner.commit(),
          () => this.#late.add(options.transactionalId, () => inner.commit()),
        ),
      abort: () => calls.make('abort', () => inner.abort()),
      close: () => this.#life.through(() => inner.close()),
    };
  }

  producer(): PlainProducer {
    const inner = this.#inner.producer();
    return { send: (records) => this.#life.through(() => inner.send(records)), close: () => this.#life.through(() => inner.close()) };
  }

  async join(options: MembershipOptions): Promise<Membership> {
    // A dead process answers nothing: the group waits for it until its session has run out.
    const membership = await this.#life.through(() =>
      this.#inner.join({
        ...options,
        onRevoked: () => this.#life.through(() => options.onRevoked()),
        onLost: () => this.#life.through(() => options.onLost()),
        onAssigned: (partitions, group) => this.#life.through(() => options.onAssigned(partitions, group)),
      }),
    );
    return { leave: () => this.#life.through(() => membership.leave()) };
  }

  /** Of the process's connections, which is all that the group sees of its death once its session has run out. */
  close(): Promise<void> {
    return this.#inner.close();
  }
}

class Calls {
  readonly #plan: FaultPlan;
  readonly #life: Lifeline;

  constructor(plan: FaultPlan, life: Lifeline) {
    this.#plan = plan;
    this.#life = life;
  }

  make<T>(call: BrokerCall, effect: () => Promise<T>, later?: () => void): Promise<T> {
    return this.#life.through(async () => {
      await this.#life.through(() => this.#plan.travel());
      const fault = this.#plan.fault(call);
      switch (fault) {
        case undefined: {
          const result = await effect();
          await this.#plan.travel();
          return result;
        }
        case 'dies-before':
          this.#life.end();
          return never();
        case 'refused':
          throw failure(call, 'was refused');
        case 'late':
          if (later === undefined) return effect();
          later();
          throw failure(call, 'was not answered');
        case 'unanswered':
        case 'dies-after':
          await effect();
          if (fault === 'dies-after') this.#life.end();
          throw failure(call, 'was not answered');
      }
    });
  }
}

/** Of a commit nobody can say what became of it, whatever did. */
function failure(call: BrokerCall, what: string): BrokerError {
  if (call === 'commit') return new BrokerError('commit-unknown', 'SIMULATED', 'The commit was not answered.');
  return new BrokerError('retriable', 'SIMULATED', `The call ${call} ${what}.`);
}

function faultyAdmin(inner: BrokerAdmin, calls: Calls, life: Lifeline): BrokerAdmin {
  const alive = new Proxy(inner, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown;
      return typeof method === 'function' ? (...args: unknown[]) => life.through(() => Reflect.apply(method, target, args)) : method;
    },
  });
  return new Proxy(alive, {
    get(target, name) {
      if (name === 'committedOffsets') return (...args: Parameters<BrokerAdmin['committedOffsets']>) => calls.make(name, () => inner.committedOffsets(...args));
      if (name === 'listOffsets') return (...args: Parameters<BrokerAdmin['listOffsets']>) => calls.make(name, () => inner.listOffsets(...args));
      return Reflect.get(target, name) as unknown;
    },
  });
}

/** Delivers what has arrived in pieces, in order for each partition. */
class FaultyFetcher implements Fetcher {
  readonly #inner: Fetcher;
  readonly #plan: FaultPlan;
  readonly #life: Lifeline;
  readonly #arrived = new Map<string, FetchedPartition[]>();
  readonly #paused = new Set<string>();

  constructor(inner: Fetcher, plan: FaultPlan, life: Lifeline) {
    this.#inner = inner;
    this.#plan = plan;
    this.#life = life;
  }

  assign(tp: TopicPartition, position: number): void {
    this.unassign(tp);
    this.#inner.assign(tp, position);
  }

  unassign(tp: TopicPartition): void {
    this.#arrived.delete(partitionName(tp));
    this.#paused.delete(partitionName(tp));
    this.#inner.unassign(tp);
  }

  pause(tp: TopicPartition): void {
    this.#paused.add(partitionName(tp));
  }

  resume(tp: TopicPartition): void {
    this.#paused.delete(partitionName(tp));
  }

  async poll(maxWaitMs: number): Promise<FetchedPartition[]> {
    const arrived = await this.#life.through(() => this.#inner.poll(maxWaitMs));
    for (const one of arrived) {
      const name = partitionName(one);
      this.#arrived.set(name, [...(this.#arrived.get(name) ?? []), one]);
    }
    return [...this.#arrived.keys()].flatMap((name) => (this.#paused.has(name) ? [] : this.#take(name)));
  }

  close(): Promise<void> {
    return this.#life.through(() => this.#inner.close());
  }

  #take(name: string): FetchedPartition[] {
    const [first, ...rest] = this.#arrived.get(name)!;
    const { records } = first!;
    const count = this.#plan.deliver(records.length);
    if (count < records.length) {
      const next = records[count]!.offset;
      this.#arrived.set(name, [{ ...first!, records: records.slice(count) }, ...rest]);
      return count === 0 ? [] : [{ ...first!, records: records.slice(0, count), nextPosition: next }];
    }
    if (rest.length > 0) this.#arrived.set(name, rest);
    else this.#arrived.delete(name);
    return [first!];
  }
}
