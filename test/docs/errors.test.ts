// Codes and remedies are API: docs/errors.md and the sources say the same, in both directions.

import { describe, expect, it } from 'vitest';
import { SOURCES, textOf } from '../tidy/sources.ts';

interface ErrorClass {
  readonly code: string;
  readonly remedy: string;
}

/** Every class in src/ with a code of its own. */
const classes: ErrorClass[] = SOURCES.flatMap((file) =>
  [...textOf(file).matchAll(/^export class (\w+) extends (\w+) \{\n([\s\S]*?)^\}/gm)].flatMap(([, , , body]) => {
    const code = /readonly code = '([A-Z_]+)'/.exec(body!)?.[1];
    const remedy = /readonly remedy = '([a-z-]+)'/.exec(body!)?.[1];
    return code === undefined ? [] : [{ code, remedy: remedy ?? 'none' }];
  }),
);

const page = textOf('docs/errors.md');

/** Rows of the tables under a heading ('' = before the first one): cells without back-ticks. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading === '' ? '# ' : heading)) ?? '';
  return section
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim().replaceAll('`', '')));
}

/** The members of a union of string literals, by its name. */
function unionOf(file: string, name: string): string[] {
  const declaration = new RegExp(`type ${name} =([\\s\\S]*?);\\n`).exec(textOf(file))?.[1] ?? '';
  return [...declaration.replaceAll(/\/\/[^\n]*/g, '').matchAll(/'([^']+)'/g)].map(([, member]) => member!);
}

describe('docs/errors.md', () => {
  const rows = [...rowsUnder('Of the library'), ...rowsUnder('Of commands')];

  it('has a row for every code, and a code for every row', () => {
    expect(rows.map(([code]) => code).sort()).toEqual(classes.map(({ code }) => code).sort());
    expect(classes.length).toBeGreaterThan(20);
  });

  it('gives the remedy that the code gives', () => {
    expect(Object.fromEntries(rows.map(([code, remedy]) => [code, remedy]))).toEqual(Object.fromEntries(classes.map(({ code, remedy }) => [code, remedy])));
  });

  it('leaves no cell empty', () => {
    expect(rows.filter((cells) => cells.length !== 5 || cells.some((cell) => cell === ''))).toEqual([]);
  });

  it('explains every remedy, every kind of broker error and every reason of the bridge', () => {
    expect(rowsUnder('').map(([remedy]) => remedy).sort()).toEqual(unionOf('src/record/errors.ts', 'Remedy').sort());
    expect(rowsUnder('What the runtime makes').map(([kind]) => kind).sort()).toEqual(unionOf('src/ports/broker.ts', 'BrokerErrorKind').sort());
    const reasons = rowsUnder('Dead letters').map(([code]) => code!).filter((code) => /^[A-Z_]+$/.test(code));
    expect(reasons.sort()).toEqual(unionOf('src/escalation/dead-letter.ts', 'DeadLetterCode').sort());
  });

  it('belongs to codes that are written down once', () => {
    const codes = classes.map(({ code }) => code);
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
  });
});

describe('every class that extends StreamsError', () => {
  it('has a code and a remedy, both literal', () => {
    const all = SOURCES.flatMap((file) => [...textOf(file).matchAll(/class (\w+) extends StreamsError\b/g)].map(([, name]) => name!));
    const complete = SOURCES.flatMap((file) =>
      [...textOf(file).matchAll(/class (\w+) extends StreamsError \{\n\s+readonly code = '[A-Z_]+';\n\s+readonly remedy = '[a-z-]+';/g)].map(([, name]) => name!),
    );
    expect(all.filter((name) => !complete.includes(name))).toEqual([]);
  });
});
