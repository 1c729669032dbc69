// `node test/golden/oracle/make-case.ts FILE…`: asks Kafka Streams what comes of the cases in these files, and writes it into them.

import { readFileSync, writeFileSync } from 'node:fs';
import { ensureKafkaStreams } from '../../../src/stack/index.ts';
import type { GoldenCase } from '../golden-case.ts';
import { askKafkaStreams } from './ask-kafka-streams.ts';
import { caseFile } from './case-file.ts';

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('Which files? node test/golden/oracle/make-case.ts test/golden/cases/own-my-case-001.json');
  process.exit(2);
}
process.env['MILLRACE_KAFKA_STREAMS'] = await ensureKafkaStreams({ log: console.error });
const cases = files.map((file) => ({ ...(JSON.parse(readFileSync(file, 'utf8')) as GoldenCase), beSure: true }));
for (const [at, answer] of (await askKafkaStreams(cases)).entries()) {
  if ('unsure' in answer) {
    console.error(`${files[at]}: what Kafka Streams makes of it hangs on an accident; run "${answer.unsure}", it gives something else. Change the case.`);
    process.exitCode = 1;
    continue;
  }
  const { because, ...expect } = answer.expect;
  if (because !== undefined) console.error(`${files[at]}: ${because}`);
  const { beSure: _asked, ...golden } = cases[at]!;
  writeFileSync(files[at]!, caseFile({ ...golden, expect }));
}
