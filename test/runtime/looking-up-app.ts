// A program under test, to be killed: joins each record with a row of a global table, and says on standard output when it runs, and why tables are read anew.

import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, onKafka, Serdes, StreamsBuilder } from 'millrace';

const [applicationId, input, rows, output, stateDir] = process.argv.slice(2) as [string, string, string, string, string];

const text = { key: Serdes.string(), value: Serdes.string() };
const builder = new StreamsBuilder();
const table = builder.globalTable(rows, { name: 'rows', ...text });
builder
  .stream(input, text)
  .leftJoin(table, (value) => value, (value, row) => `${value}=${row}`)
  .to(output, text);

const broker = connectKafka(kafkaSettingsFromEnv(process.env));
const streams = new KafkaStreams(
  builder.build(),
  { applicationId, stateDir, commitIntervalMs: 20, transactionTimeoutMs: 5_000, sessionTimeoutMs: 6_000 },
  onKafka(broker, { log: (_level, message) => (/anew|wiped/.test(message) ? console.log : console.error)(message) }),
);
streams.onStateChange((state) => console.log(state));
process.once('SIGTERM', () => void streams.close().then(() => broker.close()));
await streams.start();
await streams.closed();
