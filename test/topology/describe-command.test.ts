// `npm run describe` and `npm run diff`: what they print, what they answer with, and that docs/topology.md shows just that.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { describe as describeTopology, fingerprint } from 'millrace';
import { run as runDescribe } from '../../src/cli/describe.ts';
import { run as runDiff } from '../../src/cli/diff.ts';
import { textOf } from '../tidy/sources.ts';
import { topology } from '../examples/visits-before.ts';

const BEFORE = 'test/examples/visits-before.ts';
const AFTER = 'test/examples/visits-after.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-describe-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const printed: string[] = [];
const complained: string[] = [];
beforeEach(() => {
  const spies = [vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(text)), vi.spyOn(console, 'error').mockImplementation((text) => void complained.push(text))];
  printed.length = complained.length = 0;
  return () => spies.forEach((spy) => spy.mockRestore());
});

async function output(command: (args: string[]) => Promise<number>, ...args: string[]): Promise<string> {
  printed.length = 0;
  await command(args);
  return printed.join('\n');
}

describe('describe', () => {
  test('shows a module\'s topology under its application id, or another', async () => {
    expect(await runDescribe([BEFORE])).toBe(0);
    expect(`${printed.join('\n')}\n\n`).toBe(describeTopology(topology, 'site'));
    expect(await output(runDescribe, BEFORE, '--app', 'other')).toContain('topic: other-by-page-repartition');
  });

  test('without a module shows that of the order system', async () => {
    expect(await output(runDescribe, '--format', 'json')).toContain('"orders-app-order-saga-commands"');
  });

  test.each<[string, string]>([
    ['default', 'import { topology } from "./visits.ts"; export default topology;'],
    ['a function', 'import { topology } from "./visits.ts"; export default () => topology;'],
    ['a function that takes its time', 'import { topology } from "./visits.ts"; export const topology2 = 1; export { build as topology }; const build = async () => topology;'],
  ])('takes %s', async (_, text) => {
    file('visits.ts', `export { topology } from ${JSON.stringify(new URL('../examples/visits-before.ts', import.meta.url).href)};`);
    const path = file(`module-${Math.abs(text.length)}.ts`, text);
    expect(await runDescribe([path])).toBe(0);
    expect(printed.join('\n')).toContain('topic: <app>-by-page-repartition');
  });

  test.each<[string, () => string[], RegExp]>([
    ['no such file', () => ['nowhere.ts'], /no file .*nowhere\.ts/],
    ['a module without a topology', () => [file('empty.ts', 'export const other = 1;')], /exports other\. Export a Topology, or a function/],
    ['no such format', () => [BEFORE, '--format', 'picture'], /one of text, json, mermaid/],
    ['no such option', () => [BEFORE, '--colour'], /--colour/],
  ])('answers with 2 and says what was meant: %s', async (_, args, complaint) => {
    expect(await runDescribe(args())).toBe(2);
    expect(complained.join('\n')).toMatch(complaint);
    expect(printed).toEqual([]);
  });
});

describe('diff', () => {
  test('answers with 0 where nothing is to be done, 1 where something is', async () => {
    expect(await runDiff([BEFORE, BEFORE])).toBe(0);
    expect(printed.join('\n')).toBe('Safe: stores, internal topics and tasks are the same. Instances of both versions can run side by side.');
    expect(await runDiff([BEFORE, AFTER])).toBe(1);
  });

  test('compares files that were written of topologies, too', async () => {
    const json = file('before.json', await output(runDescribe, BEFORE, '--format', 'json'));
    const print = file('print.json', JSON.stringify(fingerprint(topology)));
    const expected = await output(runDiff, BEFORE, AFTER);
    expect(await output(runDiff, json, AFTER)).toBe(expected);
    expect(await output(runDiff, print, AFTER)).toBe(expected);
    expect(await output(runDiff, json, print)).toMatch(/^Safe: stores/);
    expect(await output(runDiff, json, AFTER, '--app', 'other')).toContain('other-visits-per-page-changelog');
  });

  test.each<[string, () => string[], RegExp]>([
    ['one side only', () => [BEFORE], /npm run diff -- <old> <new>/],
    ['three sides', () => [BEFORE, AFTER, AFTER], /npm run diff -- <old> <new>/],
    ['no such file', () => [BEFORE, 'nowhere.json'], /no file .*nowhere\.json.*describe --silent -- <module> --format json/],
    ['what is not JSON', () => [BEFORE, file('chatter.json', '> millrace@0.1.0 describe\n{}')], /not JSON.*--silent/s],
    ['JSON of something else', () => [BEFORE, file('package.json', '{"name":"x"}')], /"format" is undefined/],
  ])('answers with 2 and says what was meant: %s', async (_, args, complaint) => {
    expect(await runDiff(args())).toBe(2);
    expect(complained.join('\n')).toMatch(complaint);
  });
});

test('docs/topology.md shows what the commands print', async () => {
  const blocks = [...textOf('docs/topology.md').matchAll(/^```(?:text|mermaid)\n([\s\S]*?)\n```$/gm)].map(([, block]) => block);
  expect(blocks).toEqual([await output(runDescribe, BEFORE), await output(runDescribe, BEFORE, '--format', 'mermaid'), await output(runDiff, BEFORE, AFTER)]);
  expect(readFileSync(AFTER, 'utf8')).toContain('retentionMs: 7_200_000');
});
