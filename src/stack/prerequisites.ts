// What a computer must have before the local stack can come up. Everything that is missing is named in one message, before anything long starts.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { MissingPrerequisiteError } from './errors.ts';

export interface Prerequisite {
  /** What a person would install, with its least version: "Java 17 or newer". */
  readonly name: string;
  /** What it is needed for here. */
  readonly why: string;
  /** How to get it, and how to do without it. */
  readonly waysOut: readonly string[];
  /** Answers what was found, or throws why it will not do. */
  readonly check: () => Promise<string>;
}

interface Missing {
  readonly prerequisite: Prerequisite;
  readonly reason: string;
}

/** Kafka and the registry both want Java: that is one thing to install, so one paragraph. */
function groupByName(missing: readonly Missing[]): Missing[][] {
  return [...Map.groupBy(missing, ({ prerequisite }) => prerequisite.name).values()];
}

function paragraph(wanted: readonly Missing[]): string {
  const { prerequisite, reason } = wanted[0]!;
  return [
    `${prerequisite.name} is missing: ${reason}`,
    ...wanted.map((each) => `  It is needed ${each.prerequisite.why}.`),
    '  Ways out:',
    ...new Set(wanted.flatMap((each) => each.prerequisite.waysOut.map((way) => `   - ${way}`))),
  ].join('\n');
}

/** @throws {MissingPrerequisiteError} naming all that is missing, not only the first */
export async function checkPrerequisites(prerequisites: readonly Prerequisite[]): Promise<void> {
  const results = await Promise.allSettled(prerequisites.map((each) => each.check()));
  const missing = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ prerequisite: prerequisites[index]!, reason: messageOf(result.reason) }] : [],
  );
  if (missing.length > 0) throw new MissingPrerequisiteError(groupByName(missing).map(paragraph).join('\n\n'));
}

export const WITH_DOCKER = 'or, where Docker runs, start all three servers with deploy/compose.yaml and set the addresses that it names';

/** The `java` to run: of JAVA_HOME if set, else the one on PATH. */
export function javaExecutable(env: NodeJS.ProcessEnv = process.env): string {
  return env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
}

export function java(why: string, instead: readonly string[], env: NodeJS.ProcessEnv = process.env): Prerequisite {
  return {
    name: 'Java 17 or newer',
    why,
    waysOut: ['install a JRE or JDK 17 (package openjdk-17-jre-headless, or https://adoptium.net) and have `java` on PATH or JAVA_HOME set', ...instead],
    check: async () => {
      const banner = await firstOutput(javaExecutable(env), ['-version'], env);
      const major = Number(/version "(?:1\.)?(\d+)/.exec(banner)?.[1]);
      if (major >= 17) return `Java ${major}`;
      throw new Error(`\`${javaExecutable(env)} -version\` says: ${banner.split('\n')[0]}`);
    },
  };
}

/** The `javac` that belongs to it. */
export function javacExecutable(env: NodeJS.ProcessEnv = process.env): string {
  return env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'javac') : 'javac';
}

/** For tests that hold Java programs beside ours: a JRE cannot compile them. */
export function jdk(why: string, instead: readonly string[], env: NodeJS.ProcessEnv = process.env): Prerequisite {
  return {
    name: 'JDK 17 or newer',
    why,
    waysOut: ['install a JDK 17, not only a JRE (package openjdk-17-jdk-headless, or https://adoptium.net), and have `java` and `javac` on PATH or JAVA_HOME set', ...instead],
    check: async () => {
      const banner = await firstOutput(javacExecutable(env), ['-version'], env);
      const major = Number(/javac (?:1\.)?(\d+)/.exec(banner)?.[1]);
      if (major >= 17) return `JDK ${major}`;
      throw new Error(`\`${javacExecutable(env)} -version\` says: ${banner.split('\n')[0]}`);
    },
  };
}

export function maven(why: string, instead: readonly string[], env: NodeJS.ProcessEnv = process.env): Prerequisite {
  return {
    name: 'Maven (mvn) 3.6 or newer',
    why,
    waysOut: ['install Maven (package maven, or https://maven.apache.org) and have `mvn` on PATH', ...instead],
    check: async () => {
      const banner = await firstOutput('mvn', ['--version'], env);
      const [, major = '0', minor = '0'] = /Apache Maven (\d+)\.(\d+)/.exec(banner) ?? [];
      if (Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 6)) return `Maven ${major}.${minor}`;
      throw new Error(`\`mvn --version\` says: ${banner.split('\n')[0]}`);
    },
  };
}

export function go(why: string, instead: readonly string[], env: NodeJS.ProcessEnv = process.env): Prerequisite {
  return {
    name: 'Go 1.21 or newer',
    why,
    waysOut: ['install Go (package golang, or https://go.dev/dl) and have `go` on PATH', ...instead],
    check: async () => {
      const banner = await firstOutput('go', ['version'], env);
      const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(banner) ?? [];
      // The CLI wants 1.25; from 1.21 on Go fetches the version that a module wants by itself.
      if (Number(major) > 1 || Number(minor) >= 21) return `Go ${major}.${minor}`;
      throw new Error(`\`go version\` says: ${banner.trim()}`);
    },
  };
}

/** Some tools answer on standard error (java does), so both streams count. */
export async function firstOutput(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(file, [...args], { env, timeout: 30_000 });
    return stdout + stderr;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(`no \`${file}\` was found on PATH.`);
    throw new Error(`\`${file} ${args.join(' ')}\` failed: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}
