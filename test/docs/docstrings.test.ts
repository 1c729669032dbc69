// A public thing says what it is for, right where it is declared: editors show that, and nobody has to read the sources.

import { expect, it } from 'vitest';
import { membersOf, publicDeclarations } from './public-names.ts';

const declarations = publicDeclarations();

it('each export of the package has a docstring', () => {
  expect(declarations.size).toBeGreaterThan(150);
  expect([...declarations.values()].filter(({ doc }) => doc === '').map(({ name, file }) => `${name} (${file})`)).toEqual([]);
});

it('each method of an exported class has one, unless an interface says it, or it is an error', () => {
  const classes = [...declarations.values()].filter(({ kind, text, doc }) => kind === 'class' && !/\b(extends \w*Error|implements (Broker|StateDirectory))\b/.test(text.slice(doc.length).trimStart().split('\n', 1)[0]!));
  expect(classes.length).toBeGreaterThan(15);
  const bare = classes.flatMap(({ name, file }) => {
    const members = membersOf(name, declarations);
    // Of overloads one is enough, and the last is none of the reader's.
    const told = new Set(members.filter(({ doc }) => doc !== '').map((member) => member.name));
    return [...new Set(members.map((member) => member.name))].filter((member) => !told.has(member)).map((member) => `${name}.${member} (${file})`);
  });
  expect(bare).toEqual([]);
});
