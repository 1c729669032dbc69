// Window B of docs/architecture.md, "The commit": EndTxn was sent and no answer came. Either way it went, every record counts exactly once.

import { expect, test } from 'vitest';
import { BrokerError, KafkaStreams, NO_HEADERS, Serdes, StreamsBuilder, type Broker } from 'millrace';
import { InMemoryCluster, MemoryStateDirectory } from 'millrace/testing';

const RECORDS = 30;

function counting() {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { key: Serdes.string(), value: Serdes.string() })
    .groupByKey({ name: 'by-key', key: Serdes.string(), value: Serdes.string() })
    .count({ name: 'counts' })
    .toStream()
    .to('out', { key: Serdes.string(), value: Serdes.long() });
  return builder.build();
}

/** From now on the answers to this broker's commits are lost now and then. */
function loseAnswers(broker: Broker, commits: { lost: number; all: number }, isCommitted: boolean): void {
  const make = broker.transactionalProducer.bind(broker);
  broker.transactionalProducer = (options) => {
    const producer = make(options);
    const commit = producer.commit.bind(producer);
    producer.commit = async () => {
      commits.all++;
      if (commits.all % 3 !== 2) return commit();
      commits.lost++;
      // Not committed: the transaction stays open, and the next producer of this id ends it.
      if (isCommitted) await commit();
      throw new BrokerError('commit-unknown', 'ETIMEDOUT', 'EndTxn was sent, no answer came.');
    };
    return producer;
  };
}

test.each([
  ['the commit had happened', true],
  ['it had not', false],
])('an unknown outcome is settled, not guessed: %s', async (_which, isCommitted) => {
  const cluster = new InMemoryCluster();
  const plain = cluster.connect();
  await plain.admin.ensureTopics(['in', 'out'].map((topic) => ({ topic, partitions: 1 })));
  const commits = { lost: 0, all: 0 };
  const directory = new MemoryStateDirectory();
  const broker = cluster.connect();
  loseAnswers(broker, commits, isCommitted);
  const components = { broker, clock: { now: () => Date.now() }, openStateDirectory: async () => directory };
  await using streams = new KafkaStreams(counting(), { applicationId: 'app' }, components);
  await streams.start();

  const out = plain.fetcher();
  out.assign({ topic: 'out', partition: 0 }, 0);
  const counts: number[] = [];
  for (let sent = 1; sent <= RECORDS; sent++) {
    await plain.producer().send([{ topic: 'in', partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: sent, headers: NO_HEADERS }]);
    while (counts.length < sent) {
      for (const { records } of await out.poll(50)) counts.push(...records.map(({ value }) => Serdes.long().deserialize('out', value!)));
    }
  }
  expect(counts).toEqual(Array.from({ length: RECORDS }, (_, index) => index + 1));
  expect(commits.lost).toBeGreaterThan(5);
  expect(streams.metrics()['recoveries']).toBe(commits.lost);
});
