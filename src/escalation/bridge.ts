// The bridge: committed commands out of Kafka into Temporal, in order per workflow, each at least once with a number that makes it effectively once.
//
// reader (one per assignment) → lane of the workflow id → deliver → ack → contiguous prefix → commit
//                                                      ↘ rejection or dead letter, acknowledged by Kafka → ack
//
// The rule everything here keeps: a command is acked only when Temporal has it, or when Kafka has the record that says why Temporal never will.

import type { Client } from '@temporalio/client';
import { BrokerError, type Broker, type GroupMetadata, type Membership } from '../ports/broker.ts';
import type { RawRecord, TopicPartition } from '../record/record.ts';
import { Answers } from './answers.ts';
import { CommandReader } from './command-reader.ts';
import { decodeCommand } from './codec.ts';
import { deadLetterTopic } from './dead-letter.ts';
import { deliver, StoppedError, TemporalRefusedError } from './delivery.ts';
import { InFlightLimit } from './in-flight-limit.ts';
import { Lanes } from './lanes.ts';
import { roundRobinAssignor } from './partition-assignor.ts';
import type { Command } from './protocol.ts';
import { ReplyWriter } from './reply-writer.ts';
import type { TemporalTrouble } from './temporal-errors.ts';
import { type EscalatedWorkflow, type TemporalAddress, type TemporalGateway, temporalGateway } from './temporal-gateway.ts';

/** Which commands the bridge carries to Temporal, and how. Times in ms. */
export interface BridgeOptions {
  readonly broker: Broker;
  /** Where Temporal is; or a client of the application's own, whose connection should have `interceptors: []`, or its retries hide the reasons. */
  readonly temporal: TemporalAddress | { readonly client: Client };
  readonly groupId: string;
  readonly commandsTopics: readonly string[];
  /** The workflow types that may be started, and where. Anything else is answered `refused`, and goes to the dead-letter topic. */
  readonly workflows: Readonly<Record<string, EscalatedWorkflow>>;
  /** Commands of different lanes travel side by side. Default 64. */
  readonly lanes?: number;
  /** Calls to Temporal under way at once, at most. Default 32. */
  readonly maxInFlight?: number;
  /** Deadline of one call. Default 7 s. */
  readonly callTimeoutMs?: number;
  /** Default 1000 per partition. */
  readonly unackedMax?: number;
  readonly commitIntervalMs?: number;
  readonly sessionTimeoutMs?: number;
  /** How long giving up partitions waits for calls under way. Default 5 s. */
  readonly drainTimeoutMs?: number;
  readonly logger?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** Carries commands from Kafka to Temporal, each until Temporal has it or Kafka has the record that says why it never will. */
export interface Bridge {
  metrics(): BridgeMetrics;
  /** Resolves when the bridge has been closed; rejects when it stopped by itself, with what to do about it. */
  readonly done: Promise<void>;
  /** Finishes the calls under way, commits, leaves the group. Idempotent. */
  close(): Promise<void>;
}

/** Counters since the start. */
export interface BridgeMetrics {
  readonly received: number;
  readonly delivered: number;
  readonly cancelled: number;
  /** Redelivered commands of workflows that have finished since. */
  readonly appliedBefore: number;
  readonly rejectedClosed: number;
  readonly rejectedStale: number;
  /** Set aside, and told so to whoever sent it. */
  readonly rejectedRefused: number;
  readonly deadLetters: number;
  readonly retries: number;
  /** By RESOURCE_EXHAUSTED cause. */
  readonly throttled: Readonly<Record<string, number>>;
  readonly partitions: number;
  readonly pausedPartitions: number;
  readonly inFlight: number;
  /** What `maxInFlight` has shrunk to under throttling. */
  readonly inFlightLimit: number;
  readonly queued: number;
  readonly unacked: number;
  readonly oldestUnackedMs: number;
  readonly lagRecords: number;
  /** Since when Temporal has not answered; undefined when it does. */
  readonly temporalAwaySinceMs: number | undefined;
}

/** Joins the group once Kafka answers and the command topics exist; does not wait for Temporal. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  return startBridgeTo(temporalGateway(options.temporal, options.callTimeoutMs ?? 7_000), options);
}

/** With any gateway: for tests. */
export async function startBridgeTo(gateway: TemporalGateway, options: Omit<BridgeOptions, 'temporal'>): Promise<Bridge> {
  const bridge = new RunningBridge(options, gateway);
  try {
    await bridge.start();
  } catch (error) {
    await bridge.close();
    await bridge.done; // rejects with what stopped it, where that says more than that it was stopped
    throw error;
  }
  return bridge;
}

class RunningBridge implements Bridge {
  readonly done: Promise<void>;
  readonly #options: Omit<BridgeOptions, 'temporal'>;
  readonly #gateway: TemporalGateway;
  readonly #limit: InFlightLimit;
  readonly #replies: ReplyWriter;
  readonly #answers: Answers;
  readonly #fetcher: ReturnType<Broker['fetcher']>;
  readonly #log: (level: 'info' | 'warn' | 'error', message: string) => void;
  readonly #counts = {
    received: 0,
    delivered: 0,
    cancelled: 0,
    appliedBefore: 0,
    retries: 0,
  };
  readonly #throttled: Record<string, number> = {};
  #owned: { reader: CommandReader; lanes: Lanes; partitions: number } | undefined;
  #membership: Promise<Membership> | undefined;
  readonly #leaving = new AbortController();
  #closing: Promise<void> | undefined;
  #isClosing = false;
  #settle!: { resolve(): void; reject(error: unknown): void };
  #failure: unknown;
  #awaySinceMs: number | undefined;
  #lastTroubleMs = Number.NEGATIVE_INFINITY;

  constructor(options: Omit<BridgeOptions, 'temporal'>, gateway: TemporalGateway) {
    this.#options = options;
    this.#gateway = gateway;
    this.#log = options.logger ?? (() => {});
    this.#limit = new InFlightLimit(options.maxInFlight ?? 32);
    this.#replies = new ReplyWriter(options.broker, (message) => this.#log('warn', message));
    this.#answers = new Answers({ replies: this.#replies, partitionCount: (topic) => this.#partitionCount(topic), now: Date.now, log: this.#log });
    this.#fetcher = options.broker.fetcher();
    this.#fetcher.onTrouble = (reason) => this.#log('warn', `Commands cannot be read just now: ${reason}`);
    this.done = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.done.catch(() => {}); // The application may look at it only at the end.
  }

  async start(): Promise<void> {
    const { broker, commandsTopics, groupId } = this.#options;
    await broker.admin.waitUntilReachable({ onWaiting: (reason) => this.#log('warn', `Waiting for Kafka: ${reason}`) });
    await this.#waitForTopics();
    const deadLetters = commandsTopics.map(deadLetterTopic);
    const missing: string[] = [];
    for (const topic of deadLetters) if ((await this.#partitionCount(topic)) === undefined) missing.push(topic);
    if (missing.length > 0) await broker.admin.ensureTopics(missing.map((topic) => ({ topic, partitions: 1 })));
    if (this.#isClosing) return;
    this.#membership = broker.join({
      groupId,
      topics: commandsTopics,
      assignor: roundRobinAssignor,
      sessionTimeoutMs: this.#options.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: 30_000,
      heartbeatIntervalMs: Math.min(3_000, Math.floor((this.#options.sessionTimeoutMs ?? 10_000) / 3)),
      userData: () => Buffer.alloc(0),
      onAssigned: (partitions, group) => this.#assigned(partitions, group),
      onRevoked: () => this.#giveUp({ mayCommit: true }),
      onLost: () => this.#giveUp({ mayCommit: false }),
      onTrouble: (reason) => this.#log('warn', `Group ${groupId}: ${reason}`),
      onFatal: (error) => this.#fail(error),
      signal: this.#leaving.signal,
    });
    await this.#membership;
  }

  metrics(): BridgeMetrics {
    const sight = this.#owned?.reader.sight();
    return {
      ...this.#counts,
      ...this.#answers.counts(),
      throttled: { ...this.#throttled },
      partitions: this.#owned?.partitions ?? 0,
      pausedPartitions: sight?.pausedPartitions ?? 0,
      inFlight: this.#limit.inFlight,
      inFlightLimit: this.#limit.limit,
      queued: this.#owned?.lanes.queued ?? 0,
      unacked: sight?.unacked ?? 0,
      oldestUnackedMs: sight?.oldestSinceMs === undefined ? 0 : Date.now() - sight.oldestSinceMs,
      lagRecords: sight?.lagRecords ?? 0,
      temporalAwaySinceMs: this.#awaySinceMs,
    };
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    // A reader that still waits for Kafka to tell its positions would keep the group waiting for us, and us for the group.
    void this.#owned?.reader.stop();
    this.#leaving.abort();
    // Leaving calls onRevoked first, which drains and commits.
    const membership = await this.#membership?.catch(() => undefined);
    await membership?.leave().catch((error: unknown) => this.#log('warn', `Leaving the group failed: ${messageOf(error)}`));
    await this.#giveUp({ mayCommit: false });
    await this.#replies.close();
    await this.#fetcher.close();
    await this.#gateway.close();
    if (this.#failure === undefined) this.#settle.resolve();
    else this.#settle.reject(this.#failure);
  }

  /** Stops for good: nothing can be delivered, or nothing can be read. What was not acknowledged stays uncommitted. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined || this.#isClosing) return;
    this.#failure = error;
    this.#log('error', messageOf(error));
    // Not from inside a lane: closing waits for the lanes.
    setImmediate(() => void this.close());
  }

  async #waitForTopics(): Promise<void> {
    for (const topic of this.#options.commandsTopics) {
      while (!this.#isClosing && (await this.#partitionCount(topic)) === undefined) {
        this.#log('info', `Waiting for topic ${topic}: the stream that writes commands to it makes it when it starts.`);
        await sleep(1_000);
      }
    }
  }

  async #assigned(partitions: readonly TopicPartition[], group: GroupMetadata): Promise<void> {
    await this.#giveUp({ mayCommit: false });
    if (this.#isClosing) return;
    const lanes = new Lanes(this.#options.lanes ?? 64);
    const reader = new CommandReader({
      admin: this.#options.broker.admin,
      fetcher: this.#fetcher,
      group,
      partitions,
      commitIntervalMs: this.#options.commitIntervalMs ?? 250,
      unackedMax: this.#options.unackedMax ?? 1_000,
      onRecord: (at, record, ack) => this.#enqueue(reader, lanes, at, record, ack),
      now: Date.now,
      sleep,
      log: this.#log,
      onFatal: (error) => this.#fail(error),
    });
    this.#owned = { reader, lanes, partitions: partitions.length };
    this.#log('info', `Group ${group.groupId}: ${partitions.length} command partitions, generation ${group.generationId}`);
    await reader.start();
  }

  async #giveUp({ mayCommit }: { mayCommit: boolean }): Promise<void> {
    const owned = this.#owned;
    if (owned === undefined) return;
    this.#owned = undefined;
    if (!mayCommit) owned.reader.disown();
    await owned.reader.stop();
    if (!mayCommit) return;
    // Calls under way may still get through; the more of them are acknowledged here, the fewer are repeated by the next owner.
    await Promise.race([owned.lanes.idle(), sleep(this.#options.drainTimeoutMs ?? 5_000)]);
    await owned.reader.commit().catch((error: unknown) => this.#log('warn', `Positions were not committed, their commands come again: ${messageOf(error)}`));
    owned.reader.disown();
  }

  #enqueue(reader: CommandReader, lanes: Lanes, at: TopicPartition, record: RawRecord, ack: () => void): void {
    this.#counts.received++;
    const work = this.#workOn(at, record, reader.stopped);
    lanes.add(work.lane, async () => {
      if (reader.stopped.aborted || this.#failure !== undefined) return;
      try {
        await work.run();
        ack();
      } catch (error) {
        if (error instanceof StoppedError || reader.stopped.aborted) return;
        if (error instanceof TemporalRefusedError || error instanceof BrokerError) this.#fail(error);
        else this.#fail(new Error(`A bug in the bridge: ${messageOf(error)}. It stops here; nothing is lost.`, { cause: error }));
      }
    });
  }

  #workOn(at: TopicPartition, record: RawRecord, stop: AbortSignal): { lane: string; run: () => Promise<void> } {
    let command: Command;
    try {
      command = decodeCommand(record.value);
    } catch (error) {
      return { lane: record.key?.toString() ?? '', run: () => this.#answers.setAside(at, record, 'UNREADABLE_COMMAND', messageOf(error)) };
    }
    return { lane: command.workflowId, run: () => this.#handle(at, record, command, stop) };
  }

  async #handle(at: TopicPartition, record: RawRecord, command: Command, stop: AbortSignal): Promise<void> {
    const workflow = Object.hasOwn(this.#options.workflows, command.workflowType) ? this.#options.workflows[command.workflowType] : undefined;
    if (workflow === undefined) {
      const known = Object.keys(this.#options.workflows).join(', ');
      return this.#answers.refuse(at, record, command, 'UNKNOWN_WORKFLOW_TYPE', `this bridge starts ${known}; not ${command.workflowType}`);
    }
    const delivery = await deliver(
      command,
      workflow,
      {
        gateway: this.#gateway,
        limit: this.#limit,
        now: Date.now,
        random: Math.random,
        sleep,
        onRetry: (trouble, of) => this.#troubled(trouble, of),
        onSuccess: () => this.#answered(),
      },
      stop,
    );
    switch (delivery.result) {
      case 'delivered':
        this.#counts.delivered++;
        return;
      case 'cancelled':
        this.#counts.cancelled++;
        return;
      case 'applied-before':
        this.#counts.appliedBefore++;
        return;
      case 'rejected':
        return this.#answers.reject(at, record, command, delivery.reason);
      case 'poison':
        return this.#answers.refuse(at, record, command, 'REFUSED_BY_TEMPORAL', delivery.message);
    }
  }

  /** Waits out an outage. */
  async #partitionCount(topic: string): Promise<number | undefined> {
    for (;;) {
      try {
        return await this.#options.broker.admin.partitionCount(topic);
      } catch (error) {
        if (this.#isClosing || (error instanceof BrokerError && error.kind === 'fatal')) throw error;
        this.#log('warn', `Waiting for Kafka: ${messageOf(error)}`);
        await sleep(1_000);
      }
    }
  }

  #troubled(trouble: TemporalTrouble, command: Command): void {
    this.#counts.retries++;
    const now = Date.now();
    if (trouble.kind === 'throttled') this.#throttled[trouble.cause] = (this.#throttled[trouble.cause] ?? 0) + 1;
    else if (trouble.kind === 'again') this.#awaySinceMs ??= now;
    // One line for a storm of them.
    if (now - this.#lastTroubleMs < 5_000) return;
    this.#lastTroubleMs = now;
    const since = this.#awaySinceMs === undefined ? '' : ` for ${Math.round((now - this.#awaySinceMs) / 1_000)} s`;
    const hint =
      trouble.kind === 'workflow-full'
        ? ` Workflow ${command.workflowId} takes no more signals in this run: it does not continue as new. Its commands wait.`
        : ' Commands wait, nothing is lost.';
    this.#log(trouble.kind === 'workflow-full' ? 'error' : 'warn', `Temporal does not take commands${since}: ${trouble.message}.${hint}`);
  }

  #answered(): void {
    if (this.#awaySinceMs === undefined) return;
    this.#log('info', `Temporal answers again after ${Math.round((Date.now() - this.#awaySinceMs) / 1_000)} s`);
    this.#awaySinceMs = undefined;
    this.#lastTroubleMs = Number.NEGATIVE_INFINITY;
  }
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
