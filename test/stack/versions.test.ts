import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test.each([
  ['apache/kafka', 'src/stack/kafka-server.ts'],
  ['apicurio/apicurio-registry', 'src/stack/registry-server.ts'],
  ['temporalio/temporal', 'src/stack/temporal-cli.ts'],
])('the container image %s has the version of %s', (image, file) => {
  const version = /const VERSION = '([\d.]+)'/.exec(read(file))?.[1];
  expect(read('deploy/compose.yaml')).toContain(`image: ${image}:${version}\n`);
});
