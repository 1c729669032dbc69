// The way to a schema registry: what it may be asked, what its refusals mean, and patience while it is away. On @kafkajs/confluent-schema-registry, whose own
// retries give up within seconds, and which calls every network failure "status 400".

import { setTimeout as pause } from 'node:timers/promises';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { RegistryClosedError, RegistryRefusedError, SchemaRefusedError } from './errors.ts';

/** How to reach a schema registry. Times in ms. */
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

/** The calls that the library has, but shows nobody. */
export interface RegistryApi {
  readonly Subject: {
    all(): Promise<{ data(): unknown }>;
    config(params: { subject: string }): Promise<{ data(): { compatibilityLevel?: string } | string | null }>;
    updateConfig(params: { subject: string; body: { compatibility: string } }): Promise<unknown>;
    latestVersion(params: { subject: string }): Promise<{ data(): unknown }>;
    version(params: { subject: string; version: number }): Promise<{ data(): unknown }>;
    /** What is no part of the path goes into the query. */
    compatible(params: { subject: string; version: number; verbose: true; body: { schema: string } }): Promise<{ data(): unknown }>;
  };
}

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;

export class RegistryConnection {
  readonly url: string;
  readonly client: SchemaRegistry;
  readonly api: RegistryApi;
  readonly #onTrouble: (message: string) => void;
  readonly #closing = new AbortController();

  /** @throws {RegistryRefusedError} when the URL is none. Does no I/O yet. */
  constructor(settings: RegistrySettings) {
    const { url, auth } = splitCredentials(settings);
    this.url = url;
    this.#onTrouble = settings.onTrouble ?? (() => undefined);
    const timeout = settings.requestTimeoutMs ?? 5_000;
    this.client = new SchemaRegistry({
      host: url,
      clientId: 'millrace',
      retry: { retries: 0 },
      ...(auth === undefined ? {} : { auth }),
      // Without it a registry that hangs, rather than refuses, would be waited for in silence.
      middlewares: [() => ({ prepareRequest: async (next) => (await next()).enhance({ timeout }) })],
    });
    this.api = (this.client as unknown as { api: RegistryApi }).api;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Ends all waiting, with RegistryClosedError. */
  close(): void {
    this.#closing.abort();
  }

  /** Until it works, or is hopeless (SchemaRefusedError, RegistryRefusedError), or the connection is closed. */
  async persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { signal } = this.#closing;
    for (let delay = RETRY_FIRST_MS; ; delay = Math.min(2 * delay, RETRY_MAX_MS)) {
      if (signal.aborted) throw new RegistryClosedError(this.url);
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof SchemaRefusedError || error instanceof RegistryRefusedError) throw error;
        this.#onTrouble(`Waiting for the schema registry at ${this.url} to ${what}: ${understand(error).why}.`);
      }
      await pause(delay, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The level that somebody has chosen for the subject, in capitals; undefined where nobody has. */
  async level(subject: string): Promise<string | undefined> {
    try {
      const answer = (await this.api.Subject.config({ subject })).data();
      if (typeof answer !== 'object' || answer === null) throw new Error('it does not answer like a schema registry');
      return answer.compatibilityLevel?.toUpperCase();
    } catch (error) {
      if (understand(error).kind === 'absent') return undefined;
      throw error;
    }
  }
}

export interface Trouble {
  /** away: no answer of a registry · absent: it says "no such thing" · barred: it does not let us in · other: it has another objection. */
  readonly kind: 'away' | 'absent' | 'barred' | 'other';
  /** Undefined: not an HTTP answer, but what the library made of one. */
  readonly status: number | undefined;
  readonly why: string;
}

export function understand(error: unknown): Trouble {
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
