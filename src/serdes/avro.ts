// Avro values in the registry's wire format: a zero byte, the writer's schema id (4 bytes), the body. Encoding and decoding are synchronous; the registry is
// asked only in `open` (for the id to write) and `prepare` (for the schemas of others).

import type avsc from 'avsc';
import type { Serde, SerdeSide } from '../record/serde.ts';
import { type AvroSchema, parseAvro } from './avro-type.ts';
import { SchemaMismatchError, SchemaNotReadyError, type UndecodableError, UnknownSchemaError } from './errors.ts';
import { undecodable, unserializable } from './misfit.ts';
import { explainMisfit } from './avro-misfit.ts';
import type { Compatibility, Registry, WriterSchema } from './registry.ts';

/** Which schema, and where schemas are registered. */
export interface AvroOptions {
  readonly registry: Registry;
  /** Ours: written with, and what every other writer's schema is resolved into. */
  readonly schema: AvroSchema;
  /** Set for the subject in the registry where nobody has chosen one. Default BACKWARD. */
  readonly compatibility?: Compatibility;
}

/**
 * Subjects are named `<topic>-value` and `<topic>-key`. Longs (and timestamps, as epoch ms) are numbers; beyond the safe integers is an error.
 * @throws when the schema is not valid Avro.
 */
export function avroSerde<T>(options: AvroOptions): Serde<T> {
  return new AvroSerde<T>(options);
}

const HEADER_BYTES = 5;
const SCRATCH_BYTES = 4_096;
const STRICT = { noUndeclaredFields: true };
/** How to read a body; undefined = directly, because the writer's schema is ours. */
type Resolver = Parameters<avsc.Type['fromBuffer']>[1];

class AvroSerde<T> implements Serde<T> {
  readonly name: string;
  readonly #schema: AvroSchema;
  readonly #type: avsc.Type;
  readonly #registry: Registry;
  readonly #compatibility: Compatibility;
  readonly #opened = new Map<string, Promise<void>>();
  readonly #writeIds = new Map<string, number>();
  /** By writer id. */
  readonly #resolvers = new Map<number, Resolver>();
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

  constructor(options: AvroOptions) {
    this.#schema = options.schema;
    this.#type = parseAvro(options.schema);
    this.#registry = options.registry;
    this.#compatibility = options.compatibility ?? 'BACKWARD';
    this.name = `avro(${(this.#type.name ?? this.#type.typeName).split('.').at(-1)})`;
  }

  open(topic: string, side: SerdeSide): Promise<void> {
    const subject = `${topic}-${side}`;
    let opening = this.#opened.get(subject);
    if (opening === undefined) {
      opening = this.#register(topic, subject);
      this.#opened.set(subject, opening);
      opening.catch(() => this.#opened.delete(subject)); // the next `open` asks again
    }
    return opening;
  }

  serialize(topic: string, data: T): Buffer {
    const id = this.#writeIds.get(topic);
    if (id === undefined) throw new SchemaNotReadyError(`${this.name} was to write to ${topic} before open('${topic}', …) had resolved. Await it first.`);
    // Encoding alone would drop fields that the schema does not have: a misspelt optional field would be lost without a word.
    if (!this.#type.isValid(data, STRICT)) throw unserializable(topic, this.name, explainMisfit(this.#type, data));
    let end = this.#type.encode(data, this.#scratch, HEADER_BYTES);
    if (end < 0) {
      this.#scratch = Buffer.allocUnsafeSlow(2 * (this.#scratch.length - end)); // a negative end says how many bytes were missing
      end = this.#type.encode(data, this.#scratch, HEADER_BYTES);
    }
    const bytes = Buffer.from(this.#scratch.subarray(0, end));
    bytes[0] = 0;
    bytes.writeInt32BE(id, 1);
    return bytes;
  }

  prepare(_topic: string, data: Buffer): Promise<void> | undefined {
    if (data.length < HEADER_BYTES || data[0] !== 0) return undefined; // deserialize says what is wrong with it
    const id = data.readInt32BE(1);
    if (id < 0) return undefined; // no registry counts there, and some answer with an error of their own
    return this.#resolvers.has(id) ? undefined : this.#registry.fetch(id);
  }

  deserialize(topic: string, data: Buffer): T {
    if (data.length < HEADER_BYTES) throw this.#undecodable(topic, `it has ${data.length} bytes, and schema id and body begin after ${HEADER_BYTES}`);
    if (data[0] !== 0) throw this.#undecodable(topic, `its first byte is ${data[0]}, where the registry's wire format has 0`);
    const id = data.readInt32BE(1);
    const resolver = this.#resolvers.has(id) ? this.#resolvers.get(id) : this.#resolve(topic, id);
    let read: { value: T; offset: number };
    try {
      read = this.#type.decode(data, HEADER_BYTES, resolver);
    } catch (error) {
      throw this.#undecodable(topic, `${(error as Error).message} (schema ${id})`);
    }
    if (read.offset < 0) throw this.#undecodable(topic, `it ends in the middle of a value (schema ${id})`);
    if (read.offset < data.length) throw this.#undecodable(topic, `${data.length - read.offset} bytes follow its end (schema ${id})`);
    return read.value;
  }

  async #register(topic: string, subject: string): Promise<void> {
    this.#writeIds.set(topic, await this.#registry.register(subject, this.#schema, this.#compatibility));
  }

  /** Once per writer id. Failures are not kept: an id that is unknown today may be registered tomorrow. */
  #resolve(topic: string, id: number): Resolver {
    const writer: WriterSchema | undefined = id < 0 ? { kind: 'unknown' } : this.#registry.known(id);
    if (writer === undefined) throw new SchemaNotReadyError(`A record of ${topic} was to be read before prepare() had fetched its schema ${id}. Await it first.`);
    const resolver = this.#resolverFor(id, writer);
    this.#resolvers.set(id, resolver);
    return resolver;
  }

  #resolverFor(id: number, writer: WriterSchema): Resolver {
    if (writer.kind === 'unknown') throw new UnknownSchemaError(id, this.name);
    if (writer.kind === 'unusable') throw new SchemaMismatchError(id, this.name, writer.why);
    try {
      const writerType = parseAvro(writer.schema);
      return writerType.equals(this.#type) ? undefined : this.#type.createResolver(writerType);
    } catch (error) {
      throw new SchemaMismatchError(id, this.name, (error as Error).message);
    }
  }

  #undecodable(topic: string, why: string): UndecodableError {
    return undecodable(topic, this.name, why);
  }
}
