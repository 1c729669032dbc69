// What is different between two versions, in words: one row per kind of change.

import { expect, it } from 'vitest';
import { schemaChanges } from 'millrace/schemas';

const record = (fields: object[], more: object = {}) => ({ type: 'record', name: 'R', namespace: 'n', fields, ...more });
const of = (type: unknown, more: object = {}): object => ({ name: 'x', type, ...more });
const ENUM = (symbols: string[], more: object = {}): object => of({ type: 'enum', name: 'E', symbols, ...more });
const PART = (fields: object[]): object => ({ type: 'record', name: 'P', fields });

it.each<[string, object, object, string[]]>([
  ['nothing', record([of('int')]), record([of('int')]), []],
  ['a new field', record([]), record([of('int', { default: 3 })]), ['x: new: int, by default 3']],
  ['a new field without a default', record([]), record([of(['null', 'int'])]), ['x: new: null or int, without a default']],
  ['a field that is gone', record([of({ type: 'array', items: 'int' })]), record([]), ['x: gone: was array of int']],
  ['a renamed field', record([of('int')]), record([of('int', { name: 'y', aliases: ['x'] })]), ['y: was x']],
  ['another alias', record([of('int')]), record([of('int', { aliases: ['z'] })]), ['x: has the aliases z, had none']],
  ['another type', record([of('int')]), record([of('long')]), ['x: int → long']],
  ['another kind of type', record([of('int')]), record([of({ type: 'map', values: 'int' })]), ['x: int → map of int']],
  ['another default', record([of('int', { default: 1 })]), record([of('int')]), ['x: default 1 → none']],
  ['another doc', record([of('int')], { doc: 'a' }), record([of('int', { doc: 'b' })]), [': R has another doc', 'x: has another doc']],
  ['a type that may be more', record([of(['null', 'int'])]), record([of(['null', 'int', 'string'])]), ['x: null or int → null or int or string']],
  ['symbols', record([ENUM(['A', 'B'])]), record([ENUM(['A', 'C', 'D'], { default: 'A' })]), ['x: new symbols: C, D', 'x: symbols gone: B', 'x: default none → "A"']],
  ['symbols in another order', record([ENUM(['A', 'B'])]), record([ENUM(['B', 'A'])]), ['x: symbols in another order']],
  ['a size', record([of({ type: 'fixed', name: 'F', size: 2 })]), record([of({ type: 'fixed', name: 'F', size: 3 })]), ['x: 2 bytes → 3 bytes']],
  ['a field inside', record([of({ type: 'array', items: PART([of('int')]) })]), record([of({ type: 'array', items: PART([of('long')]) })]), ['x[].x: int → long']],
  ['a field inside what may be null', record([of(['null', PART([])])]), record([of(['null', PART([of('int')])])]), ['x.x: new: int, without a default']],
  ['a value of a map', record([of({ type: 'map', values: 'int' })]), record([of({ type: 'map', values: 'long' })]), ['x{}: int → long']],
  ['another name', record([]), record([], { name: 'S', aliases: ['R'] }), [': the type n.R is now n.S', ': S has the aliases n.R, had none']],
  ['fields in another order', record([of('int'), of('int', { name: 'y' })]), record([of('int', { name: 'y' }), of('int')]), [': fields in another order']],
  [
    'a number that means something else',
    record([of({ type: 'long', logicalType: 'timestamp-millis' })]),
    record([of({ type: 'long', logicalType: 'timestamp-micros' })]),
    ['x: long (timestamp-millis) → long (timestamp-micros): no reader notices, so the same number must still mean the same'],
  ],
  ['attributes that Avro does not know', record([], { 'connect.name': 'a' }), record([], { 'connect.name': 'b' }), [': other attributes, without effect on reading and writing']],
])('tells %s', (_what, before, after, expected) => {
  expect(schemaChanges(before as never, after as never).map(({ field, what }) => `${field}: ${what}`)).toEqual(expected);
});

it('ends with types that contain themselves', () => {
  const tree = (type: string) => record([{ name: 'label', type }, { name: 'children', type: { type: 'array', items: 'R' } }]);
  expect(schemaChanges(tree('string'), tree('bytes'))).toEqual([{ field: 'label', what: 'string → bytes' }]);
});
