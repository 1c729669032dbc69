// The registry port on @kafkajs/confluent-schema-registry: for Confluent's registry and for Apicurio's ccompat API. Only transport and the register call
// are the library's: it sets compatibility only after registering.

import type { AvroSchema } from './avro-type.ts';
import { RegistryClosedError, RegistryRefusedError, SchemaRefusedError } from './errors.ts';
import type { Compatibility, Registry, WriterSchema } from './registry.ts';
import { RegistryConnection, understand, type RegistrySettings } from './registry-connection.ts';
import { explainRefusal, registerSchema, versionsOf } from './registry-versions.ts';

/** @throws {RegistryRefusedError} when the URL is none. Does no I/O yet. */
export function connectRegistry(settings: RegistrySettings): Registry {
  return new RegistryClient(settings);
}

/** Records with random ids must not fill the memory. */
const UNKNOWN_IDS_MAX = 10_000;

class RegistryClient implements Registry {
  readonly #connection: RegistryConnection;
  readonly #unknownForMs: number;
  readonly #schemas = new Map<number, WriterSchema>();
  /** When each answer that is no Avro schema was heard; insertion order is age. */
  readonly #unknownSince = new Map<number, number>();
  readonly #lookups = new Map<number, Promise<void>>();

  constructor(settings: RegistrySettings) {
    this.#connection = new RegistryConnection(settings);
    this.#unknownForMs = settings.unknownForMs ?? 60_000;
  }

  register(subject: string, schema: AvroSchema, compatibility: Compatibility): Promise<number> {
    return this.#connection.persist(`register ${subject}`, async () => {
      try {
        const level = await this.#settleCompatibility(subject, compatibility);
        const id = await registerSchema(this.#connection, subject, schema, level);
        this.#remember(id, { kind: 'avro', schema });
        await this.#learnVersions(subject);
        return id;
      } catch (error) {
        const trouble = understand(error);
        if (trouble.kind === 'away') throw error;
        if (trouble.kind !== 'other' || trouble.status === undefined) throw new RegistryRefusedError(this.#connection.url, trouble.why);
        throw new SchemaRefusedError(subject, String(schema['name'] ?? schema.type), (await explainRefusal(this.#connection, subject, schema)) ?? trouble.why);
      }
    });
  }

  known(schemaId: number): WriterSchema | undefined {
    return this.#schemas.get(schemaId);
  }

  fetch(schemaId: number): Promise<void> | undefined {
    const since = this.#unknownSince.get(schemaId);
    const isUsable = since === undefined ? this.#schemas.has(schemaId) : Date.now() - since < this.#unknownForMs;
    if (isUsable || this.#connection.isClosed) return undefined;
    let lookup = this.#lookups.get(schemaId);
    if (lookup === undefined) {
      lookup = this.#lookUp(schemaId).finally(() => this.#lookups.delete(schemaId));
      this.#lookups.set(schemaId, lookup);
    }
    return lookup;
  }

  close(): void {
    this.#connection.close();
  }

  /** What earlier runs wrote is in this topic's stores, and stores are read where nobody can wait for a lookup. */
  async #learnVersions(subject: string): Promise<void> {
    try {
      for (const version of await versionsOf(this.#connection, subject)) {
        if ('schema' in version && !this.#schemas.has(version.id)) this.#remember(version.id, { kind: 'avro', schema: version.schema });
      }
    } catch (error) {
      if (understand(error).kind === 'away') throw error; // Asking for the rest may be forbidden where registering is not.
    }
  }

  async #lookUp(schemaId: number): Promise<void> {
    try {
      await this.#connection.persist(`fetch schema ${schemaId}`, async () => this.#remember(schemaId, await this.#ask(schemaId)));
    } catch (error) {
      if (!(error instanceof RegistryClosedError)) throw error;
    }
  }

  async #ask(schemaId: number): Promise<WriterSchema> {
    try {
      const schema: unknown = await this.#connection.client.getSchema(schemaId);
      // Only avsc's types can say their schema; those of JSON Schema and Protobuf cannot.
      const isAvro = typeof (schema as { schema?: unknown }).schema === 'function';
      if (!isAvro) return { kind: 'unusable', why: 'it is not an Avro schema' };
      const text = JSON.stringify((schema as { schema(options: object): unknown }).schema({ exportAttrs: true }));
      const parsed: unknown = JSON.parse(text);
      return { kind: 'avro', schema: typeof parsed === 'string' ? { type: parsed } : (parsed as AvroSchema) };
    } catch (error) {
      const trouble = understand(error);
      if (trouble.kind === 'absent') {
        await this.#confirmItIsARegistry();
        return { kind: 'unknown' };
      }
      if (trouble.kind === 'other') {
        // An answer that is about this id, not about us: waiting would not change it, and one record's nonsense must not stop its partition.
        await this.#confirmItIsARegistry();
        return { kind: 'unusable', why: trouble.why };
      }
      throw error; // Also when we are not let in: that is no record's fault, so it must not become a dead letter.
    }
  }

  /** With a wrong address everything is "not found". Believing that would send every good record to the dead letters. */
  async #confirmItIsARegistry(): Promise<void> {
    const subjects = (await this.#connection.api.Subject.all()).data();
    if (!Array.isArray(subjects)) throw new Error(`${this.#connection.url}/subjects does not answer like a schema registry`);
  }

  #remember(schemaId: number, schema: WriterSchema): void {
    this.#schemas.set(schemaId, schema);
    this.#unknownSince.delete(schemaId);
    if (schema.kind === 'avro') return;
    this.#unknownSince.set(schemaId, Date.now());
    if (this.#unknownSince.size <= UNKNOWN_IDS_MAX) return;
    const oldest = this.#unknownSince.keys().next().value!;
    this.#unknownSince.delete(oldest);
    this.#schemas.delete(oldest);
  }

  /** Before the first version, so that no moment exists in which an incompatible one would be taken. */
  async #settleCompatibility(subject: string, wanted: Compatibility): Promise<string> {
    const level = await this.#connection.level(subject);
    // NONE is also what Apicurio answers when nobody has chosen. Another level is somebody's choice, and stays.
    if (level !== undefined && level !== 'NONE') return level;
    if (level === wanted) return wanted;
    try {
      await this.#connection.api.Subject.updateConfig({ subject, body: { compatibility: wanted } });
      return wanted;
    } catch (error) {
      // Apicurio answers 409 when two set it at the same moment, as the roles of one application do when they start together.
      if (understand(error).kind !== 'other') throw error;
      const settled = await this.#connection.level(subject);
      if (settled === undefined || settled === 'NONE') throw error;
      return settled;
    }
  }
}
