// A program under test, to be killed: counts records per key, and says on standard output when it runs. It kills itself with SIGKILL in the middle of its
// N-th commit, at the stage it is told.

import { connectKafka, KafkaStreams, kafkaSettingsFromEnv, onKafka, Serdes, StreamsBuilder, type CommitStage } from 'millrace';

const [applicationId, input, output, stateDir, stage = '', at = '0'] = process.argv.slice(2) as [string, string, string, string, CommitStage | '', string];

const text = { key: Serdes.string(), value: Serdes.string() };
const builder = new StreamsBuilder();
builder
  .stream(input, text)
  .groupByKey({ name: 'by-key', ...text })
  .count({ name: 'counts' })
  .toStream()
  .to(output, { key: Serdes.string(), value: Serdes.long() });

let commits = 0;
const broker = connectKafka(kafkaSettingsFromEnv(process.env));
const streams = new KafkaStreams(
  builder.build(),
  // Small transactions, so that there are many to be killed in.
  { applicationId, stateDir, commitIntervalMs: 20, transactionTimeoutMs: 5_000, sessionTimeoutMs: 6_000, maxUncommittedBytes: 8_192 },
  onKafka(broker, {
    log: (level, message) => console.error(level, message),
    onCommitStage(reached) {
      if (reached === 'prepared') commits++;
      if (reached === stage && commits === Number(at)) process.kill(process.pid, 'SIGKILL');
    },
  }),
);
streams.onStateChange((state) => console.log(state));
process.once('SIGTERM', () => void streams.close().then(() => broker.close()));
await streams.start();
await streams.closed();
