// Reads the command partitions of one assignment, from the committed positions to the moment they are given up. One object per assignment: nothing of an
// earlier generation can leak into a later one.

import { BrokerError, type BrokerAdmin, type Fetcher, type FetchedPartition, type GroupMetadata, type OffsetToCommit } from '../ports/broker.ts';
import { partitionName, type RawRecord, type TopicPartition } from '../record/record.ts';
import { AckedPrefix } from './acked-prefix.ts';

export interface CommandReaderOptions {
  readonly admin: BrokerAdmin;
  readonly fetcher: Fetcher;
  readonly group: GroupMetadata;
  readonly partitions: readonly TopicPartition[];
  readonly commitIntervalMs: number;
  /** Unacknowledged records per partition at which fetching pauses; it resumes at half. */
  readonly unackedMax: number;
  /** Called for each record in order; `ack` when it is dealt with. */
  readonly onRecord: (partition: TopicPartition, record: RawRecord, ack: () => void) => void;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Trouble that no retry cures. */
  readonly onFatal: (error: unknown) => void;
}

interface Progress {
  readonly at: TopicPartition;
  /** Made anew when reading is moved back: acknowledgements of what was read before then count for nothing. */
  prefix: AckedPrefix;
  committed: number | undefined;
  isPaused: boolean;
  readPosition: number;
  endPosition: number;
}

export interface ReaderSight {
  readonly unacked: number;
  readonly pausedPartitions: number;
  readonly oldestSinceMs: number | undefined;
  /** Records not yet read, as far as the broker has told. */
  readonly lagRecords: number;
}

export class CommandReader {
  readonly #options: CommandReaderOptions;
  readonly #stopped = new AbortController();
  readonly #whenStopped = new Promise<undefined>((resolve) => this.#stopped.signal.addEventListener('abort', () => resolve(undefined)));
  readonly #progress = new Map<string, Progress>();
  #loops: Promise<unknown> = Promise.resolve();
  /** Our generation is over: acks still come in, but nothing of ours may be committed. */
  #isLost = false;

  constructor(options: CommandReaderOptions) {
    this.#options = options;
  }

  /** Aborted when the partitions are given up: whoever works on their records stops at the next good moment. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Finds the positions and starts reading. Waits out an outage, unless it is stopped meanwhile. */
  async start(): Promise<void> {
    const { partitions, fetcher } = this.#options;
    if (partitions.length === 0) return;
    const positions = await Promise.race([this.#positions(), this.#whenStopped]);
    if (positions === undefined || this.#stopped.signal.aborted) return;
    for (const at of partitions) {
      const name = partitionName(at);
      const { position, isCommitted } = positions.get(name)!;
      const progress: Progress = {
        at,
        prefix: new AckedPrefix(position),
        committed: isCommitted ? position : undefined,
        isPaused: false,
        readPosition: position,
        endPosition: position,
      };
      this.#progress.set(name, progress);
      fetcher.assign(at, position);
    }
    this.#loops = Promise.all([this.#readLoop(), this.#commitLoop()]);
  }

  /** Stops reading. When it resolves no poll is under way and the fetcher holds none of these partitions. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loops;
    for (const { at, isPaused } of this.#progress.values()) {
      if (isPaused) this.#options.fetcher.resume(at);
      this.#options.fetcher.unassign(at);
    }
  }

  /** From now on nothing is committed: the partitions belong to somebody else. */
  disown(): void {
    this.#isLost = true;
  }

  /** Commits what is dealt with. @throws BrokerError */
  async commit(): Promise<void> {
    if (this.#isLost) return;
    const offsets: OffsetToCommit[] = [];
    for (const { at, prefix, committed } of this.#progress.values()) {
      if (prefix.position !== committed) offsets.push({ ...at, offset: prefix.position, metadata: '' });
    }
    if (offsets.length === 0) return;
    await this.#options.admin.commitOffsets(this.#options.group, offsets);
    for (const { topic, partition, offset } of offsets) this.#progress.get(partitionName({ topic, partition }))!.committed = offset;
  }

  sight(): ReaderSight {
    const all = [...this.#progress.values()];
    const oldest = all.map(({ prefix }) => prefix.oldestSinceMs).filter((ms) => ms !== undefined);
    return {
      unacked: all.reduce((sum, { prefix }) => sum + prefix.unacked, 0),
      pausedPartitions: all.filter(({ isPaused }) => isPaused).length,
      oldestSinceMs: oldest.length === 0 ? undefined : Math.min(...oldest),
      lagRecords: all.reduce((sum, { endPosition, readPosition }) => sum + Math.max(0, endPosition - readPosition), 0),
    };
  }

  async #positions(): Promise<Map<string, { position: number; isCommitted: boolean }> | undefined> {
    const { admin, group, partitions, log, sleep } = this.#options;
    for (;;) {
      if (this.#stopped.signal.aborted) return undefined;
      try {
        const committed = await admin.committedOffsets(group.groupId, partitions);
        const missing = partitions.filter((at) => !committed.has(partitionName(at)));
        const earliest = missing.length === 0 ? new Map<string, number>() : await admin.listOffsets(missing, 'earliest');
        return new Map(
          partitions.map((at) => {
            const name = partitionName(at);
            const offset = committed.get(name)?.offset;
            return [name, { position: offset ?? earliest.get(name) ?? 0, isCommitted: offset !== undefined }];
          }),
        );
      } catch (error) {
        if (this.#isFatal(error)) return undefined;
        log('warn', `Waiting for the committed positions of ${group.groupId}: ${messageOf(error)}`);
        await sleep(500, this.#stopped.signal);
      }
    }
  }

  async #readLoop(): Promise<void> {
    const { fetcher, log, sleep } = this.#options;
    while (!this.#stopped.signal.aborted) {
      try {
        for (const fetched of await fetcher.poll(100)) this.#take(fetched);
        this.#applyBackPressure();
      } catch (error) {
        if (this.#isFatal(error)) return;
        if (error instanceof BrokerError && error.kind === 'out-of-range' && error.partition !== undefined) await this.#moveToLogStart(error.partition);
        else log('warn', `Commands cannot be read just now: ${messageOf(error)}`);
        await sleep(500, this.#stopped.signal);
      }
    }
  }

  #take(fetched: FetchedPartition): void {
    const progress = this.#progress.get(partitionName(fetched));
    if (progress === undefined || this.#stopped.signal.aborted) return;
    for (const record of fetched.records) {
      if (record.offset < progress.readPosition) continue;
      const ack = progress.prefix.track(record.offset, this.#options.now());
      this.#options.onRecord(progress.at, record, ack);
    }
    progress.readPosition = Math.max(progress.readPosition, fetched.nextPosition);
    progress.endPosition = fetched.lastStableOffset;
    progress.prefix.readUpTo(progress.readPosition);
  }

  #applyBackPressure(): void {
    const { fetcher, unackedMax } = this.#options;
    for (const progress of this.#progress.values()) {
      const { unacked } = progress.prefix;
      if (!progress.isPaused && unacked >= unackedMax) {
        progress.isPaused = true;
        fetcher.pause(progress.at);
      } else if (progress.isPaused && unacked <= unackedMax / 2) {
        progress.isPaused = false;
        fetcher.resume(progress.at);
      }
    }
  }

  async #moveToLogStart(at: TopicPartition): Promise<void> {
    const { admin, fetcher, log } = this.#options;
    const name = partitionName(at);
    const progress = this.#progress.get(name);
    try {
      const earliest = (await admin.listOffsets([at], 'earliest')).get(name) ?? 0;
      log(
        'error',
        `The position of ${name} is not in its log any more: retention removed commands that were never delivered, or the topic was made anew. ` +
          `Reading goes on at ${earliest}. Retention of command topics must exceed the longest outage of Temporal.`,
      );
      if (progress !== undefined && !this.#stopped.signal.aborted) {
        // The old prefix may stand above offsets that now belong to other commands.
        progress.prefix = new AckedPrefix(earliest);
        progress.readPosition = earliest;
        fetcher.assign(at, earliest);
      }
    } catch (error) {
      log('warn', `Cannot find the start of ${name}: ${messageOf(error)}`);
    }
  }

  async #commitLoop(): Promise<void> {
    const { commitIntervalMs, log, sleep } = this.#options;
    for (;;) {
      await sleep(commitIntervalMs, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      try {
        await this.commit();
      } catch (error) {
        // Our generation is over, and the group will say so in a moment.
        if (error instanceof BrokerError && (error.kind === 'rebalance' || error.kind === 'fenced')) continue;
        if (this.#isFatal(error)) return;
        log('warn', `Positions were not committed, the next commit covers them: ${messageOf(error)}`);
      }
    }
  }

  #isFatal(error: unknown): boolean {
    if (!(error instanceof BrokerError) || error.kind !== 'fatal') return false;
    this.#options.onFatal(error);
    return true;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
