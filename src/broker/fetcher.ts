// Reads partitions from their leaders, one Fetch under way per broker, and keeps at most about one answer per partition ahead of the caller. Everything that
// comes back is checked against the assignment it was asked for: what was moved, unassigned or assigned anew meanwhile is dropped.

import { BrokerError, type FetchedPartition, type Fetcher, type FetcherOptions } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { Connections } from './connections.ts';
import { closedError, code, codeName, isRetriable, messageOf, readError, readKind } from './errors.ts';
import { sleep } from './patience.ts';
import { fetchRequest, type PartitionData } from './protocol/data.ts';
import { readPartition } from './record-batch/committed.ts';
import type { Isolation } from './protocol/offsets.ts';

/** How long a broker holds an empty Fetch. Short, because a partition assigned or resumed meanwhile has to wait for it. */
const LONG_POLL_MS = 100;
/** The same while some partition is left out because enough of it is buffered: it should be asked for again soon after it is consumed. */
const BUSY_POLL_MS = 10;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1_000;
/** A damaged batch is asked for a few times, in case the network did it. */
const CORRUPT_TRIES = 3;

interface Assignment extends TopicPartition {
  /** Where the next Fetch starts. */
  position: number;
  isPaused: boolean;
  /** Broker that a Fetch for it is under way to. */
  askedOf: number | undefined;
  /** Arrived, not yet delivered; `bytes` is what it weighs. */
  readonly buffered: FetchedPartition[];
  bufferedBytes: number;
  /** As last delivered or buffered: an answer that moves none of them is not reported. */
  highWatermark: number;
  lastStableOffset: number;
  /** Why this partition cannot be read until it is assigned anew. */
  failure: BrokerError | undefined;
  corruptTries: number;
}

export class KafkaFetcher implements Fetcher {
  onTrouble?: (reason: string) => void;
  readonly #connections: Connections;
  readonly #maxBytes: number;
  readonly #maxBytesPerPartition: number;
  readonly #isolation: Isolation;
  readonly #assignments = new Map<string, Assignment>();
  readonly #busyNodes = new Set<number>();
  /** Fetches in a row that failed, per broker. */
  readonly #failuresInRow = new Map<number, number>();
  /** Trouble of the whole client that waiting does not cure, such as a refused login. */
  #fatal: BrokerError | undefined;
  /** Resolves the waiting poll. */
  #wakePoll: (() => void) | undefined;
  #isSearchingLeaders = false;
  #turn = 0;

  constructor(connections: Connections, options: FetcherOptions = {}) {
    this.#connections = connections;
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#maxBytesPerPartition = options.maxBytesPerPartition ?? 1024 * 1024;
    this.#isolation = options.isolation ?? 'committed';
    connections.closing.addEventListener('abort', () => this.#wakePoll?.());
  }

  assign({ topic, partition }: TopicPartition, position: number): void {
    const name = partitionName({ topic, partition });
    const isPaused = this.#assignments.get(name)?.isPaused ?? false;
    // A new object each time: answers to Fetches of the old one no longer find it.
    this.#assignments.set(name, {
      topic,
      partition,
      position,
      isPaused,
      askedOf: undefined,
      buffered: [],
      bufferedBytes: 0,
      highWatermark: -1,
      lastStableOffset: -1,
      failure: undefined,
      corruptTries: 0,
    });
    this.#pump();
  }

  unassign(tp: TopicPartition): void {
    this.#assignments.delete(partitionName(tp));
  }

  pause(tp: TopicPartition): void {
    const assignment = this.#assignments.get(partitionName(tp));
    if (assignment !== undefined) assignment.isPaused = true;
  }

  resume(tp: TopicPartition): void {
    const assignment = this.#assignments.get(partitionName(tp));
    if (assignment === undefined || !assignment.isPaused) return;
    assignment.isPaused = false;
    if (assignment.buffered.length > 0) this.#wakePoll?.();
    this.#pump();
  }

  async poll(maxWaitMs: number): Promise<FetchedPartition[]> {
    if (this.#connections.closing.aborted) throw closedError('fetcher');
    // A loop that always has work polls without waiting: answers can only come in if the sockets get their turn too.
    await new Promise((resolve) => setImmediate(resolve));
    let arrived = this.#takeBuffered();
    if (arrived.length === 0 && maxWaitMs > 0) {
      await this.#untilWoken(maxWaitMs);
      arrived = this.#takeBuffered();
    }
    this.#pump();
    return arrived;
  }

  async close(): Promise<void> {
    this.#assignments.clear();
    await this.#connections.close();
  }

  // --- Towards the caller ---

  #takeBuffered(): FetchedPartition[] {
    if (this.#fatal !== undefined) throw this.#fatal;
    const arrived: FetchedPartition[] = [];
    for (const assignment of this.#assignments.values()) {
      if (assignment.isPaused) continue;
      if (assignment.failure !== undefined && assignment.buffered.length === 0 && arrived.length === 0) throw assignment.failure;
      arrived.push(...assignment.buffered.splice(0));
      assignment.bufferedBytes = 0;
    }
    return arrived;
  }

  #untilWoken(maxWaitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        if (this.#wakePoll === done) this.#wakePoll = undefined;
        resolve();
      };
      const timer = setTimeout(done, maxWaitMs);
      this.#wakePoll?.(); // one poll at a time; an older one ends empty
      this.#wakePoll = done;
    });
  }

  // --- Towards the brokers ---

  /** Starts a Fetch to every broker that has something to be read and none under way. */
  #pump(): void {
    if (this.#connections.closing.aborted || this.#fatal !== undefined) return;
    const byLeader = new Map<number, Assignment[]>();
    let isLeaderMissing = false;
    for (const assignment of this.#assignments.values()) {
      if (!this.#isWanted(assignment)) continue;
      const leader = this.#connections.leaderOf(assignment);
      if (leader === undefined) {
        isLeaderMissing = true;
        continue;
      }
      const group = byLeader.get(leader);
      if (group === undefined) byLeader.set(leader, [assignment]);
      else group.push(assignment);
    }
    if (isLeaderMissing) void this.#searchLeaders(0);
    for (const [leader, wanted] of byLeader) if (!this.#busyNodes.has(leader)) void this.#fetch(leader, wanted);
  }

  #isWanted(assignment: Assignment): boolean {
    return !assignment.isPaused && assignment.askedOf === undefined && assignment.failure === undefined && !this.#isFull(assignment);
  }

  #isFull(assignment: Assignment): boolean {
    return assignment.bufferedBytes >= this.#maxBytesPerPartition / 2;
  }

  async #fetch(leader: number, wanted: readonly Assignment[]): Promise<void> {
    this.#busyNodes.add(leader);
    for (const assignment of wanted) assignment.askedOf = leader;
    // The broker fills its answer in the order asked: begin with another partition each time, so that none starves.
    const start = this.#turn++ % wanted.length;
    const asked = [...wanted.slice(start), ...wanted.slice(0, start)].map((assignment) => ({ assignment, position: assignment.position }));
    const isSomeFull = [...this.#assignments.values()].some((assignment) => this.#isFull(assignment));
    let troubles: BrokerError[];
    try {
      const answer = await this.#connections.send(
        leader,
        fetchRequest(
          asked.map(({ assignment: { topic, partition }, position }) => ({ topic, partition, position })),
          {
            maxWaitMs: isSomeFull ? BUSY_POLL_MS : LONG_POLL_MS,
            maxBytes: this.#maxBytes,
            maxBytesPerPartition: this.#maxBytesPerPartition,
            isolation: this.#isolation,
          },
        ),
      );
      if (answer.errorCode !== 0) throw readError(answer.errorCode, 'fetch');
      troubles = this.#receive(new Map(asked.map(({ assignment }) => [partitionName(assignment), assignment])), answer.partitions);
    } catch (error) {
      troubles = [error instanceof BrokerError ? error : new BrokerError('retriable', 'FETCH_FAILED', `Could not fetch: ${messageOf(error)}`, { cause: error })];
    }
    for (const { assignment } of asked) assignment.askedOf = undefined;
    this.#busyNodes.delete(leader);
    if (this.#connections.closing.aborted) return;
    const trouble = troubles[0];
    if (trouble === undefined) {
      this.#failuresInRow.delete(leader);
      this.#pump();
    } else if (trouble.kind === 'retriable') {
      await this.#recover(trouble, leader);
    } else {
      this.#giveUp(trouble);
    }
  }

  /** Files what came; returns passing troubles. Lasting ones stay with their partition, for `poll` to throw. */
  #receive(asked: ReadonlyMap<string, Assignment>, partitions: readonly PartitionData[]): BrokerError[] {
    const troubles: BrokerError[] = [];
    for (const data of partitions) {
      const name = partitionName(data);
      const assignment = asked.get(name);
      if (assignment === undefined || this.#assignments.get(name) !== assignment) continue;
      const { topic, partition } = data;
      if (data.errorCode === 0) {
        try {
          this.#buffer(assignment, data);
          assignment.corruptTries = 0;
          continue;
        } catch (error) {
          const failure =
            error instanceof BrokerError
              ? error
              : new BrokerError('fatal', 'CORRUPT_MESSAGE', `Cannot decode the records of ${name} at position ${assignment.position}: ${messageOf(error)}`, {
                  cause: error,
                  partition: { topic, partition },
                });
          if (failure.kind === 'retriable' && (assignment.corruptTries += 1) < CORRUPT_TRIES) troubles.push(failure);
          else this.#fail(assignment, failure);
        }
      } else if (data.errorCode === code.offsetOutOfRange) {
        this.#fail(assignment, outOfRange(assignment));
      } else if (readKind(data.errorCode) === 'retriable') {
        troubles.push(readError(data.errorCode, 'fetch', { partition: { topic, partition } }));
      } else {
        this.#fail(assignment, readError(data.errorCode, 'fetch', { partition: { topic, partition } }));
      }
    }
    return troubles;
  }

  #buffer(assignment: Assignment, data: PartitionData): void {
    const { records, nextPosition } = readPartition(data, assignment.position, this.#isolation);
    const { topic, partition, highWatermark } = data;
    const lastStableOffset = data.lastStableOffset < 0 ? highWatermark : data.lastStableOffset;
    const isNews = nextPosition > assignment.position || highWatermark !== assignment.highWatermark || lastStableOffset !== assignment.lastStableOffset;
    if (!isNews) return;
    assignment.position = nextPosition;
    assignment.highWatermark = highWatermark;
    assignment.lastStableOffset = lastStableOffset;
    assignment.bufferedBytes += data.batches.length;
    const last = assignment.buffered.at(-1);
    // Knowledge without data replaces older knowledge without data, so that a paused or slow caller does not pile it up.
    if (last !== undefined && last.records.length === 0) assignment.buffered.pop();
    assignment.buffered.push({ topic, partition, records, nextPosition, highWatermark, lastStableOffset });
    if (!assignment.isPaused) this.#wakePoll?.();
  }

  #fail(assignment: Assignment, failure: BrokerError): void {
    assignment.failure = failure;
    this.#wakePoll?.();
  }

  #giveUp(error: BrokerError): void {
    if (this.#connections.closing.aborted) return;
    this.#fatal = error;
    this.#wakePoll?.();
  }

  async #recover(trouble: BrokerError, leader: number): Promise<void> {
    this.onTrouble?.(trouble.message);
    this.#busyNodes.add(leader); // no new Fetch to it until leaders are known again
    const failures = this.#failuresInRow.get(leader) ?? 0;
    this.#failuresInRow.set(leader, failures + 1);
    try {
      await sleep(Math.min(BACKOFF_FIRST_MS * 2 ** failures, BACKOFF_MAX_MS), this.#connections.closing);
      await this.#searchLeaders(1);
    } finally {
      this.#busyNodes.delete(leader);
    }
    this.#pump();
  }

  /** Asks for metadata until every wanted partition has a leader. `round` > 0 = ask at least once, whatever is remembered. */
  async #searchLeaders(round: number): Promise<void> {
    if (this.#isSearchingLeaders) return;
    this.#isSearchingLeaders = true;
    try {
      let waitMs = BACKOFF_FIRST_MS;
      for (let mustAsk = round > 0; !this.#connections.closing.aborted; mustAsk = false) {
        const leaderless = [...this.#assignments.values()].filter((assignment) => this.#connections.leaderOf(assignment) === undefined);
        if (leaderless.length === 0 && !mustAsk) return;
        const reason = await this.#askForLeaders();
        if (reason === undefined) return;
        this.onTrouble?.(reason);
        this.#pump(); // those that have a leader go on
        await sleep(waitMs, this.#connections.closing);
        waitMs = Math.min(waitMs * 2, BACKOFF_MAX_MS);
      }
    } catch (error) {
      this.#giveUp(error instanceof BrokerError ? error : new BrokerError('fatal', 'METADATA_FAILED', `Could not read metadata: ${messageOf(error)}`, { cause: error }));
    } finally {
      this.#isSearchingLeaders = false;
      this.#pump();
    }
  }

  /** Undefined when all is known, else what is missing. */
  async #askForLeaders(): Promise<string | undefined> {
    const topics = [...new Set([...this.#assignments.values()].map(({ topic }) => topic))];
    if (topics.length === 0) return undefined;
    try {
      const metadata = await this.#connections.refresh(topics);
      const missing = metadata.topics.find((topic) => topic.errorCode !== 0);
      if (missing !== undefined) return `Topic ${missing.topic} cannot be read now: ${codeName(missing.errorCode)}. Waiting for it.`;
    } catch (error) {
      if (!isRetriable(error)) throw error;
      return error.message;
    }
    for (const assignment of this.#assignments.values()) {
      // One that was assigned while the answer was under way is asked for next.
      if (!topics.includes(assignment.topic) || this.#connections.leaderOf(assignment) !== undefined) continue;
      const count = this.#connections.topic(assignment.topic)?.partitions.length ?? 0;
      if (assignment.partition < count) return `Partition ${partitionName(assignment)} has no leader at the moment.`;
      return `Topic ${assignment.topic} has ${count} partitions, so ${partitionName(assignment)} cannot be read. Waiting for it.`;
    }
    return undefined;
  }
}

function outOfRange({ topic, partition, position }: Assignment): BrokerError {
  return new BrokerError(
    'out-of-range',
    codeName(code.offsetOutOfRange),
    `Position ${position} is not in the log of ${partitionName({ topic, partition })}: retention has removed it, or the topic was made anew. ` +
      `Assign a position between the log's start and end.`,
    { partition: { topic, partition } },
  );
}
