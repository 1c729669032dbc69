// The topology beside this file on Kafka, with somebody who looks at pages all the time.
//
//   npm run example -- views-per-country
//
// Every ten seconds two lines come out, such as
//
//   FI 14:23:10 34 views
//   PE 14:23:10 16 views
//
// Ctrl-C ends it. Run it again, or kill it with -9 first: windows that were open go on where they stopped.

import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, NO_HEADERS, onKafka, partitionFor, type Serde } from 'millrace';
import { reports, users, views, viewsPerCountry } from './topology.ts';

const PARTITIONS = 2;
const REPORTS = 'demo-views-per-country';

const broker = connectKafka(kafkaSettingsFromEnv(process.env));
await broker.admin.waitUntilReachable({ onWaiting: console.error });
await broker.admin.ensureTopics(['demo-users', 'demo-views', REPORTS].map((topic) => ({ topic, partitions: PARTITIONS })));

const streams = new KafkaStreams(
  viewsPerCountry({ sizeMs: 10_000, graceMs: 1_000 }),
  { applicationId: 'views-per-country', stateDir: process.env['STATE_DIR'] ?? '.millrace/state' },
  onKafka(broker, { log: (level, message) => level !== 'debug' && console.error(message) }),
);
await streams.start();

// What other programs would write.
const producer = broker.producer();
async function write<V>(topic: string, serdes: { key: Serde<string>; value: Serde<V> }, key: string, value: V): Promise<void> {
  const bytes = serdes.key.serialize(topic, key);
  const place = { topic, partition: partitionFor(bytes, PARTITIONS) };
  await producer.send([{ ...place, key: bytes, value: serdes.value.serialize(topic, value), timestamp: Date.now(), headers: NO_HEADERS }]);
}
const known = ['ann', 'bob', 'eve'];
for (const user of known) await write('demo-users', users, user, { country: user === 'bob' ? 'PE' : 'FI' });
let looked = 0;
const looking = setInterval(() => void write('demo-views', views, known[looked++ % known.length]!, { page: '/' }).catch(console.error), 200);

// What other programs would read: only what has been committed.
const reader = broker.fetcher();
for (const partition of Array(PARTITIONS).keys()) {
  const tp = { topic: REPORTS, partition };
  const ends = await broker.admin.listOffsets([tp], 'latest');
  reader.assign(tp, ends.get(`${REPORTS}-${partition}`)!);
}
let isOver = false;
async function print(): Promise<void> {
  while (!isOver) {
    for (const { records } of await reader.poll(500)) {
      for (const { key, value } of records) {
        const report = reports.value.deserialize(REPORTS, value!);
        console.log(key!.toString(), new Date(report.fromMs).toISOString().slice(11, 19), report.views, 'views');
      }
    }
  }
}
const printing = print();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void streams.close());
await streams.closed().finally(async () => {
  clearInterval(looking);
  isOver = true;
  await printing;
  await broker.close();
});
