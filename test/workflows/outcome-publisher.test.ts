import { describe, expect, it } from 'vitest';
import { BrokerError, type Broker, type TransactionalProducer } from '../../src/ports/broker.ts';
import { InMemoryCluster } from '../../src/testing/in-memory-broker.ts';
import type { PublishOutcomes } from '../../src/workflows/activity-calls.ts';
import { outcomePublisher, PublishError } from '../../src/workflows/worker/outcome-publisher.ts';

const TOPIC = 'app-saga-outcomes';

async function newCluster(): Promise<InMemoryCluster> {
  const cluster = new InMemoryCluster();
  await cluster.connect().admin.ensureTopics([{ topic: TOPIC, partitions: 2 }]);
  return cluster;
}

function call(workflowId: string, ...outSeqs: number[]): PublishOutcomes {
  return {
    replyTo: { topic: TOPIC, partition: 1 },
    key: workflowId,
    outcomes: outSeqs.map((outSeq) => ({ v: 1, origin: 'workflow', workflowId, outSeq, kind: 'status', payload: { n: outSeq }, at: 1_000 + outSeq })),
  };
}

/** `a1 a2 | b1`: committed records, a bar where a transaction ended. */
function log(cluster: InMemoryCluster): string {
  const slots = cluster.topics.get(TOPIC)![1]!.slots;
  return slots
    .map(({ record, transaction }) => {
      if (record === undefined) return '|';
      const { workflowId, outSeq } = JSON.parse(record.value!.toString()) as { workflowId: string; outSeq: number };
      return (transaction?.state === 'committed' ? '' : `(${transaction?.state})`) + workflowId + outSeq;
    })
    .join(' ');
}

/** A broker whose transactional producers do what `fault` says at each of their calls. */
function faulty(cluster: InMemoryCluster, fault: (call: keyof TransactionalProducer) => Promise<void>): Broker {
  const broker = cluster.connect();
  return {
    admin: broker.admin,
    fetcher: (options) => broker.fetcher(options),
    producer: () => broker.producer(),
    join: (options) => broker.join(options),
    close: () => broker.close(),
    transactionalProducer: (options) => {
      const real = broker.transactionalProducer(options);
      return {
        init: async () => (await fault('init'), real.init()),
        send: async (records) => (await fault('send'), real.send(records)),
        sendOffsets: (group, offsets) => real.sendOffsets(group, offsets),
        commit: async () => (await fault('commit'), real.commit()),
        abort: () => real.abort(),
        close: () => real.close(),
      };
    },
  };
}

describe('the outcome publisher', () => {
  it('commits what one call hands over in one transaction', async () => {
    const cluster = await newCluster();
    const publisher = outcomePublisher({ broker: cluster.connect(), transactionalId: 't' });
    await publisher.publish(call('a', 1, 2, 3));
    await publisher.publish(call('a', 4));
    expect(log(cluster)).toBe('a1 a2 a3 | a4 |');
    const [slot] = cluster.topics.get(TOPIC)![1]!.slots;
    expect(slot?.record).toMatchObject({ timestamp: 1_001, key: Buffer.from('a') });
    await publisher.close();
  });

  it('lets calls that wait together share a transaction, up to its size', async () => {
    const cluster = await newCluster();
    const publisher = outcomePublisher({ broker: cluster.connect(), transactionalId: 't', recordsPerTransactionMax: 4 });
    await Promise.all([publisher.publish(call('a', 1)), publisher.publish(call('b', 1, 2)), publisher.publish(call('c', 1, 2)), publisher.publish(call('d', 1, 2, 3, 4, 5))]);
    expect(log(cluster)).toBe('a1 | b1 b2 c1 c2 | d1 d2 d3 d4 d5 |');
    expect(publisher.metrics).toMatchObject({ calls: 4, records: 10, transactions: 3, failures: 0 });
    await publisher.close();
  });

  it.each(['init', 'send', 'commit'] as const)('fails every waiting call when %s fails, and goes on with a new producer', async (failing) => {
    const cluster = await newCluster();
    let faults = 1;
    const broker = faulty(cluster, (at) => (at === failing && faults-- > 0 ? Promise.reject(new BrokerError('retriable', 'ECONNRESET', 'connection lost')) : Promise.resolve()));
    const publisher = outcomePublisher({ broker, transactionalId: 't' });
    const results = await Promise.allSettled([publisher.publish(call('a', 1)), publisher.publish(call('b', 1))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((results[0] as PromiseRejectedResult).reason).toBeInstanceOf(PublishError);
    await Promise.all([publisher.publish(call('a', 1)), publisher.publish(call('b', 1))]);
    const committed = log(cluster).split(' ').filter((entry) => /^[ab]/.test(entry));
    expect(committed.sort()).toEqual(['a1', 'b1']);
    await publisher.close();
  });

  it('aborts, by the next init, what a failed transaction had sent', async () => {
    const cluster = await newCluster();
    let faults = 1;
    const broker = faulty(cluster, (at) => (at === 'commit' && faults-- > 0 ? Promise.reject(new BrokerError('commit-unknown', 'ETIMEDOUT', 'no answer')) : Promise.resolve()));
    const publisher = outcomePublisher({ broker, transactionalId: 't' });
    await expect(publisher.publish(call('a', 1, 2))).rejects.toThrow(/Not published/);
    await publisher.publish(call('a', 1, 2));
    expect(log(cluster)).toBe('(aborted)a1 (aborted)a2 | a1 a2 |');
    await publisher.close();
  });

  it('gives up before the activity does, and the abandoned attempt cannot publish any more', async () => {
    const cluster = await newCluster();
    let hang: (() => void) | undefined;
    let isFirst = true;
    const broker = faulty(cluster, (at) => {
      if (at !== 'send' || !isFirst) return Promise.resolve();
      isFirst = false;
      return new Promise((resolve) => (hang = resolve));
    });
    const publisher = outcomePublisher({ broker, transactionalId: 't', publishTimeoutMs: 50 });
    await expect(publisher.publish(call('a', 1))).rejects.toThrow(/did not answer in time/);
    await publisher.publish(call('a', 1));
    hang?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await publisher.publish(call('a', 2));
    expect(log(cluster)).toBe('a1 | a2 |');
    await publisher.close();
  });

  it('takes its transactional id back when fenced, and says so', async () => {
    const cluster = await newCluster();
    const messages: string[] = [];
    const publisher = outcomePublisher({ broker: cluster.connect(), transactionalId: 't', onTrouble: (message) => messages.push(message) });
    await publisher.publish(call('a', 1));
    await cluster.connect().transactionalProducer({ transactionalId: 't', transactionTimeoutMs: 1_000 }).init();
    await expect(publisher.publish(call('a', 2))).rejects.toThrow(PublishError);
    expect(messages).toEqual([expect.stringMatching(/transactional id t\b.*id of its own/s)]);
    await publisher.publish(call('a', 2));
    expect(publisher.metrics.fencings).toBe(1);
    await publisher.close();
  });

  it('refuses calls once it is closed, for another worker to repeat', async () => {
    const publisher = outcomePublisher({ broker: (await newCluster()).connect(), transactionalId: 't' });
    await publisher.close();
    await expect(publisher.publish(call('a', 1))).rejects.toThrow(/shutting down/);
  });
});
