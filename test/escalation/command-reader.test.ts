// The reader of command partitions, against logs that behave badly.

import { expect, it } from 'vitest';
import { CommandReader } from '../../src/escalation/command-reader.ts';
import { BrokerError, type BrokerAdmin, type Fetcher, type OffsetToCommit } from '../../src/ports/broker.ts';
import type { RawRecord, TopicPartition } from '../../src/record/record.ts';

const at = { topic: 'commands', partition: 0 };
const sleep = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => (clearTimeout(timer), resolve()));
});

function readerOn(parts: { admin?: Partial<BrokerAdmin>; fetcher?: Partial<Fetcher>; onRecord?: (at: TopicPartition, record: RawRecord, ack: () => void) => void }): CommandReader {
  const admin = { committedOffsets: async () => new Map([['commands-0', { offset: 100, metadata: '' }]]), listOffsets: async () => new Map([['commands-0', 0]]), ...parts.admin };
  const fetcher = { assign: () => {}, unassign: () => {}, pause: () => {}, resume: () => {}, ...parts.fetcher };
  return new CommandReader({
    admin: admin as unknown as BrokerAdmin,
    fetcher: fetcher as unknown as Fetcher,
    group: { groupId: 'g', generationId: 1, memberId: 'm' },
    partitions: [at],
    commitIntervalMs: 10_000,
    unackedMax: 10,
    onRecord: parts.onRecord ?? (() => {}),
    now: () => 0,
    sleep: (_ms, signal) => sleep(1, signal),
    log: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
}

it('commits nothing that was not delivered after its topic was made anew and begins at lower offsets', async () => {
  const committed: OffsetToCommit[] = [];
  const acks: (() => void)[] = [];
  let position = -1;
  let isAnew = false;
  const value = (offset: number): RawRecord => ({ offset, key: null, value: null, timestamp: 0, headers: [] });
  const reader = readerOn({
    admin: { commitOffsets: async (_group, offsets) => void committed.push(...offsets) },
    fetcher: {
      assign: (_at, to) => void (position = to),
      async poll() {
        await sleep(1, reader.stopped);
        if (!isAnew) {
          isAnew = true;
          throw new BrokerError('out-of-range', 'OFFSET_OUT_OF_RANGE', 'gone', { partition: at });
        }
        if (position !== 0) return [];
        position = 3;
        return [{ ...at, records: [value(0), value(1), value(2)], nextPosition: 3, highWatermark: 3, lastStableOffset: 3 }];
      },
    },
    onRecord: (_at, _record, ack) => acks.push(ack),
  });
  await reader.start();
  while (acks.length < 3) await sleep(1, reader.stopped);
  acks[0]!();
  await reader.stop();
  await reader.commit();
  expect(committed.at(-1)?.offset).toBe(1);
  expect(Math.max(...committed.map(({ offset }) => offset))).toBe(1);
});

it('stops at once while Kafka does not answer what the positions are', async () => {
  const reader = readerOn({ admin: { committedOffsets: () => new Promise(() => {}) } });
  const starting = reader.start();
  await reader.stop();
  await starting;
});
