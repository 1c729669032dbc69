// Random Avro schemas from a small world of names, so that two of them have something to do with each other.

import fc from 'fast-check';
import type { AvroSchema } from '../../src/serdes/index.ts';

type Json = string | readonly Json[] | { readonly [attribute: string]: unknown };

const PRIMITIVES = ['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];

/** Defaults that fit; `undefined` where none is at hand. */
function defaultFor(type: Json): unknown {
  if (Array.isArray(type)) return defaultFor((type as readonly Json[])[0]!);
  const name = typeof type === 'string' ? type : (type as { type: string }).type;
  switch (name) {
    case 'null':
      return null;
    case 'boolean':
      return true;
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 7;
    case 'string':
    case 'bytes':
      return 'x';
    case 'array':
      return [];
    case 'map':
      return {};
    case 'enum':
      return (type as { symbols: string[] }).symbols[0];
    default:
      return undefined;
  }
}

const enums = (depthTag: string): fc.Arbitrary<Json> =>
  fc.record({ symbols: fc.subarray(['A', 'B', 'C'], { minLength: 1 }), hasDefault: fc.boolean(), hasAlias: fc.boolean() })
    .map(({ symbols, hasDefault, hasAlias }) => ({ type: 'enum', name: `E${depthTag}`, symbols, ...(hasDefault ? { default: symbols[0] } : {}), ...(hasAlias ? { aliases: ['Elsewhere'] } : {}) }));

const fixeds = (depthTag: string): fc.Arbitrary<Json> => fc.constantFrom(2, 3).map((size) => ({ type: 'fixed', name: `F${depthTag}`, size }));

const records = (depth: number, tag: string): fc.Arbitrary<Json> =>
  fc.record({
    name: fc.constantFrom(`R${tag}`, `R${tag}`, `R${tag}`, `S${tag}`),
    aliases: fc.constantFrom<string[]>([], [], [`S${tag}`]),
    fields: fc.uniqueArray(
      fc.integer({ min: 0, max: 3 }).chain((at) =>
        fc.record({
          name: fc.constant('abcd'[at]!),
          aliases: fc.constantFrom<string[]>([], [], [], ['a'], ['d']),
          type: types(depth - 1, `${tag}${at}`),
          hasDefault: fc.boolean(),
        }),
      ),
      { maxLength: 4, selector: ({ name }) => name },
    ),
  }).map(({ name, aliases, fields }) => ({
    type: 'record',
    name,
    namespace: 'n',
    ...(aliases.includes(name) || aliases.length === 0 ? {} : { aliases }),
    fields: fields.map((field) => ({
      name: field.name,
      type: field.type,
      ...(field.aliases.length === 0 || field.aliases.includes(field.name) ? {} : { aliases: field.aliases }),
      ...(field.hasDefault && defaultFor(field.type) !== undefined ? { default: defaultFor(field.type) } : {}),
    })),
  }));

function types(depth: number, tag: string): fc.Arbitrary<Json> {
  const simple: fc.Arbitrary<Json> = fc.oneof({ weight: 4, arbitrary: fc.constantFrom<Json>(...PRIMITIVES) }, { weight: 1, arbitrary: enums(tag) }, { weight: 1, arbitrary: fixeds(tag) });
  if (depth <= 0) return simple;
  const branches = fc.uniqueArray(fc.oneof(fc.constantFrom<Json>('null', ...PRIMITIVES), records(depth - 1, `${tag}u`), enums(`${tag}u`)), {
    minLength: 1,
    maxLength: 3,
    selector: (type) => (typeof type === 'string' ? type : (type as { type: string }).type),
  });
  return fc.oneof(
    { weight: 3, arbitrary: simple },
    { weight: 1, arbitrary: types(depth - 1, tag).map((items) => ({ type: 'array', items })) },
    { weight: 1, arbitrary: types(depth - 1, tag).map((values) => ({ type: 'map', values })) },
    { weight: 2, arbitrary: branches },
    { weight: 1, arbitrary: records(depth, tag) },
  );
}

/** A record of up to four fields, nested up to three deep. */
export const anyRecordSchema: fc.Arbitrary<AvroSchema> = records(3, '') as fc.Arbitrary<AvroSchema>;

/** A schema, and one that is mostly the same: what evolution looks like. */
export const anyEvolution: fc.Arbitrary<readonly [AvroSchema, AvroSchema]> = fc
  .tuple(anyRecordSchema, anyRecordSchema, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
  .map(([before, other, takeOther]) => {
    const fields = before['fields'] as { name: string }[];
    const others = other['fields'] as { name: string }[];
    const mixed = ['a', 'b', 'c', 'd'].flatMap((name, at) => (takeOther[at] ? others : fields).filter((field) => field.name === name));
    return [before, { ...before, fields: mixed }] as const;
  });
