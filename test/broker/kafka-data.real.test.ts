// What only a real log does: compaction, compression, limits, and the tools' view of it.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connections } from '../../src/broker/connections.ts';
import { connectKafka, kafkaSettingsFromEnv } from '../../src/broker/index.ts';
import { produceRequest } from '../../src/broker/protocol/data.ts';
import { writeBatch } from '../../src/broker/record-batch/write.ts';
import type { Broker, FetchedPartition, OutgoingRecord } from '../../src/ports/broker.ts';
import { NO_HEADERS, type RawRecord } from '../../src/record/record.ts';

const settings = kafkaSettingsFromEnv(process.env);

function record(topic: string, key: string | null, value: string | Buffer | null, partition = 0): OutgoingRecord {
  return {
    topic,
    partition,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp: Date.now(),
    headers: NO_HEADERS,
  };
}

describe('Kafka’s logs', () => {
  let broker: Broker;
  beforeAll(() => {
    broker = connectKafka(settings);
  });
  afterAll(() => broker.close());

  async function newTopic(config: Record<string, string> = {}, partitions = 1): Promise<string> {
    const topic = `data-${randomUUID().slice(0, 8)}`;
    await broker.admin.ensureTopics([{ topic, partitions, config }]);
    return topic;
  }

  async function readAll(topic: string, options: { from?: number; until?: number; maxBytesPerPartition?: number } = {}): Promise<{ records: RawRecord[]; answers: FetchedPartition[] }> {
    const until = options.until ?? (await broker.admin.listOffsets([{ topic, partition: 0 }], 'stable')).get(`${topic}-0`)!;
    const fetcher = broker.fetcher({ maxBytesPerPartition: options.maxBytesPerPartition ?? 1_000_000 });
    const answers: FetchedPartition[] = [];
    fetcher.assign({ topic, partition: 0 }, options.from ?? 0);
    while ((answers.at(-1)?.nextPosition ?? 0) < until) answers.push(...(await fetcher.poll(1_000)));
    await fetcher.close();
    return { records: answers.flatMap(({ records }) => records), answers };
  }

  it('reads a compacted log of transactions to its end: gaps, removed tails, tombstones, aborted data, small answers', async () => {
    const topic = await newTopic({
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.001',
      'delete.retention.ms': '100',
      'min.compaction.lag.ms': '0',
      'max.compaction.lag.ms': '200',
    });
    const producers = [0, 1, 2].map((i) => broker.transactionalProducer({ transactionalId: `${topic}-${i}`, transactionTimeoutMs: 20_000 }));
    for (const producer of producers) await producer.init();
    const truth = new Map<string, string | null>();
    const write = async (round: number) => {
      for (const [i, producer] of producers.entries()) {
        const isAborted = (round + i) % 3 === 0;
        const writes = Array.from({ length: 40 }, (_, n): [string, string | null] => [`${i}:${n % 10}`, n % 7 === 0 ? null : `${round}:${n}`]);
        await producer.send(writes.map(([key, value]) => record(topic, key, value)));
        if (isAborted) {
          await producer.abort();
        } else {
          await producer.commit();
          for (const [key, value] of writes) truth.set(key, value);
        }
      }
    };
    const end = async () => (await broker.admin.listOffsets([{ topic, partition: 0 }], 'stable')).get(`${topic}-0`)!;
    let round = 0;
    for (; round < 6; round += 1) {
      await write(round);
      await new Promise((resolve) => setTimeout(resolve, 250)); // past segment.ms, so that the segment closes and can be cleaned
    }
    // Wait until the cleaner has been here, writing a little so that segments roll.
    const deadline = Date.now() + 60_000;
    for (;;) {
      await write(round++);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { records } = await readAll(topic);
      if (records.length < (await end()) / 3) break;
      if (Date.now() > deadline) throw new Error(`Not compacted: ${records.length} records up to ${await end()}`);
    }
    const until = await end();
    for (const maxBytesPerPartition of [1_000_000, 700]) {
      const { records, answers } = await readAll(topic, { until, maxBytesPerPartition });
      const seen = new Map<string, string | null>();
      for (const { key, value } of records) seen.set(String(key), value === null ? null : String(value));
      const alive = (map: Map<string, string | null>) => [...map].filter(([, value]) => value !== null).sort();
      expect(alive(seen)).toEqual(alive(truth));
      expect(answers.at(-1)!.nextPosition).toBeGreaterThanOrEqual(until);
      const offsets = records.map(({ offset }) => offset);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    }
    for (const from of [1, 7, Math.floor(until / 2), until - 1]) await readAll(topic, { from, until });
  });

  it.each(['gzip', 'zstd'] as const)('reads what the broker has compressed with %s, and what a client has', async (codec) => {
    const topic = await newTopic({ 'compression.type': codec });
    const sent = Array.from({ length: 500 }, (_, i) => `value ${i} `.repeat(5));
    await broker.producer().send(sent.map((value) => record(topic, 'k', value)));
    const connections = new Connections(settings, 'test');
    try {
      await connections.refresh([topic]);
      const batch = writeBatch([record(topic, 'k', 'by hand')], { producerId: -1, epoch: -1, baseSequence: -1, transactional: false }, codec);
      const results = await connections.send(connections.leaderOf({ topic, partition: 0 })!, produceRequest(9, null, 10_000, [{ topic, partition: 0, batch }]));
      expect(results).toMatchObject([{ errorCode: 0, baseOffset: 500 }]);
    } finally {
      await connections.close();
    }
    expect((await readAll(topic)).records.map(({ value }) => String(value))).toEqual([...sent, 'by hand']);
  });

  it.each(['snappy', 'lz4'])('says that it cannot read %s', async (codec) => {
    const topic = await newTopic({ 'compression.type': codec });
    await broker.producer().send([record(topic, 'k', 'v')]);
    await expect(readAll(topic)).rejects.toMatchObject({ kind: 'fatal', code: 'UNSUPPORTED_COMPRESSION_TYPE', message: expect.stringContaining(codec) });
  });

  it('splits what would not fit into one batch, in one transaction and in order', async () => {
    const topic = await newTopic();
    const big = Array.from({ length: 60 }, (_, i) => Buffer.alloc(90_000, i));
    const producer = broker.transactionalProducer({ transactionalId: topic, transactionTimeoutMs: 20_000 });
    await producer.init();
    for (let round = 0; round < 2; round += 1) {
      expect(await producer.send(big.map((value) => record(topic, null, value)))).toMatchObject([{ partition: 0 }]);
      await producer.commit();
    }
    const { records } = await readAll(topic, { until: 122 });
    expect(records.map(({ value }) => value![0])).toEqual([...big.keys(), ...big.keys()]);
  });

  it('splits further where the topic’s limit is lower, and names the limit when one record is beyond it', async () => {
    const topic = await newTopic({ 'max.message.bytes': '5000' });
    const producer = broker.transactionalProducer({ transactionalId: topic, transactionTimeoutMs: 20_000 });
    await producer.init();
    await producer.send(Array.from({ length: 100 }, (_, i) => record(topic, `${i}`, Buffer.alloc(700, i))));
    await producer.commit();
    await expect(producer.send([record(topic, 'fits', 'x'), record(topic, 'too big', Buffer.alloc(6_000))])).rejects.toMatchObject({
      kind: 'too-large',
      message: expect.stringContaining('max.message.bytes'),
      partition: { topic, partition: 0 },
    });
    await producer.abort();
    await producer.send([record(topic, 'after', 'y')]);
    await producer.commit();
    const until = (await broker.admin.listOffsets([{ topic, partition: 0 }], 'latest')).get(`${topic}-0`)!;
    const keys = (await readAll(topic, { until })).records.map(({ key }) => String(key));
    expect(keys).toEqual([...Array.from({ length: 100 }, (_, i) => `${i}`), 'after']);
  });

  it('reads a record larger than the answer it asked for', async () => {
    const topic = await newTopic();
    await broker.producer().send([record(topic, 'a', Buffer.alloc(200_000, 1)), record(topic, 'b', 'small')]);
    expect((await readAll(topic, { maxBytesPerPartition: 1_000 })).records.map(({ key }) => String(key))).toEqual(['a', 'b']);
  });

  it('says that a topic or partition does not exist, and waits for a topic that is about to', async () => {
    const topic = await newTopic();
    await expect(broker.admin.listOffsets([{ topic, partition: 9 }], 'latest')).rejects.toMatchObject({ kind: 'fatal', message: expect.stringContaining('has 1 partitions') });
    await expect(broker.admin.listOffsets([{ topic: `${topic}-no`, partition: 0 }], 'latest')).rejects.toMatchObject({ kind: 'fatal', message: expect.stringContaining('does not exist') });
    await expect(broker.producer().send([record(topic, 'k', 'v', 4)])).rejects.toMatchObject({ kind: 'fatal', message: expect.stringContaining('partition 4') });
    const late = `${topic}-late`;
    const sending = broker.producer().send([record(late, 'k', 'v')]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await broker.admin.ensureTopics([{ topic: late, partitions: 1 }]);
    expect(await sending).toEqual([{ topic: late, partition: 0, nextPosition: 1 }]);
  });

  it('refuses to join for topics that do not exist, and names them', async () => {
    const joining = broker.join({
      groupId: `g-${randomUUID()}`,
      topics: ['surely-not-there'],
      assignor: { name: 'any', assign: () => new Map() },
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
      userData: () => Buffer.alloc(0),
      onRevoked: async () => {},
      onLost: async () => {},
      onFatal: () => {},
      onAssigned: async () => {},
    });
    await expect(joining).rejects.toMatchObject({ kind: 'fatal', message: expect.stringContaining('surely-not-there') });
  });
});
