// Asks the real Kafka Streams what comes of cases: compiles the program in java/ and runs it over all of them in one JVM.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPrerequisites, javacExecutable, javaExecutable, jdk } from '../../../src/stack/prerequisites.ts';
import type { GoldenCase } from '../golden-case.ts';
import type { CaseToPlay } from './draw-case.ts';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, 'java');

/** `because`: why a step, or the building, failed. */
export type Expectation = GoldenCase['expect'] & { readonly because?: string };

/** `unsure`: a way to run the case that ought to make no difference, and does. */
export type Answer = { readonly name: string; readonly expect: Expectation } | { readonly name: string; readonly unsure: string };

/** Answers, in the order of the cases. `beSure`: runs the case in several ways, for one that nobody has thought about yet. */
export async function askKafkaStreams(cases: readonly (CaseToPlay & { readonly beSure?: boolean })[]): Promise<readonly Answer[]> {
  await checkPrerequisites([jdk('to compile the program that asks Kafka Streams', [])]);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-oracle-'));
  try {
    const jars = join(jarsFolder(), '*');
    const sources = (await readdir(PROGRAM)).filter((file) => file.endsWith('.java')).map((file) => join(PROGRAM, file));
    await run(javacExecutable(), ['-nowarn', '-proc:none', '-cp', jars, '-d', folder, ...sources]);
    const [asked, answered] = [join(folder, 'cases'), join(folder, 'answers')];
    await writeFile(asked, cases.map((each) => `${JSON.stringify(each)}\n`).join(''));
    // Short runs: compiling well would take longer than running badly.
    await run(javaExecutable(), ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${folder}`, '-cp', `${folder}:${jars}`, 'Oracle', asked, answered]);
    return (await readFile(answered, 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as Answer);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function jarsFolder(): string {
  const folder = process.env['MILLRACE_KAFKA_STREAMS'];
  if (folder === undefined) throw new Error('MILLRACE_KAFKA_STREAMS is to name the folder of the jars of Kafka Streams and its test utils. `npm test` sets it.');
  return folder;
}
