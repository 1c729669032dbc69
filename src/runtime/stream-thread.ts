// The loop of an instance: rebalance, restore, fetch, process, commit, one thing at a time. Broker callbacks only leave events here; the loop acts on
// them at its own pace, so nothing in a task is ever touched by two hands.

import { BrokerError, type Broker, type Fetcher, type GroupMetadata } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import { GLOBAL_TABLES, type StateDirectory } from '../ports/state-directory.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { AnyStoreSpec, KeyValueStore } from '../topology/store-spec.ts';
import { encodeHeldTasks, stickyTaskAssignor, type HeldTasks } from './assignor.ts';
import { BackPressure } from './back-pressure.ts';
import { Committer, type CommitStage } from './committer.ts';
import { BrokerRefusedError, OutputRefusedError, TaskStateLostError } from './errors.ts';
import type { GlobalTables } from './global-tables.ts';
import { GroupPlace } from './group-place.ts';
import { Input } from './input.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { OutputTopics } from './output-topics.ts';
import { onlyAsPlanned, strangerAmong } from './partitions-changed.ts';
import type { RecordLimits } from './record-limits.ts';
import { RepartitionPurge } from './repartition-purge.ts';
import { Restoration } from './restoration.ts';
import { orLost, Sweep } from './sweep.ts';
import type { ResolvedSettings } from './settings.ts';
import { TaskOpener, type OpenedTask } from './task-opener.ts';
import { Task } from './task.ts';
import type { TaskPlan, TopicPlan } from './topic-plan.ts';

export interface StreamThreadParts {
  readonly topics: TopicPlan;
  readonly limits: RecordLimits;
  readonly sourceTopics: readonly string[];
  readonly settings: ResolvedSettings;
  readonly broker: Broker;
  readonly directory: StateDirectory;
  readonly globals: GlobalTables;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly onCommitStage?: (stage: CommitStage) => void;
  /** How many records a task may take before others have their turn, and a commit may come. */
  readonly recordsPerRound: number;
}

type Event =
  | { readonly kind: 'revoked' | 'lost'; readonly done: () => void }
  | { readonly kind: 'assigned'; readonly partitions: readonly TopicPartition[]; readonly group: GroupMetadata; readonly done: () => void };

/** What the loop does with work it cannot commit: a step back to what Kafka says, by way of reopening. */
type Ownership =
  | { readonly kind: 'none' } // no assignment, or it is in doubt: wait for the group
  | { readonly kind: 'owned'; readonly plans: readonly TaskPlan[]; readonly group: GroupMetadata };

const BACKOFF_MAX_MS = 5_000;

export class StreamThread {
  readonly #parts: StreamThreadParts;
  readonly #settings: ResolvedSettings;
  readonly #log: Logger;
  readonly #opener: TaskOpener;
  readonly #fetcher: Fetcher;
  readonly #restoration: Restoration;
  readonly #input: Input;
  readonly #backPressure: BackPressure;
  readonly #committer: Committer;
  readonly #purge: RepartitionPurge;
  readonly #sweep = new Sweep();
  readonly #outputTopics: OutputTopics;
  readonly #events: Event[] = [];
  readonly #tasks = new Map<string, Task>();
  readonly #restoring = new Map<string, OpenedTask>();
  readonly #owners = new Map<string, Task>();
  readonly #place: GroupPlace;
  #ownership: Ownership = { kind: 'none' };
  /** False when owned tasks are still to be opened (or opened again). */
  #isOpen = true;
  /** Commit numbers of all tasks that have state here, as of when they were last ours. */
  #held: HeldTasks['numbers'] = {};
  #lastCommitMs: number;
  #failures = 0;
  #retryAtMs = 0;
  #isClosed = false;

  constructor(parts: StreamThreadParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#log = parts.log;
    const { broker, directory, clock } = parts;
    this.#opener = new TaskOpener({ broker, directory, clock, log: parts.log, applicationId: parts.settings.applicationId });
    const onTrouble = (reason: string): void => parts.log('warn', reason);
    this.#fetcher = broker.fetcher();
    this.#fetcher.onTrouble = onTrouble;
    this.#restoration = new Restoration(broker, clock, onTrouble);
    this.#input = new Input((fetched) => this.#owners.get(partitionName(fetched))?.add(fetched));
    this.#committer = new Committer({
      broker,
      transactionalId: `${parts.settings.applicationId}-${directory.processId}`,
      transactionTimeoutMs: parts.settings.transactionTimeoutMs,
      metrics: parts.metrics,
      log: parts.log,
      onStage: (stage) => parts.onCommitStage?.(stage),
    });
    this.#backPressure = new BackPressure(this.#fetcher, this.#input, parts.settings.bufferedRecordsPerPartition);
    this.#purge = new RepartitionPurge(broker.admin, parts.log, clock.now());
    this.#outputTopics = new OutputTopics(broker.admin, parts.topics.partitions, parts.limits);
    this.#place = this.#groupPlace();
    this.#lastCommitMs = clock.now();
  }

  /** Joins the group; assignments arrive through later rounds. */
  join(held: HeldTasks['numbers']): void {
    this.#held = held;
    this.#place.take();
  }

  get isRunning(): boolean {
    return this.#ownership.kind === 'owned' && this.#isOpen && this.#restoring.size === 0;
  }

  get tasks(): ReadonlyMap<string, Task> {
    return this.#tasks;
  }

  /** The rows of a global table; undefined when no global table has this store. */
  globalStore(spec: AnyStoreSpec): KeyValueStore<unknown, unknown> | undefined {
    return this.#parts.globals.store(spec);
  }

  /** True when nothing is left to do until something new arrives. For drivers that step the loop. */
  get isIdle(): boolean {
    if (this.#events.length > 0 || !this.isRunning || this.#input.isHoldingAny || !this.#parts.globals.isIdle) return false;
    return ![...this.#tasks.values()].some((task) => task.canGoOn || task.isBehind);
  }

  /** One round. Waits at most `maxWaitMs` for something to do; tells whether it did anything. @throws what cannot be recovered from here. */
  async round(maxWaitMs: number): Promise<boolean> {
    try {
      if (this.#place.failure !== undefined) throw this.#place.failure;
      return await this.#round(maxWaitMs);
    } catch (error) {
      await this.#recover(error);
      return true;
    }
  }

  /** Leaves the group, which commits on the way. Rounds must go on until this resolves. */
  async leave(): Promise<void> {
    await this.#place.leave();
  }

  /** Gives up everything at once; uncommitted work is forgotten. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const event of this.#events.splice(0)) event.done();
    await this.#dropTasks();
    await this.#committer.dispose();
    await Promise.allSettled([this.#fetcher.close(), this.#restoration.close(), this.#parts.globals.close()]);
  }

  async #round(maxWaitMs: number): Promise<boolean> {
    const event = this.#events.shift();
    if (event !== undefined) {
      await this.#handle(event);
      return true;
    }
    const { globals } = this.#parts;
    // Before anything is processed: a row that was written before a record was read is there for it.
    const hasNewRows = await globals.step(globals.isReady ? 0 : maxWaitMs);
    if (!globals.isReady) return hasNewRows;
    const now = this.#parts.clock.now();
    if (this.#ownership.kind === 'owned' && !this.#isOpen && now >= this.#retryAtMs) {
      await this.#openTasks(this.#ownership.plans);
      return true;
    }
    if (this.#restoration.isActive) {
      await this.#restoration.step(maxWaitMs);
      await this.#startRestored();
      return true;
    }
    const isOwner = this.#ownership.kind === 'owned' && this.#isOpen;
    const canWork = isOwner && [...this.#tasks.values()].some((task) => task.canGoOn);
    let arrived = 0;
    for (const fetched of await this.#fetcher.poll(canWork ? 0 : maxWaitMs)) {
      arrived += fetched.records.length;
      const task = this.#owners.get(partitionName(fetched));
      const input = task?.plan.inputs.find(({ topic, partition }) => topic === fetched.topic && partition === fetched.partition);
      if (input !== undefined) this.#input.add(fetched, input.source);
    }
    this.#backPressure.apply(this.#tasks.values());
    if (!isOwner) return hasNewRows || arrived > 0;
    let taken = 0;
    for (const task of this.#tasks.values()) taken += task.process(this.#parts.recordsPerRound);
    for (const task of this.#tasks.values()) task.punctuate();
    const hadWork = [...this.#tasks.values()].some((task) => task.hasWork);
    if (this.#isCommitDue(taken)) await this.#commit();
    await this.#purge.run(this.#tasks.values(), this.#parts.clock.now());
    await this.#sweep.run(this.#tasks.values(), this.#parts.clock.now());
    return hasNewRows || arrived > 0 || taken > 0 || hadWork;
  }

  #isCommitDue(taken: number): boolean {
    const tasks = [...this.#tasks.values()];
    const sinceMs = this.#parts.clock.now() - this.#lastCommitMs;
    if (tasks.some((task) => task.uncommittedBytes >= this.#settings.maxUncommittedBytes)) return true;
    if (!tasks.some((task) => task.hasWork)) return sinceMs >= this.#settings.commitIntervalMs && tasks.some((task) => task.hasMoved);
    // As soon as the input runs dry nothing is gained by waiting; the interval only bounds how much one transaction may hold.
    return taken === 0 || sinceMs >= this.#settings.commitIntervalMs;
  }

  /** See docs/architecture.md, "The commit". Nothing is fed to any task between the first line and the last. */
  async #commit(): Promise<void> {
    const tasks = [...this.#tasks.values()].filter((task) => task.hasWork || task.hasMoved);
    this.#lastCommitMs = this.#parts.clock.now();
    if (tasks.length === 0 || this.#ownership.kind !== 'owned') return;
    await this.#outputTopics.learn(tasks.flatMap((task) => task.lateOutputs));
    await this.#committer.commit(tasks, this.#ownership.group);
    this.#failures = 0;
    this.#lastCommitMs = this.#parts.clock.now();
  }

  async #handle(event: Event): Promise<void> {
    try {
      switch (event.kind) {
        case 'revoked':
          // The stores stay open: most tasks come straight back, and then nothing has changed.
          if (this.#isOpen && this.#restoring.size === 0) await this.#commit();
          this.#ownership = { kind: 'none' };
          break;
        case 'lost':
          this.#log('warn', 'This instance lost its place in the group; uncommitted work is dropped and done again by whoever owns it now.');
          this.#ownership = { kind: 'none' };
          await this.#dropTasks();
          await this.#committer.dispose();
          break;
        case 'assigned': {
          const stranger = strangerAmong(event.partitions, this.#parts.topics);
          if (stranger !== undefined) throw stranger;
          const plans = this.#plansOf(event.partitions);
          this.#log('info', `Assigned ${plans.length} of ${this.#parts.topics.tasks.length} tasks: ${plans.map((plan) => plan.name).join(', ') || 'none'} (generation ${event.group.generationId}).`);
          this.#ownership = { kind: 'owned', plans, group: event.group };
          this.#isOpen = false;
          await this.#parts.directory.setNote('memberId', event.group.memberId);
          break;
        }
      }
    } catch (error) {
      // The event has happened whatever became of our last commit.
      if (event.kind !== 'assigned') this.#ownership = { kind: 'none' };
      throw error;
    } finally {
      event.done();
    }
  }

  /** Brings what is open in line with what is owned. Tasks that were ours before and whose commit number has not moved go on as they are. */
  async #openTasks(plans: readonly TaskPlan[]): Promise<void> {
    await this.#committer.ready();
    const committed = await this.#opener.committed(plans);
    const wanted = new Set(plans.map((plan) => plan.name));
    // Another instance may have had it since, while we were too busy to hear of that generation: then we know an old commit.
    const isStillOurs = (plan: TaskPlan, n: number): boolean => wanted.has(plan.name) && committed.numberOf(plan) === n;
    for (const task of [...this.#tasks.values()]) if (!isStillOurs(task.plan, task.n) || task.hasWork) await this.#closeTask(task);
    for (const opened of [...this.#restoring.values()]) if (!isStillOurs(opened.plan, opened.start.n)) await this.#stopRestoring(opened);
    const toOpen = plans.filter((plan) => !this.#tasks.has(plan.name) && !this.#restoring.has(plan.name));
    for (const opened of await this.#opener.open(toOpen, committed)) {
      this.#restoring.set(opened.plan.name, opened);
      this.#restoration.add(opened.state, opened.changelogs);
    }
    this.#isOpen = true;
    await this.#startRestored();
  }

  /** Tasks whose stores are up to date begin to run. */
  async #startRestored(): Promise<void> {
    for (const [name, opened] of [...this.#restoring]) {
      if (this.#restoration.isRestoring(opened.state)) continue;
      const { plan, state, times, start } = opened;
      await state.finishRestore(start.n, this.#parts.clock.now());
      await orLost(name, () => state.load());
      this.#restoring.delete(name);
      const { settings, clock, metrics, limits, globals } = this.#parts;
      const task = new Task({ plan, state, times, start, settings, clock, counters: metrics, outputTopics: this.#outputTopics, limits, globals });
      this.#tasks.set(name, task);
      for (const queue of task.queues) {
        this.#owners.set(partitionName(queue.tp), task);
        this.#fetcher.assign(queue.tp, queue.position);
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (error instanceof TaskStateLostError) return this.#startOver(`${error.message} It is wiped and rebuilt from the changelogs.`, error.task);
    if (error instanceof OutputRefusedError) return this.#startOver(`${error.message} Uncommitted work is done again, to find the record it came from.`);
    if (!(error instanceof BrokerError)) throw error;
    if (error.kind === 'too-large' || error.kind === 'fatal') throw new BrokerRefusedError(error.message, error);
    this.#failures++;
    this.#parts.metrics.add('recoveries');
    const waitMs = Math.min(BACKOFF_MAX_MS, 50 * 2 ** Math.min(this.#failures, 8));
    this.#retryAtMs = this.#parts.clock.now() + (this.#failures > 1 ? waitMs : 0);
    this.#log('warn', `${error.message} (${error.code}). Uncommitted work is dropped and done again from the last commit.`);
    await this.#dropTasks();
    this.#isOpen = false;
    switch (error.kind) {
      case 'retriable':
      case 'abort':
      case 'out-of-range':
        await this.#committer.abort();
        return;
      case 'commit-unknown':
        // A new producer of the same id finds the outcome decided; then the commit number in Kafka tells which it was.
        await this.#committer.dispose();
        return;
      case 'rebalance':
        // Not ours any more: what is ours next, the group will say.
        await this.#committer.abort();
        this.#ownership = { kind: 'none' };
        return;
      case 'fenced':
        // Whoever fenced us may be the rightful owner: confirm our place in the group before taking the id back.
        await this.#committer.dispose();
        this.#ownership = { kind: 'none' };
        this.#place.retake();
    }
  }

  /** From the last commit, of Kafka or, with `wipe`, of a task's changelogs. */
  async #startOver(why: string, wipe?: string): Promise<void> {
    this.#log('warn', why);
    this.#parts.metrics.add('recoveries');
    await this.#dropTasks();
    if (wipe === GLOBAL_TABLES) await this.#parts.globals.wipe();
    else if (wipe !== undefined) await this.#parts.directory.wipe(wipe);
    await this.#committer.abort();
    this.#isOpen = false;
  }

  #groupPlace(): GroupPlace {
    const { broker, settings, sourceTopics, topics } = this.#parts;
    const enqueue = (event: (done: () => void) => Event): Promise<void> =>
      new Promise((resolve) => {
        // After the end nobody works events off, and nothing is owned that they could ask for.
        if (this.#isClosed) resolve();
        else this.#events.push(event(resolve));
      });
    return new GroupPlace(broker, {
      groupId: settings.applicationId,
      topics: sourceTopics,
      assignor: onlyAsPlanned(stickyTaskAssignor(topics.tasks), topics),
      sessionTimeoutMs: settings.sessionTimeoutMs,
      rebalanceTimeoutMs: settings.rebalanceTimeoutMs,
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      userData: () => {
        this.#noteHeld();
        return encodeHeldTasks({ numbers: this.#held, running: [...this.#tasks.keys()] });
      },
      onRevoked: () => enqueue((done) => ({ kind: 'revoked', done })),
      onLost: () => enqueue((done) => ({ kind: 'lost', done })),
      onAssigned: (partitions, group) => enqueue((done) => ({ kind: 'assigned', partitions, group, done })),
      onTrouble: (reason) => this.#log('warn', reason),
    });
  }

  async #dropTasks(): Promise<void> {
    for (const task of [...this.#tasks.values()]) await this.#closeTask(task);
    for (const opened of [...this.#restoring.values()]) await this.#stopRestoring(opened);
  }

  async #closeTask(task: Task): Promise<void> {
    this.#noteHeld();
    this.#tasks.delete(task.name);
    for (const { tp } of task.queues) {
      this.#owners.delete(partitionName(tp));
      this.#backPressure.forget(tp);
      this.#input.drop(tp);
      this.#fetcher.unassign(tp);
    }
    await task.close();
  }

  async #stopRestoring(opened: OpenedTask): Promise<void> {
    this.#restoring.delete(opened.plan.name);
    this.#restoration.cancel(opened.state);
    await opened.state.close();
  }

  #plansOf(partitions: readonly TopicPartition[]): TaskPlan[] {
    const names = new Set(partitions.map(partitionName));
    return this.#parts.topics.tasks.filter((plan) => plan.inputs.some((input) => names.has(partitionName(input))));
  }

  #noteHeld(): void {
    this.#held = { ...this.#held, ...Object.fromEntries([...this.#tasks.values()].map((task) => [task.name, task.n])) };
  }
}
