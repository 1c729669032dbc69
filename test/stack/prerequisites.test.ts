import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureStack, MissingPrerequisiteError } from '../../src/stack/index.ts';
import { checkPrerequisites, go, java, jdk, maven } from '../../src/stack/prerequisites.ts';
import { temporaryFolder } from './child.ts';

/** A computer that has these programs and no others; each answers with its text. */
function computerWith(programs: Record<string, string>): NodeJS.ProcessEnv {
  const folder = temporaryFolder();
  for (const [name, answer] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return { PATH: folder };
}

test('what is there and new enough passes', async () => {
  const env = computerWith({ java: 'openjdk version "21.0.2" 2024-01-16', javac: 'javac 21.0.2', mvn: 'Apache Maven 3.9.6', go: 'go version go1.26.8 linux/amd64' });
  await checkPrerequisites([java('to run', ['or not'], env), jdk('to compile', ['or not'], env), maven('to fetch', ['or not'], env), go('to build', ['or not'], env)]);
});

test.each([
  ['too old a Java', { java: 'openjdk version "11.0.20" 2023-07-18' }, java, 'Java 17 or newer is missing: `java -version` says: openjdk version "11.0.20" 2023-07-18'],
  ['a Java that counts the old way', { java: 'java version "1.8.0_392"' }, java, 'java version "1.8.0_392"'],
  ['no Java', {}, java, 'Java 17 or newer is missing: no `java` was found on PATH.'],
  ['a JRE where a JDK is wanted', { java: 'openjdk version "21.0.2" 2024-01-16' }, jdk, 'JDK 17 or newer is missing: no `javac` was found on PATH.'],
  ['too old a JDK', { javac: 'javac 11.0.20' }, jdk, 'JDK 17 or newer is missing: `javac -version` says: javac 11.0.20'],
  ['too old a Maven', { mvn: 'Apache Maven 3.3.9' }, maven, 'Maven (mvn) 3.6 or newer is missing: `mvn --version` says: Apache Maven 3.3.9'],
  ['no Maven', {}, maven, 'Maven (mvn) 3.6 or newer is missing: no `mvn` was found on PATH.'],
])('%s is named with what it is for and the ways out', async (_, programs, prerequisite, message) => {
  const check = checkPrerequisites([prerequisite('to run a Kafka on this computer', ['or set KAFKA_BROKERS'], computerWith(programs))]);
  await expect(check).rejects.toThrow(message);
  await expect(check).rejects.toThrow('It is needed to run a Kafka on this computer.');
  await expect(check).rejects.toThrow('   - or set KAFKA_BROKERS');
});

test('on an empty computer all that is missing is said at once, before anything is fetched, started or left behind', async () => {
  const env = { ...computerWith({}), MILLRACE_CACHE: temporaryFolder() };
  const dataDir = join(temporaryFolder(), 'data');
  const lines: string[] = [];
  const error: unknown = await ensureStack({ need: { kafka: true, temporal: true, registry: true }, dataDir, log: (line) => lines.push(line), env }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MissingPrerequisiteError);
  expect((error as Error).message).toMatchInlineSnapshot(`
    "Java 17 or newer is missing: no \`java\` was found on PATH.
      It is needed to run a Kafka on this computer, because KAFKA_BROKERS names none to use.
      It is needed to run a schema registry on this computer, because SCHEMA_REGISTRY_URL names none to use.
      Ways out:
       - install a JRE or JDK 17 (package openjdk-17-jre-headless, or https://adoptium.net) and have \`java\` on PATH or JAVA_HOME set
       - or set KAFKA_BROKERS to a Kafka you already have, such as KAFKA_BROKERS=localhost:9092
       - or, where Docker runs, start all three servers with deploy/compose.yaml and set the addresses that it names
       - or set SCHEMA_REGISTRY_URL to a registry with the Confluent API, such as SCHEMA_REGISTRY_URL=http://localhost:8081

    Maven (mvn) 3.6 or newer is missing: no \`mvn\` was found on PATH.
      It is needed to download Kafka (54 MB, once), because KAFKA_BROKERS names none to use.
      It is needed to download the schema registry (109 MB, once), because SCHEMA_REGISTRY_URL names none to use.
      Ways out:
       - install Maven (package maven, or https://maven.apache.org) and have \`mvn\` on PATH
       - or set KAFKA_BROKERS to a Kafka you already have, such as KAFKA_BROKERS=localhost:9092
       - or, where Docker runs, start all three servers with deploy/compose.yaml and set the addresses that it names
       - or set SCHEMA_REGISTRY_URL to a registry with the Confluent API, such as SCHEMA_REGISTRY_URL=http://localhost:8081

    Go 1.21 or newer is missing: no \`go\` was found on PATH.
      It is needed to build the Temporal CLI with its development server (once), because TEMPORAL_ADDRESS names no server to use and no usable \`temporal\` is on PATH.
      Ways out:
       - install Go (package golang, or https://go.dev/dl) and have \`go\` on PATH
       - or install the Temporal CLI 1.1 or newer (https://docs.temporal.io/cli) and have \`temporal\` on PATH, or TEMPORAL_CLI set to its path
       - or set TEMPORAL_ADDRESS to a Temporal server you already have, such as TEMPORAL_ADDRESS=localhost:7233
       - or, where Docker runs, start all three servers with deploy/compose.yaml and set the addresses that it names"
  `);
  expect(lines).toEqual([]);
  expect(readdirSync(env.MILLRACE_CACHE)).toEqual([]);
});

test('Go is not asked for where the Temporal CLI has been built already', async () => {
  const env = { ...computerWith({}), MILLRACE_CACHE: temporaryFolder() };
  mkdirSync(join(env.MILLRACE_CACHE, 'temporal-cli-1.5.1'));
  const starting = ensureStack({ need: { kafka: true, temporal: true }, dataDir: temporaryFolder(), log: () => {}, env });
  await expect(starting).rejects.toThrow('Java 17');
  await expect(starting).rejects.not.toThrow(/Go 1/);
});
