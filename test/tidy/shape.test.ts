// Files that can be read: one idea each, said in their first line, none dead, none unfinished.

import { describe, expect, it } from 'vitest';
import { exists, filesNamedBy, filesUnder, importsOf, PACKAGE, SOURCES, textOf } from './sources.ts';

const LINES_MAX = 400;
/** What a reader makes of the README is theirs. */
const EXAMPLES = filesUnder('examples', /\.ts$/).filter((file) => !file.startsWith('examples/mine/'));
const PROGRAMS = [...SOURCES, ...filesUnder('scripts', /\.mjs$/), ...EXAMPLES, ...filesUnder('bench', /\.(ts|mjs)$/)];
const TESTS = filesUnder('test', /\.(ts|mjs)$/);
/** This file names what it forbids. */
const THIS_FILE = 'test/tidy/shape.test.ts';

describe('every file', () => {
  it('of a program says in its first line why it exists', () => {
    const isReason = (line: string): boolean => /^\/\/ \S.{10,}[.:,;)a-z]$/.test(line);
    const firstLine = (file: string): string => textOf(file).split('\n').find((line) => !line.startsWith('#!')) ?? '';
    expect(PROGRAMS.filter((file) => !isReason(firstLine(file)))).toEqual([]);
  });

  it(`has at most ${LINES_MAX} lines: past that, look for the second idea`, () => {
    const lengths = PROGRAMS.map((file) => [file, textOf(file).trimEnd().split('\n').length] as const);
    expect(lengths.filter(([, lines]) => lines > LINES_MAX)).toEqual([]);
  });

  it('is finished: no notes to do something later', () => {
    const unfinished = /\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented/i;
    expect([...PROGRAMS, ...TESTS].filter((file) => file !== THIS_FILE && unfinished.test(textOf(file)))).toEqual([]);
  });

  it('is named for its one idea', () => {
    const vague = /(^|\/)(utils?|helpers?|misc|common|shared|stuff|lib)(\.|\/|$)/;
    expect([...PROGRAMS, ...TESTS].filter((file) => vague.test(file))).toEqual([]);
  });
});

describe('every test', () => {
  it('runs: none is skipped, none runs alone', () => {
    const marked = /\b(?:it|test|describe|suite)\s*\.\s*(?:skip|only|todo|fails|skipIf|runIf)\b|\b(?:xit|xdescribe|fit|fdescribe)\(/;
    expect(TESTS.filter((file) => file !== THIS_FILE && marked.test(textOf(file)))).toEqual([]);
  });

  it('has no word in its name that sorts it into a project by mistake', () => {
    const named = TESTS.filter((file) => /\btest\.(ts|mjs)$/.test(file));
    expect(named.filter((file) => !/^test\/.+\/[a-z0-9-]+(\.real|\.temporal|\.property)?\.test\.ts$/.test(file))).toEqual([]);
  });
});

describe('no source file is dead', () => {
  it('each is reached from the package, a command or the bootstrap', () => {
    const commands = Object.values(PACKAGE.scripts).map((script) => `src/cli/${/millrace\.mjs (\S+)/.exec(script)?.[1]}.ts`);
    expect(commands.filter((file) => !exists(file))).toEqual([]);
    const entries = [...Object.values(PACKAGE.exports).map((file) => file.replace('./', '')), 'scripts/millrace.mjs', 'src/cli/main.ts', ...commands];

    const reached = new Set<string>();
    const open = [...entries];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      open.push(...importsOf(file).flatMap(({ target }) => target ?? []), ...filesNamedBy(file).filter((named) => SOURCES.includes(named)));
    }
    expect(SOURCES.filter((file) => !reached.has(file))).toEqual([]);
  });
});
