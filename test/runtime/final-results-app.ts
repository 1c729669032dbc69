// A program under test, to be killed: results that come once, at the end (suppressed windows, sessions that close, records without a partner), and a foreign-key
// join through its two topics. It kills itself with SIGKILL in the middle of its N-th commit, at the stage it is told.

import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, onKafka, Serdes, session, StreamsBuilder, tumbling, untilWindowCloses, type CommitStage, type KTable, type Windowed } from 'millrace';
import { inputsOf, outputsOf, SESSIONS, WINDOW, WINDOWS } from './final-results-account.ts';

const [applicationId, stateDir, stage = '', at = '0'] = process.argv.slice(2) as [string, string, CommitStage | '', string];
const inputs = inputsOf(applicationId);
const outputs = outputsOf(applicationId);

const strings = Serdes.string();
const text = { key: strings, value: strings };
const builder = new StreamsBuilder();
const told = (table: KTable<Windowed<string>, number>, topic: string): void =>
  table.toStream((_count, { key, window }) => `${key}@${window.startMs}-${window.endMs}`).mapValues(String).to(topic, text);

const events = builder.stream(inputs.events, text).groupByKey({ name: 'by-key', ...text });
told(events.windowedBy(tumbling(WINDOWS)).count({ name: 'counts' }).suppress(untilWindowCloses(), { name: 'final-counts', value: Serdes.long() }), outputs.windows);
told(events.windowedBy(session(SESSIONS)).count({ name: 'sessions', emit: 'on-close' }), outputs.sessions);

const right = builder.stream(inputs.right, text);
builder
  .stream(inputs.left, text)
  .outerJoin(right, (one, other) => `${one}/${other}`, { name: 'pairs', window: WINDOW, ...text, otherValue: strings })
  .to(outputs.pairs, text);

const customers = builder.table(inputs.customers, { name: 'customers', ...text });
builder
  .table(inputs.orders, { name: 'orders', ...text })
  .leftForeignKeyJoin(customers, (order) => order.split(':')[0], (order, customer) => `${order}/${customer}`, { name: 'owned', ...text, foreignKey: strings, otherValue: strings, result: strings })
  .toStream()
  .to(outputs.owned, text);

let commits = 0;
const broker = connectKafka(kafkaSettingsFromEnv(process.env));
const streams = new KafkaStreams(
  builder.build(),
  // Small transactions, so that there are many to be killed in.
  { applicationId, stateDir, commitIntervalMs: 20, transactionTimeoutMs: 5_000, sessionTimeoutMs: 6_000, maxUncommittedBytes: 4_096 },
  onKafka(broker, {
    log: (level, message) => console.error(level, message),
    onCommitStage(reached) {
      if (reached === 'prepared') commits++;
      if (reached === stage && commits === Number(at)) process.kill(process.pid, 'SIGKILL');
    },
  }),
);
process.once('SIGTERM', () => void streams.close().then(() => broker.close()));
await streams.start();
await streams.closed();
