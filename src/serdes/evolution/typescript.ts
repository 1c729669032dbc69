// TypeScript types of Avro schemas: what `Serdes.avro` takes and gives for them, so that nobody writes them a second time by hand.

import type { AvroSchema } from '../avro-type.ts';
import { InvalidSchemasError } from '../errors.ts';
import { schemaNode, shortName, type Primitive, type RecordNode, type SchemaNode } from './schema-node.ts';

/**
 * An interface for each record and a union of strings for each enum, under their names without namespace; docs become docstrings. Longs are numbers, bytes and
 * fixed are Buffers. Fields with a default are not optional, since a reader always gets them; all are readonly, since a record may be in other hands, too.
 * @param from named in the first line, which says where the text comes from. @throws {InvalidSchemasError} when two different types have one name.
 */
export function typescriptOf(schemas: readonly { readonly file: string; readonly schema: AvroSchema }[], from: string): string {
  const types = new Types();
  for (const { file, schema } of schemas) types.add(schemaNode(schema), file);
  return [`// Generated from ${from}: change the schemas there, and generate again. A test compares.`, ...types.texts()].join('\n\n') + '\n';
}

class Types {
  readonly #declared = new Map<string, { readonly text: string; readonly fullName: string; readonly file: string }>();
  readonly #seen = new Set<SchemaNode>();
  readonly #problems: string[] = [];

  texts(): string[] {
    if (this.#problems.length > 0) throw new InvalidSchemasError(this.#problems);
    return [...this.#declared.values()].map(({ text }) => text);
  }

  /** Declares the types that have names: those inside first. */
  add(node: SchemaNode, file: string): void {
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    for (const part of partsOf(node)) this.add(part, file);
    if (node.kind === 'record') this.#declare(node.name, recordText(node), file);
    if (node.kind === 'enum') this.#declare(node.name, `${docstring('', node.doc)}export type ${shortName(node.name)} = ${node.symbols.map((symbol) => `'${symbol}'`).join(' | ')};`, file);
  }

  #declare(fullName: string, text: string, file: string): void {
    const name = shortName(fullName);
    const before = this.#declared.get(name);
    if (before === undefined) this.#declared.set(name, { text, fullName, file });
    else if (before.fullName !== fullName || before.text !== text) {
      this.#problems.push(`${file}: ${fullName} and ${before.fullName} of ${before.file} differ, but would both be ${name} in TypeScript: give one of them another name`);
    }
  }
}

function partsOf(node: SchemaNode): readonly SchemaNode[] {
  switch (node.kind) {
    case 'record':
      return node.fields.map(({ type }) => type);
    case 'array':
      return [node.items];
    case 'map':
      return [node.values];
    case 'union':
      return node.branches;
    case 'primitive':
    case 'enum':
    case 'fixed':
      return [];
  }
}

function recordText(record: RecordNode): string {
  const fields = record.fields.map(({ name, doc, type }) => `${docstring('  ', doc, unitOf(type))}  readonly ${name}: ${typeText(type)};\n`);
  return `${docstring('', record.doc)}export interface ${shortName(record.name)} {\n${fields.join('')}}`;
}

function docstring(indent: string, ...sentences: readonly (string | undefined)[]): string {
  const text = sentences.filter((sentence) => sentence !== undefined).join(' ').replaceAll('*/', '* /').replaceAll(/\s*\n\s*/g, ' ');
  return text === '' ? '' : `${indent}/** ${text} */\n`;
}

const UNITS: Readonly<Record<string, string>> = {
  date: 'Days since 1970.',
  'time-millis': 'Milliseconds since midnight.',
  'time-micros': 'Microseconds since midnight.',
  'timestamp-millis': 'Milliseconds since 1970.',
  'timestamp-micros': 'Microseconds since 1970.',
  'local-timestamp-millis': 'Milliseconds since 1970, local time.',
  'local-timestamp-micros': 'Microseconds since 1970, local time.',
};

function unitOf(type: SchemaNode): string | undefined {
  if (type.kind === 'primitive' && type.logicalType !== undefined) return UNITS[type.logicalType];
  return type.kind === 'union' || type.kind === 'array' || type.kind === 'map' ? partsOf(type).map(unitOf).find((unit) => unit !== undefined) : undefined;
}

function typeText(type: SchemaNode): string {
  switch (type.kind) {
    case 'primitive':
      return PRIMITIVE_TYPES[type.primitive];
    case 'fixed':
      return 'Buffer';
    case 'record':
    case 'enum':
      return shortName(type.name);
    case 'array':
      return `readonly ${type.items.kind === 'union' || type.items.kind === 'array' ? `(${typeText(type.items)})` : typeText(type.items)}[]`;
    case 'map':
      return `Readonly<Record<string, ${typeText(type.values)}>>`;
    case 'union': {
      const texts = [...new Set(type.branches.map(isWrapped(type.branches) ? wrappedText : typeText))];
      return [...texts.filter((text) => text !== 'null'), ...texts.filter((text) => text === 'null')].join(' | ');
    }
  }
}

const PRIMITIVE_TYPES: Readonly<Record<Primitive, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
};

/** Where values alone do not say which branch they are of, avsc wants and gives them as `{ <branch>: value }`. */
function isWrapped(branches: readonly SchemaNode[]): boolean {
  const looks = branches.map(lookOf);
  return new Set(looks).size < looks.length;
}

function wrappedText(branch: SchemaNode): string {
  if (branch.kind === 'primitive') return branch.primitive === 'null' ? 'null' : `{ ${branch.primitive}: ${typeText(branch)} }`;
  return `{ '${'name' in branch ? branch.name : branch.kind}': ${typeText(branch)} }`;
}

/** What a value of the type looks like to JavaScript. */
function lookOf(type: SchemaNode): string {
  if (type.kind === 'primitive') return PRIMITIVE_TYPES[type.primitive];
  if (type.kind === 'fixed') return 'Buffer';
  if (type.kind === 'enum') return 'string';
  return type.kind === 'array' ? 'array' : 'object';
}
