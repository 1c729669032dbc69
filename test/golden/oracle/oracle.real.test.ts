// Beside the real thing: random topologies through ours and through Kafka Streams, and the golden cases through Kafka Streams once more.
// ORACLE_SEED and ORACLE_CASES look elsewhere, and further: ORACLE_SEED=5000 ORACLE_CASES=1000.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { GoldenCase } from '../golden-case.ts';
import { runCase } from '../run-case.ts';
import { askKafkaStreams, type Answer } from './ask-kafka-streams.ts';
import { drawCase } from './draw-case.ts';

const SEED = Number(process.env['ORACLE_SEED'] ?? 1);
const COUNT = Number(process.env['ORACLE_CASES'] ?? 150);
const TIME_LIMIT_MS = 240_000 + COUNT * 1_000;

const folder = join(import.meta.dirname, '..', 'cases');
const golden = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as GoldenCase);
const drawn = Array.from({ length: COUNT }, (_, at) => drawCase(SEED + at));
let answers: ReadonlyMap<string, Answer>;

beforeAll(async () => {
  console.log(`Random topologies from ORACLE_SEED=${SEED}, ORACLE_CASES=${COUNT}.`);
  const all = await askKafkaStreams([...golden, ...drawn.map((each) => ({ ...each, beSure: true }))]);
  answers = new Map(all.map((answer) => [answer.name, answer]));
}, TIME_LIMIT_MS);

/** Of cases of which Kafka Streams makes the same in whatever way it runs them. */
function sureOnes(): GoldenCase[] {
  return drawn.flatMap((each) => {
    const answer = answers.get(each.name)!;
    if ('unsure' in answer) return [];
    const { because: _because, ...expected } = answer.expect;
    return [{ ...each, expect: expected }];
  });
}

describe('what Kafka Streams makes of a random topology, we make of it', () => {
  test(
    'record by record, and in every store',
    async () => {
      const differences: string[] = [];
      for (const each of sureOnes()) {
        const difference = await runCase(each);
        if (difference !== undefined) differences.push(`${each.name} (ORACLE_SEED=${each.name.replace('drawn-', '')} ORACLE_CASES=1): ${difference}`);
      }
      expect(differences).toEqual([]);
    },
    TIME_LIMIT_MS,
  );

  test('most can be built, say something, and do not hang on accidents', () => {
    const sure = sureOnes();
    const speaking = sure.filter(({ expect: { outputs } }) => Object.values(outputs ?? {}).some((records) => records.length > 0));
    expect(sure.filter(({ expect: { error } }) => error?.at === 'build').map(({ name }) => answers.get(name))).toEqual([]);
    expect(speaking.length).toBeGreaterThan(COUNT * 0.8);
  });
});

test('the golden cases are what Kafka Streams makes of them', () => {
  const shown = ({ outputs, stores, error }: GoldenCase['expect']): unknown => (error === undefined ? { outputs, stores } : { outputs, error });
  for (const { name, expect: expected } of golden) expect({ name, ...(shown((answers.get(name) as Answer & { expect: GoldenCase['expect'] }).expect) as object) }).toEqual({ name, ...(shown(expected) as object) });
});
