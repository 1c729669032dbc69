// Word count, a whole program: a five-line topology on the real runtime, without Temporal.
//
//   npm run example:word-count
//
// Type a line of text. For `to be or not to be` these lines come out; `or` and `not` may come first, since they live in another partition:
//
//   to 1
//   be 1
//   to 2
//   be 2
//   or 1
//   not 1
//
// Ctrl-C ends it. Run it again, or kill it with -9 first: it counts on where it stopped.

import { createInterface } from 'node:readline';
import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, NO_HEADERS, onKafka, Serdes, StreamsBuilder } from 'millrace';

const LINES = 'word-count-lines';
const TOTALS = 'word-count-totals';
const text = { key: Serdes.string(), value: Serdes.string() };
const totals = { key: Serdes.string(), value: Serdes.long() };

const builder = new StreamsBuilder();
builder
  .stream(LINES, text)
  .flatMapValues((line) => line?.toLowerCase().match(/\p{L}+/gu) ?? [])
  .groupBy((word) => word, { name: 'words', ...text })
  .count({ name: 'counts' })
  .toStream().peek((count, word) => console.log(word, count)).to(TOTALS, totals);

const broker = connectKafka(kafkaSettingsFromEnv(process.env));
await broker.admin.waitUntilReachable({ onWaiting: console.error });
await broker.admin.ensureTopics([LINES, TOTALS].map((topic) => ({ topic, partitions: 2 })));

const streams = new KafkaStreams(
  builder.build(),
  { applicationId: 'word-count', stateDir: process.env['STATE_DIR'] ?? '.millrace/state' },
  onKafka(broker, { log: (level, message) => level !== 'debug' && console.error(message) }),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void streams.close());
await streams.start();

// What is typed becomes records of the input topic; any other producer would do as well.
const producer = broker.producer();
const typed = createInterface({ input: process.stdin });
typed.on('line', (line) => {
  const record = { topic: LINES, partition: 0, key: null, value: Buffer.from(line), timestamp: Date.now(), headers: NO_HEADERS };
  producer.send([record]).catch(console.error);
});

await streams.closed();
typed.close();
await broker.close();
