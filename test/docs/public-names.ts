// What the package exports, read from the sources: names, and the members of classes and interfaces. Tests compare documents and docstrings with it.

import { dirname, join } from 'node:path';
import { PACKAGE, textOf } from '../tidy/sources.ts';

export interface Declaration {
  readonly name: string;
  readonly file: string;
  readonly kind: string;
  /** The comment right above it, or ''. */
  readonly doc: string;
  /** From its first line to the line that closes it. */
  readonly text: string;
}

const DECLARATION = /^(?:(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n)?export (?:declare |abstract |async )*(class|interface|type|function|const) (\w+)/gm;

/** Every declaration that some entry of the package exports, by name. Of overloads the first. */
export function publicDeclarations(): Map<string, Declaration> {
  const found = new Map<string, Declaration>();
  for (const entry of Object.values(PACKAGE.exports)) {
    for (const [name, declaration] of exportsOf(entry.replace('./', ''))) if (!found.has(name)) found.set(name, declaration);
  }
  return found;
}

function exportsOf(file: string): Map<string, Declaration> {
  const text = textOf(file);
  const found = new Map<string, Declaration>();
  for (const [, star, list, from] of text.matchAll(/^export (?:type )?(?:(\*)|\{([\s\S]*?)\}) from '(\.[^']+)';/gm)) {
    const there = exportsOf(join(dirname(file), from!));
    const names = star === '*' ? [...there.keys()] : list!.split(',').map((each) => each.replace(/\btype /, '').trim()).filter((each) => each !== '');
    for (const each of names) {
      const [name, as = name] = each.split(' as ') as [string, string?];
      const declaration = there.get(name);
      if (declaration !== undefined) found.set(as, { ...declaration, name: as });
    }
  }
  for (const match of text.matchAll(DECLARATION)) {
    const [whole, doc = '', kind, name] = match as unknown as [string, string | undefined, string, string];
    if (found.has(name)) continue;
    const start = match.index + whole.length;
    found.set(name, { name, file, kind, doc, text: text.slice(match.index, endOf(text, start)) });
  }
  return found;
}

/** A declaration of this project ends at the first line that closes it at the margin, or at the end of its own line. */
function endOf(text: string, from: number): number {
  const ownLine = text.indexOf('\n', from);
  if (!/[{(]$|= \($/.test(text.slice(from, ownLine).trimEnd())) return ownLine;
  const close = /\n[})].*/g;
  close.lastIndex = from;
  const end = close.exec(text);
  return end === null ? text.length : end.index + end[0].length;
}

export interface Member {
  readonly name: string;
  readonly doc: string;
}

/** Members of a class, an interface or an object; inherited ones too, where what they come from is exported. Private and internal ones are none. */
export function membersOf(name: string, declarations: ReadonlyMap<string, Declaration>): Member[] {
  const declaration = declarations.get(name);
  if (declaration === undefined) return [];
  const { text } = declaration;
  const own = [...text.matchAll(/^(?: {2}(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n)? {2}(?:readonly |static |async |get |declare |override )*(?!#|private |set |constructor\b)(\w+)\??(?=[<(:,]| =)/gm)]
    .map(([, doc = '', member]) => ({ name: member!, doc }))
    .filter(({ doc, name: member }) => !doc.includes('@internal') && !['if', 'for', 'return', 'throw', 'const', 'export'].includes(member));
  const head = text.slice(0, text.indexOf('{'));
  const parents = [...(/\bextends ([\s\S]+)$/.exec(head)?.[1] ?? '').matchAll(/\b([A-Z]\w+)/g)].map(([, parent]) => parent!);
  const inherited = parents.filter((parent) => parent !== name).flatMap((parent) => membersOf(parent, declarations));
  return [...own, ...inherited];
}
