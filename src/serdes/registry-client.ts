// The registry port on @kafkajs/confluent-schema-registry: for Confluent's registry and for Apicurio's ccompat API. Only transport and the register call
// are the library's: its own retries give up within seconds, it sets compatibility only after registering, and it calls every network failure "status 400".

import { setTimeout as pause } from 'node:timers/promises';
import { COMPATIBILITY, SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { AvroSchema } from './avro-type.ts';
import { RegistryClosedError, RegistryRefusedError, SchemaRefusedError } from './errors.ts';
import type { Compatibility, Registry, WriterSchema } from './registry.ts';

export interface RegistrySettings {
  /** Root of the Confluent API: `http://host:8081`, or with Apicurio `http://host:8080/apis/ccompat/v7`. Credentials in it are used like `auth`. */
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Told on every failed attempt why we wait; waiting itself has no end. */
  readonly onTrouble?: (message: string) => void;
  /** How long an attempt may take. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** How long "no such schema", or one that is no use, is believed before the registry is asked again. Default 60,000. */
  readonly unknownForMs?: number;
}

/** @throws {RegistryRefusedError} when the URL is none. Does no I/O yet. */
export function connectRegistry(settings: RegistrySettings): Registry {
  return new RegistryClient(settings);
}

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
/** Records with random ids must not fill the memory. */
const UNKNOWN_IDS_MAX = 10_000;

/** The calls that the library has, but shows nobody. */
interface Api {
  Subject: {
    all(): Promise<{ data(): unknown }>;
    config(params: { subject: string }): Promise<{ data(): { compatibilityLevel?: string } | string | null }>;
    updateConfig(params: { subject: string; body: { compatibility: string } }): Promise<unknown>;
  };
}

class RegistryClient implements Registry {
  readonly #url: string;
  readonly #client: SchemaRegistry;
  readonly #api: Api;
  readonly #onTrouble: (message: string) => void;
  readonly #unknownForMs: number;
  readonly #schemas = new Map<number, WriterSchema>();
  /** When each answer that is no Avro schema was heard; insertion order is age. */
  readonly #unknownSince = new Map<number, number>();
  readonly #lookups = new Map<number, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(settings: RegistrySettings) {
    const { url, auth } = splitCredentials(settings);
    this.#url = url;
    this.#onTrouble = settings.onTrouble ?? (() => undefined);
    this.#unknownForMs = settings.unknownForMs ?? 60_000;
    const timeout = settings.requestTimeoutMs ?? 5_000;
    this.#client = new SchemaRegistry({
      host: url,
      clientId: 'millrace',
      retry: { retries: 0 },
      ...(auth === undefined ? {} : { auth }),
      // Without it a registry that hangs, rather than refuses, would be waited for in silence.
      middlewares: [() => ({ prepareRequest: async (next) => (await next()).enhance({ timeout }) })],
    });
    this.#api = (this.#client as unknown as { api: Api }).api;
  }

  register(subject: string, schema: AvroSchema, compatibility: Compatibility): Promise<number> {
    return this.#persist(`register ${subject}`, async () => {
      try {
        const level = await this.#settleCompatibility(subject, compatibility);
        const { id } = await this.#client.register(
          { type: AVRO, schema: JSON.stringify(schema) } as Parameters<SchemaRegistry['register']>[0],
          { subject, compatibility: level as COMPATIBILITY },
        );
        if (!Number.isInteger(id)) throw new Error('the answer to a registration has no id');
        this.#schemas.set(id, { kind: 'avro', schema });
        this.#unknownSince.delete(id);
        return id;
      } catch (error) {
        const trouble = understand(error);
        if (trouble.kind === 'away') throw error;
        if (trouble.kind === 'other' && trouble.status !== undefined) throw new SchemaRefusedError(subject, String(schema['name'] ?? schema.type), trouble.why);
        throw new RegistryRefusedError(this.#url, trouble.why);
      }
    });
  }

  known(schemaId: number): WriterSchema | undefined {
    return this.#schemas.get(schemaId);
  }

  fetch(schemaId: number): Promise<void> | undefined {
    const since = this.#unknownSince.get(schemaId);
    const isUsable = since === undefined ? this.#schemas.has(schemaId) : Date.now() - since < this.#unknownForMs;
    if (isUsable || this.#closing.signal.aborted) return undefined;
    let lookup = this.#lookups.get(schemaId);
    if (lookup === undefined) {
      lookup = this.#lookUp(schemaId).finally(() => this.#lookups.delete(schemaId));
      this.#lookups.set(schemaId, lookup);
    }
    return lookup;
  }

  close(): void {
    this.#closing.abort();
  }

  async #lookUp(schemaId: number): Promise<void> {
    try {
      await this.#persist(`fetch schema ${schemaId}`, async () => this.#remember(schemaId, await this.#ask(schemaId)));
    } catch (error) {
      if (!(error instanceof RegistryClosedError)) throw error;
    }
  }

  async #ask(schemaId: number): Promise<WriterSchema> {
    try {
      const schema: unknown = await this.#client.getSchema(schemaId);
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
    const subjects = (await this.#api.Subject.all()).data();
    if (!Array.isArray(subjects)) throw new Error(`${this.#url}/subjects does not answer like a schema registry`);
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
    const level = await this.#compatibility(subject);
    // NONE is also what Apicurio answers when nobody has chosen. Another level is somebody's choice, and stays.
    if (level !== undefined && level !== 'NONE') return level;
    if (level === wanted) return wanted;
    try {
      await this.#api.Subject.updateConfig({ subject, body: { compatibility: wanted } });
      return wanted;
    } catch (error) {
      // Apicurio answers 409 when two set it at the same moment, as the roles of one application do when they start together.
      if (understand(error).kind !== 'other') throw error;
      const settled = await this.#compatibility(subject);
      if (settled === undefined || settled === 'NONE') throw error;
      return settled;
    }
  }

  async #compatibility(subject: string): Promise<string | undefined> {
    try {
      const answer = (await this.#api.Subject.config({ subject })).data();
      if (typeof answer !== 'object' || answer === null) throw new Error('it does not answer like a schema registry');
      return answer.compatibilityLevel?.toUpperCase();
    } catch (error) {
      if (understand(error).kind === 'absent') return undefined;
      throw error;
    }
  }

  /** Until it works, or is hopeless (a StreamsError), or the registry is closed. */
  async #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { signal } = this.#closing;
    for (let delay = RETRY_FIRST_MS; ; delay = Math.min(2 * delay, RETRY_MAX_MS)) {
      if (signal.aborted) throw new RegistryClosedError(this.#url);
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof SchemaRefusedError || error instanceof RegistryRefusedError) throw error;
        this.#onTrouble(`Waiting for the schema registry at ${this.#url} to ${what}: ${understand(error).why}.`);
      }
      await pause(delay, undefined, { signal }).catch(() => undefined);
    }
  }
}

const AVRO = 'AVRO';

interface Trouble {
  /** away: no answer of a registry · absent: it says "no such thing" · barred: it does not let us in · other: it has another objection. */
  readonly kind: 'away' | 'absent' | 'barred' | 'other';
  /** Undefined: not an HTTP answer, but what the library made of one. */
  readonly status: number | undefined;
  readonly why: string;
}

function understand(error: unknown): Trouble {
  const { status } = error as { status?: number };
  const text = (error instanceof Error ? error.message : String(error)).replace(/^millrace - /, '');
  // The library words it so when the answer was no JSON of a registry: a network failure, a proxy's page, a wrong address.
  const foreign = /^Error, status \d+:? ?(.*)$/s.exec(text);
  const why = (foreign === null ? text : foreign[1] || `HTTP status ${status}`).trim().slice(0, 300).replace(/\.$/, '');
  if (status === undefined) return { kind: 'other', status, why };
  if (status === 401 || status === 403) return { kind: 'barred', status, why: why || `HTTP status ${status}` };
  if (status === 404) return { kind: foreign === null ? 'absent' : 'barred', status, why: foreign === null ? why : 'nothing is found at this address' };
  if (status >= 500 || status === 408 || status === 429 || foreign !== null) return { kind: 'away', status, why };
  return { kind: 'other', status, why };
}

function splitCredentials(settings: RegistrySettings): { url: string; auth: RegistrySettings['auth'] } {
  let url: URL;
  try {
    url = new URL(settings.url);
  } catch {
    throw new RegistryRefusedError(settings.url, 'it is not a URL');
  }
  const inUrl = url.username === '' ? undefined : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return { url: url.href.replace(/\/$/, ''), auth: settings.auth ?? inUrl };
}
