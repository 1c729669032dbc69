// The tools of the broker contract: members that note what happens to them, readers that know when they have enough, and patience.

import { randomUUID } from 'node:crypto';
import {
  BrokerError,
  type Broker,
  type FetchedPartition,
  type Fetcher,
  type GroupAssignor,
  type GroupMetadata,
  type Membership,
  type MembershipOptions,
  type OutgoingRecord,
} from '../../src/ports/broker.ts';
import { NO_HEADERS, partitionName, type RawRecord, type TopicPartition } from '../../src/record/record.ts';

export const SESSION_TIMEOUT_MS = 6_000;
const PATIENCE_MS = 30_000;

// --- Members ---

export interface Joined {
  readonly membership: Membership;
  /** Hooks in the order they were called. */
  readonly log: readonly string[];
  /** What `onFatal` was told. */
  readonly failures: readonly unknown[];
  readonly overlaps: number;
  group(): GroupMetadata;
  partitions(): number[];
}

export async function joined(
  broker: Broker,
  topic: string,
  more: { groupId?: string; assignor?: GroupAssignor; userData?: string; onRevoked?: (group: GroupMetadata) => Promise<void>; signal?: AbortSignal } = {},
): Promise<Joined> {
  const log: string[] = [];
  const failures: unknown[] = [];
  let running = 0;
  let overlaps = 0;
  let group: GroupMetadata | undefined;
  let partitions: number[] = [];
  const hook = async (name: string, work: () => Promise<void> | void): Promise<void> => {
    if (running > 0) overlaps += 1;
    running += 1;
    log.push(name);
    try {
      await work();
    } finally {
      running -= 1;
    }
  };
  const options: MembershipOptions = {
    groupId: more.groupId ?? unique('group'),
    topics: [topic],
    assignor: more.assignor ?? spread(),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: 20_000,
    heartbeatIntervalMs: 150,
    userData: () => Buffer.from(more.userData ?? ''),
    onRevoked: () =>
      hook('revoked', async () => {
        await more.onRevoked?.(group!);
        partitions = [];
      }),
    onLost: () =>
      hook('lost', () => {
        partitions = [];
      }),
    onAssigned: (assigned, metadata) =>
      hook('assigned', async () => {
        await pause(20);
        group = metadata;
        partitions = assigned.map(({ partition }) => partition).sort();
      }),
    onFatal: (error) => void failures.push(error),
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  };
  const membership = await broker.join(options);
  return {
    membership,
    log,
    failures,
    get overlaps() {
      return overlaps;
    },
    group: () => group!,
    partitions: () => partitions,
  };
}

/** Partitions dealt out in turn over members in the order of their ids. */
export function spread(onUserData?: (texts: string[]) => void): GroupAssignor {
  return {
    name: 'contract-spread',
    assign(members, partitionCounts) {
      onUserData?.(members.map(({ userData }) => userData.toString()));
      const ordered = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
      const dealt = new Map<string, TopicPartition[]>(ordered.map(({ memberId }) => [memberId, []]));
      let turn = 0;
      for (const [topic, count] of partitionCounts) {
        for (let partition = 0; partition < count; partition += 1) dealt.get(ordered[turn++ % ordered.length]!.memberId)!.push({ topic, partition });
      }
      return dealt;
    },
  };
}

// --- Records ---

export function value(topic: string, partition: number, text: string): OutgoingRecord {
  return { topic, partition, key: null, value: Buffer.from(text), timestamp: 1_750_000_000_000, headers: NO_HEADERS };
}

export function values(records: readonly RawRecord[]): string[] {
  return records.map((record) => String(record.value));
}

export function plain({ offset, key, value: bytes, timestamp, headers }: RawRecord): unknown {
  return { offset, key: key?.toString() ?? null, value: bytes?.toString() ?? null, timestamp, headers: headers.map(([name, data]) => [name, data?.toString() ?? null]) };
}

/** Polls until every partition named has reached its position; the records by partition. */
export async function readUntil(fetcher: Fetcher, until: ReadonlyMap<string, number>): Promise<Map<string, RawRecord[]>> {
  const records = new Map<string, RawRecord[]>();
  const reached = new Map<string, number>();
  const isDone = () => [...until].every(([name, position]) => (reached.get(name) ?? -1) >= position);
  await pollUntil(fetcher, isDone, (one) => {
    const name = partitionName(one);
    records.set(name, [...(records.get(name) ?? []), ...one.records]);
    reached.set(name, Math.max(reached.get(name) ?? -1, one.nextPosition));
  });
  return records;
}

export async function pollUntil(fetcher: Fetcher, isDone: (arrived: FetchedPartition[]) => boolean, onEach?: (one: FetchedPartition) => void): Promise<FetchedPartition[]> {
  const arrived: FetchedPartition[] = [];
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    for (const one of await fetcher.poll(250)) {
      arrived.push(one);
      onEach?.(one);
    }
    if (isDone(arrived)) return arrived;
    if (Date.now() > deadline) throw new Error(`Not done after ${PATIENCE_MS} ms; arrived: ${arrived.map((one) => `${partitionName(one)}@${one.nextPosition}`).join(', ')}`);
  }
}

export async function pollFor(fetcher: Fetcher, ms: number): Promise<FetchedPartition[]> {
  const arrived: FetchedPartition[] = [];
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) arrived.push(...(await fetcher.poll(50)));
  return arrived;
}

// --- Waiting and failing ---

export async function failure(promise: Promise<unknown>): Promise<BrokerError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('It was expected to fail, and did not');
}

export async function eventually(check: () => Promise<unknown>, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(50);
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** Small and seeded (mulberry32), so that a failure can be run again. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
