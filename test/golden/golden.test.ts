// What the real Kafka Streams did, case by case; `npm run golden -- DIR` does the same for any folder.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GoldenCase } from './golden-case.ts';
import { runCase } from './run-case.ts';

const folder = join(import.meta.dirname, 'cases');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

test('the cases are there', () => expect(files.length).toBeGreaterThanOrEqual(157));

test.each(files)('%s', async (file) => {
  expect(await runCase(JSON.parse(readFileSync(join(folder, file), 'utf8')) as GoldenCase)).toBe(undefined);
});
