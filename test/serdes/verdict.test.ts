// What is said about a change that is not compatible: the field, what is wrong with it, what to do. One row per kind of change and direction.

import { describe, expect, it } from 'vitest';
import { conflicts, conflictText } from '../../src/serdes/evolution/verdict.ts';
import type { AvroSchema, Compatibility } from '../../src/serdes/index.ts';

const A = { name: 'a', type: 'string' };
const ITEM = (fields: object[]): object => ({ name: 'lines', type: { type: 'array', items: { type: 'record', name: 'Line', fields } } });
const ENUM = (symbols: string[], more: object = {}): object => ({ name: 'state', type: { type: 'enum', name: 'State', symbols, ...more } });

function said(before: AvroSchema | object[], after: AvroSchema | object[], level: Compatibility = 'BACKWARD'): string[] {
  return conflicts(record(after), [{ version: 3, schema: record(before) }], level).map(conflictText);
}

function record(fields: AvroSchema | object[]): AvroSchema {
  return Array.isArray(fields) ? { type: 'record', name: 'R', namespace: 'n', fields } : (fields as AvroSchema);
}

describe('under BACKWARD, when our readers meet what is there', () => {
  it.each<[string, object[], object[], string]>([
    ['a new field without a default', [A], [A, { name: 'note', type: 'string' }], 'field note (string) is not in version 3 and has no default, so records of that version could not be read. Give it a default.'],
    [
      'a renamed field',
      [A, { name: 'remark', type: 'string' }],
      [A, { name: 'note', type: 'string' }],
      'field note (string) is not in version 3 and has no default, so records of that version could not be read. Give it a default; if it is remark under a new name, add "aliases": ["remark"] to it instead.',
    ],
    ['another type', [{ name: 'n', type: 'long' }], [{ name: 'n', type: 'int' }], 'field n is int, where version 3 wrote long. Keep long; what has another type is another field, with a default.'],
    ['a type left out of a union', [{ name: 'n', type: ['null', 'long'] }], [{ name: 'n', type: 'long' }], 'field n is long, where version 3 may have written null. Keep null among its types.'],
    ['a lost symbol', [ENUM(['NEW', 'OLD', 'ODD'])], [ENUM(['NEW'])], 'field state has lost the symbols OLD, ODD, which version 3 may have written. Keep what was once written, or give the enum a default.'],
    [
      'a renamed type',
      [{ name: 'x', type: { type: 'fixed', name: 'F', size: 2 } }],
      [{ name: 'x', type: { type: 'fixed', name: 'G', size: 2 } }],
      'field x has the type n.G, where version 3 wrote n.F. Keep the name, or add "aliases": ["n.F"] to the type.',
    ],
    [
      'another size',
      [{ name: 'x', type: { type: 'fixed', name: 'F', size: 2 } }],
      [{ name: 'x', type: { type: 'fixed', name: 'F', size: 3 } }],
      'field x has 3 bytes, where version 3 wrote 2. Keep the size; another size is another field, with a default.',
    ],
    ['a field of an item', [ITEM([A])], [ITEM([A, { name: 'sku', type: 'int' }])], 'field lines[].sku (int) is not in version 3 and has no default, so records of that version could not be read. Give it a default.'],
    [
      'a field of a record that may be null',
      [{ name: 'o', type: ['null', { type: 'record', name: 'O', fields: [A] }] }],
      [{ name: 'o', type: ['null', { type: 'record', name: 'O', fields: [{ name: 'a', type: 'int' }] }] }],
      'field o.a is int, where version 3 wrote string. Keep string; what has another type is another field, with a default.',
    ],
    ['a value of a map', [{ name: 'm', type: { type: 'map', values: 'string' } }], [{ name: 'm', type: { type: 'map', values: 'long' } }], 'field m{} is long, where version 3 wrote string. Keep string; what has another type is another field, with a default.'],
    [
      'two fields made one',
      [A, { name: 'b', type: 'string' }],
      [{ ...A, aliases: ['b'] }],
      'field a is a and b of version 3 at once, by its name and aliases. Leave one of them.',
    ],
  ])('names %s', (_what, before, after, text) => {
    expect(said(before, after)).toEqual([text]);
  });

  it('names the type of the whole value, where that has changed', () => {
    expect(said([A], { type: 'record', name: 'Other', fields: [A] })).toEqual([
      'the value as a whole has the type Other, where version 3 wrote n.R. Keep the name, or add "aliases": ["n.R"] to the type.',
    ]);
  });

  it('names everything at once', () => {
    expect(said([A, ITEM([A])], [{ name: 'a', type: 'int' }, ITEM([{ name: 'z', type: 'int' }]), { name: 'b', type: 'int' }])).toHaveLength(3);
  });

  it.each<[string, object[], object[]]>([
    ['a new field with a default', [A], [A, { name: 'n', type: 'long', default: 0 }]],
    ['a field less', [A, { name: 'n', type: 'long' }], [A]],
    ['a wider number', [{ name: 'n', type: 'int' }], [{ name: 'n', type: 'long' }]],
    ['a field that may now be null', [A], [{ name: 'a', type: ['null', 'string'] }]],
    ['a new symbol', [ENUM(['NEW'])], [ENUM(['NEW', 'OLD'])]],
    ['a lost symbol, where the enum has a default', [ENUM(['NEW', 'OLD'])], [ENUM(['NEW'], { default: 'NEW' })]],
    ['a new name with the old one as an alias', [A], [{ name: 'b', type: 'string', aliases: ['a'] }]],
    ['another doc', [A], [{ ...A, doc: 'better' }]],
  ])('has nothing against %s', (_what, before, after) => {
    expect(said(before, after)).toEqual([]);
  });
});

describe('under FORWARD, when readers of what is there meet ours', () => {
  it.each<[string, object[], object[], string]>([
    ['a field less', [A, { name: 'n', type: 'long' }], [A], 'field n (long) is gone, and readers of version 3 have no default for it. Keep it, and go on writing it.'],
    ['a wider number', [{ name: 'n', type: 'int' }], [{ name: 'n', type: 'long' }], 'field n is long, which readers of version 3 cannot take for int. Keep int; what has another type is another field.'],
    ['a field that may now be null', [A], [{ name: 'a', type: ['null', 'string'] }], 'field a may be null, which readers of version 3 cannot take for string. Do not write null here; what has another type is another field.'],
    ['a new symbol', [ENUM(['NEW'])], [ENUM(['NEW', 'OLD'])], 'field state has got the symbol OLD, and readers of version 3 would have no default for that. Leave the enum as it is, or take another field for what is new.'],
    [
      'another size',
      [{ name: 'x', type: { type: 'fixed', name: 'F', size: 2 } }],
      [{ name: 'x', type: { type: 'fixed', name: 'F', size: 3 } }],
      'field x has 3 bytes, where readers of version 3 expect 2. Keep the size; another size is another field.',
    ],
    [
      'a renamed type, which no alias helps, for old readers do not know it',
      [{ name: 'x', type: { type: 'fixed', name: 'F', size: 2 } }],
      [{ name: 'x', type: { type: 'fixed', name: 'G', size: 2, aliases: ['F'] } }],
      'field x has the type n.G, which readers of version 3 know as n.F. Keep the name n.F.',
    ],
    [
      'a field that old readers take for another',
      [{ ...A, aliases: ['b'] }],
      [A, { name: 'b', type: 'string' }],
      'field a of readers of version 3 would be a and b at once, by its name and aliases. Leave one of them.',
    ],
  ])('names %s', (_what, before, after, text) => {
    expect(said(before, after, 'FORWARD')).toEqual([text]);
  });

  it('has nothing against a new field, with a default or without', () => {
    expect(said([A], [A, { name: 'n', type: 'long' }], 'FORWARD')).toEqual([]);
  });
});

describe('the levels', () => {
  const versions = [record([A, { name: 'b', type: 'int', default: 1 }]), record([A]), record([A, { name: 'c', type: 'string', default: '' }])].map((schema, at) => ({ version: at + 1, schema }));
  const held = (fields: object[], level: Compatibility): (readonly [number, string])[] => conflicts(record(fields), versions, level).map(({ version, field }) => [version, field] as const);

  it('hold against the latest version, or against each', () => {
    const after = [A, { name: 'b', type: 'string', default: '' }, { name: 'c', type: 'string', default: '' }];
    expect(held(after, 'BACKWARD')).toEqual([]);
    expect(held(after, 'BACKWARD_TRANSITIVE')).toEqual([[1, 'b']]);
    expect(held(after, 'FORWARD')).toEqual([]);
    expect(held(after, 'FORWARD_TRANSITIVE')).toEqual([[1, 'b']]);
    expect(held(after, 'FULL')).toEqual([]);
    expect(held(after, 'FULL_TRANSITIVE')).toEqual([[1, 'b'], [1, 'b']]);
  });

  it('ask in one direction, in both, or not at all', () => {
    const after = [{ name: 'a', type: 'bytes' }, { name: 'd', type: 'int' }];
    expect(held(after, 'BACKWARD')).toEqual([[3, 'd']]);
    expect(held([], 'FORWARD')).toEqual([[3, 'a']]);
    expect(held([{ name: 'd', type: 'int' }], 'FULL')).toEqual([[3, 'd'], [3, 'a']]);
    expect(held([{ name: 'd', type: 'int' }], 'NONE')).toEqual([]);
  });

  it('have nothing against a first version', () => {
    expect(conflicts(record([A]), [], 'FULL_TRANSITIVE')).toEqual([]);
  });
});
