import { describe, expect, test } from 'vitest';
import { NO_HEADERS, Serdes, type RawRecord } from 'millrace';
import { RecordQueue } from '../../src/runtime/record-queue.ts';
import type { FetchedPartition } from '../../src/ports/broker.ts';
import type { SourceNode, TimestampExtractor } from '../../src/topology/graph/node.ts';

const TP = { topic: 'in', partition: 2 };

function source(timestamp?: TimestampExtractor<string | null, number | null>): SourceNode {
  return { kind: 'source', name: 'source', topics: ['in'], key: Serdes.string(), value: Serdes.long(), timestamp };
}

function raw(offset: number, timestamp = offset, value: Buffer | null = Serdes.long().serialize('in', offset)): RawRecord {
  return { offset, timestamp, key: Buffer.from(`k${offset}`), value, headers: NO_HEADERS };
}

function fetched(records: RawRecord[], nextPosition: number, lastStableOffset = nextPosition): FetchedPartition {
  return { ...TP, records, nextPosition, highWatermark: lastStableOffset, lastStableOffset };
}

function queueAt(position: number, timestamp?: TimestampExtractor<string | null, number | null>, partitionTime = -1) {
  const rejected: string[] = [];
  const queue = new RecordQueue(TP, source(timestamp), position, partitionTime, {
    undecodable: (error, _queue, { offset }) => void rejected.push(`undecodable ${offset}: ${(error as Error).message}`),
    negativeTimestamp: (_queue, { offset }) => void rejected.push(`negative ${offset}`),
  });
  return { queue, rejected };
}

describe('position', () => {
  test('is where it began, then that of the first record not processed', () => {
    const { queue } = queueAt(7);
    expect(queue.position).toBe(7);
    queue.add(fetched([raw(7), raw(8)], 9));
    expect(queue.position).toBe(7);
    queue.head();
    expect(queue.position).toBe(7);
    queue.take();
    expect(queue.position).toBe(8);
  });

  test('passes gaps and markers only with what stands before them', () => {
    const { queue } = queueAt(0);
    queue.add(fetched([raw(3), raw(5)], 10));
    queue.add(fetched([], 12));
    expect(queue.position).toBe(3);
    queue.take();
    expect(queue.position).toBe(5);
    queue.take();
    expect(queue.position).toBe(12);
    queue.add(fetched([], 20));
    expect(queue.position).toBe(20);
  });

  test('never goes back and never passes an unprocessed record, however records arrive', () => {
    const { queue } = queueAt(0);
    let offset = 0;
    let last = 0;
    for (let round = 0; round < 50; round++) {
      const records = Array.from({ length: round % 4 }, () => raw((offset += 1 + (round % 3))));
      queue.add(fetched(records, (offset += 1)));
      for (let take = 0; take < round % 3; take++) {
        const head = queue.head();
        if (head === undefined) break;
        expect(queue.position).toBe(head.raw.offset);
        queue.take();
      }
      expect(queue.position).toBeGreaterThanOrEqual(last);
      last = queue.position;
    }
    while (queue.head() !== undefined) queue.take();
    expect([queue.position, queue.size]).toEqual([offset, 0]);
  });
});

describe('what cannot be processed', () => {
  test('is handed over once, in order, and passed', () => {
    const { queue, rejected } = queueAt(0);
    queue.add(fetched([raw(0, 0, Buffer.from('short')), raw(1, -1), raw(2)], 3));
    expect(rejected).toEqual([]);
    expect(queue.head()?.record).toMatchObject({ key: 'k2', value: 2, timestamp: 2 });
    queue.head();
    expect(rejected).toEqual([expect.stringMatching(/^undecodable 0: /), 'negative 1']);
    expect([queue.position, queue.size]).toEqual([2, 1]);
  });

  test('nothing but that leaves an empty queue past it', () => {
    const { queue, rejected } = queueAt(0);
    queue.add(fetched([raw(0, -5), raw(1, -5)], 4));
    expect(queue.head()).toBeUndefined();
    expect([rejected.length, queue.position, queue.size]).toEqual([2, 4, 0]);
  });

  test('a timestamp extractor that throws makes its record undecodable', () => {
    const { queue, rejected } = queueAt(0, (record) => {
      if (record.key === 'k0') throw new Error('no time in it');
      return 50;
    });
    queue.add(fetched([raw(0), raw(1)], 2));
    expect(queue.head()?.record.timestamp).toBe(50);
    expect(rejected).toEqual(['undecodable 0: no time in it']);
  });

  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('a timestamp of %s, which no record can carry, makes its record undecodable', (time) => {
    const { queue, rejected } = queueAt(0, (record) => (record.key === 'k0' ? time : 5));
    queue.add(fetched([raw(0), raw(1)], 2));
    expect(queue.head()?.raw.offset).toBe(1);
    expect(rejected).toEqual([expect.stringMatching(/^undecodable 0: .*timestamp.*epoch/)]);
  });

  test('an error that the policy throws leaves the queue at that record', () => {
    const queue = new RecordQueue(TP, source(), 0, -1, {
      undecodable: () => {
        throw new Error('stop');
      },
      negativeTimestamp: () => {},
    });
    queue.add(fetched([raw(0, 0, Buffer.from('short'))], 1));
    expect(() => queue.head()).toThrow('stop');
    expect([queue.position, queue.size]).toEqual([0, 1]);
  });
});

test('partition time is the highest taken, and handed to the extractor', () => {
  const told: number[] = [];
  const { queue } = queueAt(0, (record, partitionTime) => {
    told.push(partitionTime);
    return record.timestamp;
  }, 40);
  queue.add(fetched([raw(0, 50), raw(1, 45), raw(2, 60)], 3));
  expect(queue.partitionTime).toBe(40);
  for (let taken = 0; taken < 3; taken++) {
    queue.head();
    queue.take();
  }
  expect(told).toEqual([40, 50, 50]);
  expect(queue.partitionTime).toBe(60);
});

test('a head that was only looked at when a commit was made is the first of its time again after a restart', () => {
  const increasing: TimestampExtractor<string | null, number | null> = (record, partitionTime) => (record.timestamp > partitionTime ? record.timestamp : -1);
  const before = queueAt(0, increasing).queue;
  before.add(fetched([raw(0, 50)], 1));
  expect(before.head()?.record.timestamp).toBe(50);
  const { queue } = queueAt(before.position, increasing, before.partitionTime);
  queue.add(fetched([raw(0, 50)], 1));
  expect(queue.head()?.record.timestamp).toBe(50);
});

test('null keys and values stay null and reach no serde', () => {
  const { queue } = queueAt(0);
  queue.add(fetched([{ offset: 0, timestamp: 1, key: null, value: null, headers: NO_HEADERS }], 1));
  expect(queue.head()?.record).toEqual({ key: null, value: null, timestamp: 1, headers: NO_HEADERS });
});

test('it is caught up when the broker is known to hold nothing more, and not before it is known', () => {
  const { queue } = queueAt(5);
  expect(queue.isCaughtUp).toBe(false);
  queue.add(fetched([], 5, 5));
  expect(queue.isCaughtUp).toBe(true);
  queue.add(fetched([raw(5)], 6, 9));
  expect(queue.isCaughtUp).toBe(false);
  queue.add(fetched([], 9, 9));
  expect(queue.isCaughtUp).toBe(true);
});
