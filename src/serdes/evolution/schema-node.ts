// An Avro schema as plain data with every name resolved: what can be compared, explained and translated. avsc's own types forget logical types.

import { type AvroSchema, parseAvro } from '../avro-type.ts';

export const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type Primitive = (typeof PRIMITIVES)[number];

interface Named {
  /** With its namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
}

export type SchemaNode =
  | { readonly kind: 'primitive'; readonly primitive: Primitive; readonly logicalType: string | undefined }
  | (Named & { readonly kind: 'record'; readonly fields: readonly SchemaField[] })
  | (Named & { readonly kind: 'enum'; readonly symbols: readonly string[]; readonly default: string | undefined })
  | (Named & { readonly kind: 'fixed'; readonly size: number; readonly logicalType: string | undefined })
  | { readonly kind: 'array'; readonly items: SchemaNode }
  | { readonly kind: 'map'; readonly values: SchemaNode }
  | { readonly kind: 'union'; readonly branches: readonly SchemaNode[] };

export type RecordNode = Extract<SchemaNode, { kind: 'record' }>;

export interface SchemaField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
  readonly type: SchemaNode;
  /** As in the schema: JSON; undefined = none. */
  readonly default: unknown;
}

/** A record that contains itself is a cycle of nodes. @throws when the schema is not valid Avro. */
export function schemaNode(schema: AvroSchema): SchemaNode {
  parseAvro(schema); // From here on, the schema is known to make sense.
  return new Reader().read(schema, '');
}

/** How the type reads in a sentence: `long`, `array of string`, `null or long`, `OrderLine`. */
export function nameOf(node: SchemaNode): string {
  switch (node.kind) {
    case 'primitive':
      return node.logicalType === undefined ? node.primitive : `${node.primitive} (${node.logicalType})`;
    case 'array':
      return `array of ${nameOf(node.items)}`;
    case 'map':
      return `map of ${nameOf(node.values)}`;
    case 'union':
      return node.branches.map(nameOf).join(' or ');
    case 'record':
    case 'enum':
    case 'fixed':
      return shortName(node.name);
  }
}

export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** What JSON of a schema may be, wherever a type is expected. */
type SchemaObject = { readonly [attribute: string]: unknown };
type SchemaJson = string | readonly SchemaJson[] | SchemaObject;

class Reader {
  readonly #named = new Map<string, SchemaNode>();

  read(json: SchemaJson, namespace: string): SchemaNode {
    if (typeof json === 'string') return this.#reference(json, namespace, undefined);
    if (isList(json)) return { kind: 'union', branches: json.map((branch) => this.read(branch, namespace)) };
    const logicalType = json['logicalType'] as string | undefined;
    switch (json['type']) {
      case 'array':
        return { kind: 'array', items: this.read(json['items'] as SchemaJson, namespace) };
      case 'map':
        return { kind: 'map', values: this.read(json['values'] as SchemaJson, namespace) };
      case 'enum':
        return this.#remember({ kind: 'enum', ...named(json, namespace), symbols: json['symbols'] as string[], default: json['default'] as string | undefined });
      case 'fixed':
        return this.#remember({ kind: 'fixed', ...named(json, namespace), size: json['size'] as number, logicalType });
      case 'record':
      case 'error':
        return this.#record(json, namespace);
      default:
        return typeof json['type'] === 'string' ? this.#reference(json['type'], namespace, logicalType) : this.read(json['type'] as SchemaJson, namespace);
    }
  }

  #record(json: SchemaObject, namespace: string): SchemaNode {
    const fields: SchemaField[] = [];
    const record = this.#remember({ kind: 'record', ...named(json, namespace), fields }); // before its fields, which may name it
    const inner = namespaceOf(json, namespace);
    for (const field of json['fields'] as { name: string; aliases?: string[]; doc?: string; type: SchemaJson; default?: unknown }[]) {
      fields.push({ name: field.name, aliases: field.aliases ?? [], doc: field.doc, type: this.read(field.type, inner), default: field.default });
    }
    return record;
  }

  #remember<N extends SchemaNode & Named>(node: N): N {
    this.#named.set(node.name, node);
    return node;
  }

  #reference(name: string, namespace: string, logicalType: string | undefined): SchemaNode {
    const primitive = PRIMITIVES.find((each) => each === name);
    if (primitive !== undefined) return { kind: 'primitive', primitive, logicalType };
    const found = this.#named.get(qualified(name, namespace));
    if (found === undefined) throw new Error(`undefined type name: ${name}`);
    return found;
  }
}

/** The namespace of what stands inside: as avsc has it, since that is who reads the records. */
function namespaceOf(json: SchemaObject, outer: string): string {
  const { namespace, name } = json as { namespace?: string; name?: string };
  return namespace ?? (name?.includes('.') ? name.slice(0, name.lastIndexOf('.')) : outer);
}

function named(json: SchemaObject, outer: string): Named {
  const namespace = namespaceOf(json, outer);
  const { name, aliases = [], doc } = json as { name?: string; aliases?: string[]; doc?: string };
  if (name === undefined) throw new Error(`a schema of type ${String(json['type'])} has no name`);
  return { name: qualified(name, namespace), aliases: aliases.map((alias) => qualified(alias, namespace)), doc };
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name.replace(/^\./, '') : `${namespace}.${name}`;
}

function isList(json: SchemaJson): json is readonly SchemaJson[] {
  return Array.isArray(json);
}
