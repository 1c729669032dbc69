// Avro types that survive hostile bytes, and keep what was written. avsc believes the item count in front of an array or map: five corrupted bytes can say
// "a billion items" and take the whole process down with them, where one record should have gone to the dead letters. These types check counts and positions
// against the bytes there are. And avsc reads another version's union into the first branch that would do, these into the same branch where there is one.

import avsc from 'avsc';

/** A parsed Avro schema: what `JSON.parse` makes of an .avsc file. */
export type AvroSchema = { readonly type: string; readonly [attribute: string]: unknown };

/** Items such as `null` take no bytes, so their count says nothing about the bytes that follow; beyond this many it is taken for corruption. */
const WEIGHTLESS_ITEMS_MAX = 1_024;

/** @throws when the schema is not valid Avro. */
export function parseAvro(schema: AvroSchema): avsc.Type {
  return avsc.Type.forSchema(schema as unknown as avsc.Type, { typeHook: ownTypes, omitRecordMethods: true });
}

function ownTypes(schema: unknown, options: unknown): avsc.Type | undefined {
  if (Array.isArray(schema)) return preciseUnion(schema as avsc.Type[], options as Parameters<typeof avsc.Type.forSchema>[1]);
  const type = typeof schema === 'object' && schema !== null ? (schema as { type?: unknown }).type : undefined;
  if (type === 'array') return new BoundedArray(schema as avsc.Type, options);
  if (type === 'map') return new BoundedMap(schema as avsc.Type, options);
  return undefined;
}

/** The part of avsc's reader that its typings leave out. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  readString(): string;
  skipString(): void;
}
interface Readable {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
}

// avsc copies `_read` into resolvers, where `this` is the resolver: both have itemsType or valuesType, which is all these methods use.
class BoundedArray extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Readable;
    const values: unknown[] = [];
    readBlocks(tap, () => values.push(items._read(tap)));
    return values;
  }
  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Readable;
    readBlocks(tap, () => items._skip(tap));
  }
}

class BoundedMap extends avsc.types.MapType {
  _read(tap: Tap): unknown {
    const values = this.valuesType as Readable;
    const entries: [string, unknown][] = [];
    readBlocks(tap, () => entries.push([tap.readString(), values._read(tap)]));
    return Object.fromEntries(entries); // and not by assignment, where a key `__proto__` would do mischief
  }
  _skip(tap: Tap): void {
    const values = this.valuesType as Readable;
    readBlocks(tap, () => {
      tap.skipString();
      values._skip(tap);
    });
  }
}

/** The part of avsc's unions that its typings leave out. */
interface Union {
  readonly types: readonly avsc.Type[];
  _update(this: { readonly types: readonly avsc.Type[] }, resolver: object, writer: avsc.Type, options: object): void;
}
const unwrapped = avsc.types.UnwrappedUnionType.prototype as unknown as Union;
const wrapped = avsc.types.WrappedUnionType.prototype as unknown as Union;

// Tried in order, bytes would be read as the string of ["string", "bytes"], broken, and a long as the double of ["double", "long"].
class PreciseUnion extends avsc.types.UnwrappedUnionType {
  _update(resolver: object, writer: avsc.Type, options: object): void {
    unwrapped._update.call({ types: sameFirst(this.types, writer) }, resolver, writer, options);
  }
}
class PreciseWrappedUnion extends avsc.types.WrappedUnionType {
  _update(resolver: object, writer: avsc.Type, options: object): void {
    wrapped._update.call({ types: sameFirst(this.types, writer) }, resolver, writer, options);
  }
}

function sameFirst(branches: readonly avsc.Type[], writer: avsc.Type): avsc.Type[] {
  const isSame = (branch: avsc.Type): boolean => branch.typeName === writer.typeName && branch.name === writer.name;
  return [...branches.filter(isSame), ...branches.filter((branch) => !isSame(branch))];
}

function preciseUnion(schema: readonly avsc.Type[], options: Parameters<typeof avsc.Type.forSchema>[1]): avsc.Type {
  const branches = schema.map((branch) => avsc.Type.forSchema(branch, options));
  // avsc decides by the branches whether values must say which one they are of.
  const isWrapped = avsc.Type.isType(avsc.Type.forSchema([...branches] as unknown as avsc.Type), 'union:wrapped');
  const types = branches as unknown as avsc.Type;
  return isWrapped ? new PreciseWrappedUnion(types, options) : new PreciseUnion(types, options);
}

function readBlocks(tap: Tap, item: () => void): void {
  for (let count = readCount(tap); count > 0; count = readCount(tap)) {
    for (; count > 0; count--) {
      const before = tap.pos;
      item();
      if (tap.pos < before || tap.pos > tap.buf.length) throw new Error('truncated buffer');
    }
  }
}

function readCount(tap: Tap): number {
  let count = tap.readLong();
  if (count < 0) {
    count = -count;
    tap.readLong(); // the block's size in bytes: only a hint for skipping, and nobody we trust wrote it
  }
  if (count > Math.max(tap.buf.length - tap.pos, WEIGHTLESS_ITEMS_MAX)) throw new Error('truncated buffer');
  return count;
}
