// Run by kafka-trouble.real.test.ts as a process of its own: uses every part of the broker, closes it, and must then end by itself.

import { connectKafka } from '../../src/broker/index.ts';
import { NO_HEADERS } from '../../src/record/record.ts';

const [topic, address, how] = process.argv.slice(2) as [string, string, string];
const [host, port] = address.split(':') as [string, string];
const broker = connectKafka({ brokers: [address], route: () => ({ host, port: Number(port) }) });

const record = { topic, partition: 0, key: null, value: Buffer.from('x'), timestamp: Date.now(), headers: NO_HEADERS };
await broker.admin.waitUntilReachable();
await broker.producer().send([record]);
const producer = broker.transactionalProducer({ transactionalId: `close-${topic}`, transactionTimeoutMs: 20_000 });
await producer.init();
await producer.send([record]);
await producer.commit();
const fetcher = broker.fetcher();
fetcher.assign({ topic, partition: 0 }, 0);
await fetcher.poll(1_000);
const membership = await broker.join({
  groupId: `close-${topic}-${how}`,
  topics: [topic],
  assignor: { name: 'all', assign: (members) => new Map([[members[0]!.memberId, [{ topic, partition: 0 }, { topic, partition: 1 }]]]) },
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 10_000,
  heartbeatIntervalMs: 500,
  userData: () => Buffer.alloc(0),
  onRevoked: async () => {},
  onLost: async () => {},
  onFatal: () => {},
  onAssigned: async () => {},
});
console.log('ready');
let pending: Promise<unknown>[] = [];
if (how === 'close') {
  await membership.leave();
} else {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  // Everything that waits for the broker when it is closed.
  pending = [producer.send([record]), fetcher.poll(60_000), broker.admin.listTopics(), broker.producer().send([record])].map((one) => one.catch(() => {}));
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const closing = performance.now();
await broker.close();
await Promise.all(pending);
process.on('exit', () => console.log(`exited after ${Math.round(performance.now() - closing)} ms`));
