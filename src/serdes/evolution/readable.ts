// Can what one schema wrote be read with another? By the rules of Avro's schema resolution, as avsc applies them; where not, every place is named.

import { nameOf, type RecordNode, type SchemaField, type SchemaNode } from './schema-node.ts';

/** One place where a reader fails. `field` is the reader's way there: `lines[].quantity`, `labels{}`; empty for the whole value. Types are as `nameOf` says them. */
export type Unreadable = { readonly field: string } & (
  /** The reader wants a field that was not written. `similar`: a written field that the reader does not know, and could read in its place. */
  | { readonly kind: 'no-default'; readonly type: string; readonly similar: string | undefined }
  | { readonly kind: 'type'; readonly reader: string; readonly writer: string }
  /** The writer may write this type, besides others that the reader takes. */
  | { readonly kind: 'branch'; readonly reader: string; readonly branch: string }
  /** Full names. */
  | { readonly kind: 'name'; readonly reader: string; readonly writer: string }
  | { readonly kind: 'symbols'; readonly symbols: readonly string[] }
  | { readonly kind: 'size'; readonly reader: number; readonly writer: number }
  | { readonly kind: 'two-sources'; readonly sources: readonly string[] }
);

/** Empty: everything that the writer's schema can write, the reader's can read. */
export function unreadable(reader: SchemaNode, writer: SchemaNode): Unreadable[] {
  return new Comparison().compare(reader, writer, '');
}

/** What a primitive may have been written as, besides itself. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

class Comparison {
  /** Pairs of records being compared further out: a record that contains itself is readable if the rest of it is. */
  readonly #open: (readonly [SchemaNode, SchemaNode])[] = [];

  compare(reader: SchemaNode, writer: SchemaNode, field: string): Unreadable[] {
    if (writer.kind === 'union') return writer.branches.flatMap((branch) => this.#branch(reader, branch, field));
    if (reader.kind === 'union') return this.#anyOf(reader.branches, writer, field, nameOf(reader));
    const mismatch: Unreadable[] = [{ kind: 'type', field, reader: nameOf(reader), writer: nameOf(writer) }];
    switch (reader.kind) {
      case 'primitive':
        if (writer.kind !== 'primitive') return mismatch;
        return reader.primitive === writer.primitive || PROMOTIONS[reader.primitive]?.includes(writer.primitive) ? [] : mismatch;
      case 'array':
        return writer.kind === 'array' ? this.compare(reader.items, writer.items, `${field}[]`) : mismatch;
      case 'map':
        return writer.kind === 'map' ? this.compare(reader.values, writer.values, `${field}{}`) : mismatch;
      case 'fixed':
        if (writer.kind !== 'fixed') return mismatch;
        if (!isCalled(reader, writer)) return [{ kind: 'name', field, reader: reader.name, writer: writer.name }];
        return reader.size === writer.size ? [] : [{ kind: 'size', field, reader: reader.size, writer: writer.size }];
      case 'enum': {
        if (writer.kind !== 'enum') return mismatch;
        if (!isCalled(reader, writer)) return [{ kind: 'name', field, reader: reader.name, writer: writer.name }];
        const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
        return unknown.length === 0 || reader.default !== undefined ? [] : [{ kind: 'symbols', field, symbols: unknown }];
      }
      case 'record':
        if (writer.kind !== 'record') return mismatch;
        if (!isCalled(reader, writer)) return [{ kind: 'name', field, reader: reader.name, writer: writer.name }];
        return this.#fields(reader, writer, field);
    }
  }

  #fields(reader: RecordNode, writer: RecordNode, path: string): Unreadable[] {
    if (this.#open.some(([r, w]) => r === reader && w === writer)) return [];
    this.#open.push([reader, writer]);
    const found = reader.fields.flatMap((field) => this.#field(field, reader, writer, path === '' ? field.name : `${path}.${field.name}`));
    this.#open.pop();
    return found;
  }

  #field(field: SchemaField, reader: RecordNode, writer: RecordNode, path: string): Unreadable[] {
    const sources = writer.fields.filter(({ name }) => name === field.name || field.aliases.includes(name));
    if (sources.length > 1) return [{ kind: 'two-sources', field: path, sources: sources.map(({ name }) => name) }];
    if (sources.length === 1) return this.compare(field.type, sources[0]!.type, path);
    if (field.default !== undefined) return [];
    const known = new Set(reader.fields.flatMap(({ name, aliases }) => [name, ...aliases]));
    const similar = writer.fields.find(({ name, type }) => !known.has(name) && this.compare(field.type, type, path).length === 0);
    return [{ kind: 'no-default', field: path, type: nameOf(field.type), similar: similar?.name }];
  }

  /** One of the types that the writer may write here. */
  #branch(reader: SchemaNode, branch: SchemaNode, field: string): Unreadable[] {
    const found = this.compare(reader, branch, field);
    return found.map((each) => (each.kind === 'type' && each.field === field ? { kind: 'branch', field, reader: nameOf(reader), branch: nameOf(branch) } : each));
  }

  #anyOf(branches: readonly SchemaNode[], writer: SchemaNode, field: string, reader: string): Unreadable[] {
    const attempts = branches.map((branch) => this.compare(branch, writer, field));
    if (attempts.some((found) => found.length === 0)) return [];
    // The branch that was meant says more than "none of them".
    const meant = branches.findIndex((branch) => branch.kind === writer.kind && branch.kind !== 'primitive' && isCalled(branch, writer));
    return attempts[meant] ?? [{ kind: 'type', field, reader, writer: nameOf(writer) }];
  }
}

/** Whether the reader knows the writer's type by its name. Arrays and maps have none. */
function isCalled(reader: SchemaNode, writer: SchemaNode): boolean {
  if (!('name' in reader) || !('name' in writer)) return true;
  return reader.name === writer.name || reader.aliases.includes(writer.name);
}
