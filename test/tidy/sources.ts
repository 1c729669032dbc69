// The project's own files as text, for the tests in this folder: they read sources, not behaviour.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Files under a folder of the clone whose names match, as paths from its root, sorted. */
export function filesUnder(folder: string, name: RegExp): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

export const SOURCES: readonly string[] = filesUnder('src', /\.(ts|mjs)$/);

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

export function exists(file: string): boolean {
  return existsSync(join(ROOT, file));
}

export interface Import {
  readonly file: string;
  /** As written: `../ports/broker.ts`, `node:fs`, `millrace/worker`. */
  readonly specifier: string;
  /** The file it names, from the clone's root; undefined for packages. */
  readonly target: string | undefined;
}

/** Imports and re-exports of a file, type-only ones too; dynamic ones where the name is a literal. */
export function importsOf(file: string): Import[] {
  const text = withoutComments(textOf(file));
  const statements = [...text.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'/gm), ...text.matchAll(/^import\s*'([^']+)'/gm)];
  const calls = [...text.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g), ...text.matchAll(/createRequire\(import\.meta\.url\)\('([^']+)'/g)];
  const specifiers = new Set([...statements, ...calls].map(([, specifier]) => specifier as string));
  return [...specifiers].map((specifier) => ({ file, specifier, target: specifier.startsWith('.') ? join(dirname(file), specifier) : undefined }));
}

/** Files that a file names without importing them: programs that it starts, workflow code that a worker bundles. */
export function filesNamedBy(file: string): string[] {
  const relativeUrls = textOf(file).matchAll(/new URL\('(\.[^']+)',\s*import\.meta\.url\)/g);
  return [...relativeUrls].map(([, specifier]) => join(dirname(file), specifier as string));
}

/** Comments replaced by spaces, line by line, so that places stay the same. Good enough for this project's own style; strings with `//` keep it. */
export function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|\s)\/\/[^\n]*/g, (comment, before: string) => before + ' '.repeat(comment.length - before.length));
}

export const PACKAGE = JSON.parse(textOf('package.json')) as { exports: Record<string, string>; scripts: Record<string, string> };
