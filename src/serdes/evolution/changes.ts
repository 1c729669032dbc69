// What is different between two versions of a schema, field by field: for people who review a change, whatever its compatibility.

import type { AvroSchema } from '../avro-type.ts';
import { nameOf, schemaNode, shortName, type RecordNode, type SchemaField, type SchemaNode } from './schema-node.ts';

/** One difference between two versions of a schema. */
export interface SchemaChange {
  /** `lines[].quantity`; empty for the whole value. */
  readonly field: string;
  readonly what: string;
}

/** In the order of the later schema's fields, then those that are gone. @throws when a schema is not valid Avro. */
export function schemaChanges(before: AvroSchema, after: AvroSchema): SchemaChange[] {
  const found = new Review().types(schemaNode(before), schemaNode(after), '');
  // What Avro does not know (connect.name and the like) has no effect here, but makes another version.
  if (found.length === 0 && !isSameJson(before, after)) return [{ field: '', what: 'other attributes, without effect on reading and writing' }];
  return found;
}

export function isSameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && isSameJson(a[name as never], b[name as never]));
}

class Review {
  /** A type that is used in two places is reviewed at the first. */
  readonly #seen = new Set<SchemaNode>();

  types(before: SchemaNode, after: SchemaNode, field: string): SchemaChange[] {
    const change = (what: string): SchemaChange => ({ field, what });
    if (before.kind === 'array' && after.kind === 'array') return this.types(before.items, after.items, `${field}[]`);
    if (before.kind === 'map' && after.kind === 'map') return this.types(before.values, after.values, `${field}{}`);
    if (before.kind === 'union' && after.kind === 'union') return this.#unions(before.branches, after.branches, field);
    const isNamed = 'name' in before && 'name' in after && before.kind === after.kind;
    if (!isNamed) return nameOf(before) === nameOf(after) && before.kind === after.kind ? [] : [change(`${nameOf(before)} → ${nameOf(after)}${unnoticed(before, after)}`)];
    if (this.#seen.has(after)) return [];
    this.#seen.add(after);
    const names = before.name === after.name ? [] : [change(`the type ${before.name} is now ${after.name}`)];
    const aliases = isSameJson(before.aliases, after.aliases) ? [] : [change(`${shortName(after.name)} has the aliases ${list(after.aliases)}, had ${list(before.aliases)}`)];
    const docs = before.doc === after.doc ? [] : [change(`${shortName(after.name)} has another doc`)];
    const own = [...names, ...aliases, ...docs];
    if (before.kind === 'record' && after.kind === 'record') return [...own, ...this.#records(before, after, field)];
    if (before.kind === 'enum' && after.kind === 'enum') return [...own, ...enums(before.symbols, after.symbols, field), ...defaults(before.default, after.default, field)];
    if (before.kind === 'fixed' && after.kind === 'fixed' && before.size !== after.size) return [...own, change(`${before.size} bytes → ${after.size} bytes`)];
    return own;
  }

  #records(before: RecordNode, after: RecordNode, path: string): SchemaChange[] {
    const at = (field: SchemaField): string => (path === '' ? field.name : `${path}.${field.name}`);
    const used = new Set<SchemaField>();
    const ofAfter = after.fields.flatMap((field) => {
      const earlier = before.fields.find(({ name }) => name === field.name) ?? before.fields.find(({ name }) => field.aliases.includes(name));
      if (earlier === undefined) return [{ field: at(field), what: `new: ${nameOf(field.type)}, ${field.default === undefined ? 'without a default' : `by default ${JSON.stringify(field.default)}`}` }];
      used.add(earlier);
      return this.#fields(earlier, field, at(field));
    });
    const gone = before.fields.filter((field) => !used.has(field)).map((field) => ({ field: at(field), what: `gone: was ${nameOf(field.type)}` }));
    const order = [before.fields.filter((field) => used.has(field)), after.fields].map((fields) => fields.map(({ name }) => name));
    const kept = order[1]!.filter((name) => order[0]!.includes(name));
    const moved = isSameJson(order[0]!.filter((name) => kept.includes(name)), kept) ? [] : [{ field: path, what: 'fields in another order' }];
    return [...ofAfter, ...gone, ...moved];
  }

  #fields(before: SchemaField, after: SchemaField, field: string): SchemaChange[] {
    return [
      ...(before.name === after.name ? [] : [{ field, what: `was ${before.name}` }]),
      ...this.types(before.type, after.type, field),
      ...defaults(before.default, after.default, field),
      ...(isSameJson(before.aliases, after.aliases) || before.name !== after.name ? [] : [{ field, what: `has the aliases ${list(after.aliases)}, had ${list(before.aliases)}` }]),
      ...(before.doc === after.doc ? [] : [{ field, what: 'has another doc' }]),
    ];
  }

  #unions(before: readonly SchemaNode[], after: readonly SchemaNode[], field: string): SchemaChange[] {
    const names = [before, after].map((branches) => branches.map(nameOf));
    const own = isSameJson(names[0], names[1]) ? [] : [{ field, what: `${names[0]!.join(' or ')} → ${names[1]!.join(' or ')}` }];
    const pairs = after.flatMap((branch) => before.filter((earlier) => nameOf(earlier) === nameOf(branch)).map((earlier) => [earlier, branch] as const));
    return [...own, ...pairs.flatMap(([earlier, branch]) => this.types(earlier, branch, field))];
  }
}

function enums(before: readonly string[], after: readonly string[], field: string): SchemaChange[] {
  const added = after.filter((symbol) => !before.includes(symbol));
  const gone = before.filter((symbol) => !after.includes(symbol));
  const isMoved = added.length + gone.length === 0 && !isSameJson(before, after);
  return [
    ...(added.length === 0 ? [] : [{ field, what: `new symbols: ${added.join(', ')}` }]),
    ...(gone.length === 0 ? [] : [{ field, what: `symbols gone: ${gone.join(', ')}` }]),
    ...(isMoved ? [{ field, what: 'symbols in another order' }] : []),
  ];
}

function defaults(before: unknown, after: unknown, field: string): SchemaChange[] {
  if (isSameJson(before, after)) return [];
  return [{ field, what: `default ${JSON.stringify(before) ?? 'none'} → ${JSON.stringify(after) ?? 'none'}` }];
}

/** The same bytes that mean something else: Avro sees nothing wrong with it, and no reader fails. */
function unnoticed(before: SchemaNode, after: SchemaNode): string {
  const isSameBytes = before.kind === 'primitive' && after.kind === 'primitive' && before.primitive === after.primitive;
  return isSameBytes ? ': no reader notices, so the same number must still mean the same' : '';
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
