// The core decides, the edges act: code that must do the same again when it is run again reaches clock, chance, timers and sockets through ports only.

import { describe, expect, it } from 'vitest';
import { SOURCES, textOf, withoutComments } from './sources.ts';

/** Folders whose code is replayed, simulated or run by a test driver, and adapters in them that stand at the edge. */
const CORE = ['src/record/', 'src/ports/', 'src/topology/', 'src/state/', 'src/runtime/', 'src/workflows/'];
const EDGES = ['src/state/level/', 'src/workflows/worker/'];

const IMPURE: readonly (readonly [pattern: RegExp, useInstead: string])[] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.|\bprocess\.hrtime\b/, 'the Clock port (src/ports/clock.ts), handed in with the components'],
  [/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/, 'something that follows from the input: a record source, a sequence number, a process id from the state directory'],
  [/\bset(Timeout|Interval|Immediate)\b|\btimers\/promises\b/, 'the wait of a poll (Fetcher.poll) or a retry time compared with the Clock port'],
  [/\bprocess\.(env|argv|exit|on|once|kill|cwd|pid)\b/, 'a setting, parsed once in src/cli and handed in'],
  [/'node:(fs|net|http|https|tls|dgram|child_process|os|worker_threads|crypto|timers)[^']*'|(?:await|return|=>?) fetch\(/, 'a port in src/ports with its adapter outside the core'],
];

const ALLOWED: readonly (readonly [place: string, text: RegExp])[] = [
  // Temporal's sandbox puts workflow time behind `Date.now`, and its timers are the SDK's `sleep`.
  ['src/workflows/', /\bDate\.now\b/],
  // A digest of a text is the same each time.
  ['src/topology/graph/fingerprint.ts', /^'node:crypto'$/],
];

function impurities(file: string, text: string): string[] {
  const lines = withoutComments(text).split('\n');
  return lines.flatMap((line, index) =>
    IMPURE.flatMap(([pattern, useInstead]) => {
      const found = pattern.exec(line)?.[0];
      if (found === undefined || ALLOWED.some(([place, allowed]) => file.startsWith(place) && allowed.test(found))) return [];
      return [`${file}:${index + 1} uses ${found}; use ${useInstead}`];
    }),
  );
}

describe('the core', () => {
  const files = SOURCES.filter((file) => CORE.some((folder) => file.startsWith(folder)) && !EDGES.some((folder) => file.startsWith(folder)));

  it('reaches clock, chance, timers and sockets through ports only', () => {
    expect(files.flatMap((file) => impurities(file, textOf(file)))).toEqual([]);
    expect(files.length).toBeGreaterThan(60);
  });

  it.each([
    ['src/runtime/x.ts', 'const now = Date.now();'],
    ['src/runtime/x.ts', 'at: new Date().toISOString()'],
    ['src/topology/x.ts', 'if (Math.random() < 0.5) return;'],
    ['src/state/x.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/runtime/x.ts', 'await new Promise((resolve) => setTimeout(resolve, 10));'],
    ['src/runtime/x.ts', 'const answer = await fetch(url);'],
    ['src/workflows/x.ts', 'setInterval(look, 10);'],
    ['src/workflows/x.ts', 'const id = randomUUID();'],
    ['src/runtime/x.ts', "if (process.env['DEBUG']) log(record);"],
  ])('would be caught in %s: %s', (file, line) => {
    expect(impurities(file, line)).toHaveLength(1);
  });

  it.each([
    ['src/runtime/x.ts', '// Date.now() would be another answer on replay.'],
    ['src/runtime/x.ts', 'const now = this.#clock.now();'],
    ['src/workflows/x.ts', 'saga.next(Date.now());'],
    ['src/topology/x.ts', 'for (const partner of other.fetch(key, from, to)) {'],
    ['src/state/x.ts', 'const dated = new Date(record.timestamp);'],
  ])('would be left alone in %s: %s', (file, line) => {
    expect(impurities(file, line)).toEqual([]);
  });
});
