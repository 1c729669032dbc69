// Documents tell the truth: their links lead somewhere, the files, commands and variables they name exist, and the code they show is code that runs.

import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists, filesUnder, PACKAGE, SOURCES, textOf } from '../tidy/sources.ts';

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'schemas/README.md', ...filesUnder('docs', /\.md$/)];

const squeezed = (text: string): string => text.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/gm, '').trim();

/** What a heading is called in a link, as GitHub does it. */
const anchorOf = (heading: string): string => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s-]/gu, '').trim().replaceAll(/\s/g, '-');

describe.each(DOCUMENTS)('%s', (document) => {
  const text = textOf(document);
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');

  it('links to files and headings that are there', () => {
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^https?:/.test(link));
    const broken = links.filter((link) => {
      const [path, anchor] = link.split('#') as [string, string | undefined];
      const file = path === '' ? document : normalize(join(dirname(document), path));
      if (!exists(file)) return true;
      return anchor !== undefined && ![...textOf(file).matchAll(/^#+ (.+)$/gm)].some(([, heading]) => anchorOf(heading!) === anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names files and folders that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|docs|scripts|schemas|examples|deploy|bench)\/[\w./-]*)`/g)].map(([, path]) => path!);
    // `examples/mine/` is for the reader to make.
    expect([...new Set(named)].filter((path) => !exists(path) && !path.startsWith('examples/mine/'))).toEqual([]);
  });

  it('quotes tests that are there, under their names', () => {
    const quotes = [...prose.matchAll(/\]\(([^)]+\.test\.ts)\) "([^"]+)"/g)].map(([, link, name]) => [normalize(join(dirname(document), link!)), name!] as const);
    expect(quotes.filter(([file, name]) => !textOf(file).includes(name))).toEqual([]);
  });

  it('names commands that package.json has', () => {
    const commands = [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(([, script, short]) => script ?? short!);
    expect([...new Set(commands)].filter((command) => PACKAGE.scripts[command] === undefined)).toEqual([]);
  });

  it('names environment variables that something reads', () => {
    const sources = [...SOURCES, ...filesUnder('scripts', /\.mjs$/)].map(textOf).join('\n');
    const variables = [...text.matchAll(/`((?:KAFKA|TEMPORAL|SCHEMA_REGISTRY|MILLRACE|INVENTORY)_[A-Z_]+)(?:=[^`]*)?`/g)].map(([, name]) => name!);
    expect([...new Set(variables)].filter((name) => !new RegExp(`\\b${name}\\b`).test(sources))).toEqual([]);
  });

  it('shows no TypeScript but excerpts of files that are checked and run', () => {
    const blocks = [...text.matchAll(/(?:^<!-- (\S+) -->\n)?^```(?:ts|typescript)\n([\s\S]*?)^```/gm)];
    const strange = blocks.filter(([, file, code]) => file === undefined || !/^(examples|test)\//.test(file) || !exists(file) || !squeezed(textOf(file)).includes(squeezed(code!)));
    expect(strange.map(([block]) => block)).toEqual([]);
  });
});

describe('the documents together', () => {
  it('explain every variable that addresses a server', () => {
    const read = new Set(SOURCES.flatMap((file) => [...textOf(file).matchAll(/\b((?:KAFKA|SCHEMA_REGISTRY|TEMPORAL)_[A-Z_]+)\b/g)].map(([, name]) => name!)));
    // Set by `npm test` for its own tests; names of errors.
    const internal = /^TEMPORAL_(CLI|TEST_SERVER)|_PATH$|_ERROR/;
    expect([...read].filter((name) => !internal.test(name) && !textOf('README.md').includes(`\`${name}\``))).toEqual([]);
  });

  it('list every page', () => {
    const pages = filesUnder('docs', /\.md$/).filter((file) => /^docs\/[^/]+$/.test(file) && file !== 'docs/README.md').map((file) => file.replace('docs/', ''));
    expect(pages.filter((page) => !textOf('docs/README.md').includes(`(${page})`))).toEqual([]);
  });

  it('list every decision', () => {
    const pages = filesUnder('docs/decisions', /^\d{4}-.+\.md$/).map((file) => file.split('/').at(-1)!);
    expect(pages.filter((page) => !textOf('docs/decisions/README.md').includes(`(${page})`))).toEqual([]);
    expect(pages.map((page) => page.slice(0, 4))).toEqual(pages.map((_, index) => String(index + 1).padStart(4, '0')));
  });

  it('have a page for each decision that code cites', () => {
    const cited = [...SOURCES, ...filesUnder('test', /\.ts$/)].flatMap((file) => [...textOf(file).matchAll(/docs\/decisions\/(\d{4})/g)].map(([, number]) => number!));
    const pages = filesUnder('docs/decisions', /^\d{4}-.+\.md$/).join('\n');
    expect(cited.filter((number) => !pages.includes(`/${number}-`))).toEqual([]);
    expect(cited).not.toEqual([]);
  });
});
