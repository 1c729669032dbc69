// The registry as those see it who look after schemas: versions and levels of subjects. The Avro serde needs none of this, and knows the smaller port.

import type { AvroSchema } from '../avro-type.ts';
import { RegistryRefusedError, SchemaRefusedError } from '../errors.ts';
import type { Compatibility } from '../registry.ts';
import { RegistryConnection, understand, type RegistrySettings } from '../registry-connection.ts';
import { objectionTo, registerSchema, versionsOf } from '../registry-versions.ts';
import type { SchemaVersion } from './verdict.ts';

/** All calls wait out outages. @throws {RegistryRefusedError} {RegistryClosedError} from each. */
export interface RegistryHistory {
  /** Oldest first; none where the registry does not know the subject. */
  versions(subject: string): Promise<SchemaVersion[]>;
  /** The subject's own level, in capitals; undefined where nobody has chosen one. */
  level(subject: string): Promise<string | undefined>;
  setLevel(subject: string, level: Compatibility): Promise<void>;
  /** What the registry has against the schema, held against one version by the level it has for the subject; undefined = nothing. */
  objection(subject: string, version: number, schema: AvroSchema): Promise<string | undefined>;
  /** @returns the id; the same schema again has the same. @param level the subject's, as it is now. @throws {SchemaRefusedError} */
  register(subject: string, schema: AvroSchema, level: Compatibility): Promise<number>;
  /** Ends all waiting. */
  close(): void;
}

/** @throws {RegistryRefusedError} when the URL is none. Does no I/O yet. */
export function connectRegistryHistory(settings: RegistrySettings): RegistryHistory {
  const connection = new RegistryConnection(settings);
  const ask = <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
    connection.persist(what, async () => {
      try {
        return await attempt();
      } catch (error) {
        const { kind, why } = understand(error);
        throw kind === 'away' || error instanceof SchemaRefusedError ? error : new RegistryRefusedError(connection.url, why);
      }
    });
  return {
    versions: (subject) => ask(`tell the versions of ${subject}`, () => versionsOf(connection, subject)),
    level: (subject) => ask(`tell the compatibility of ${subject}`, () => connection.level(subject)),
    setLevel: (subject, level) => ask(`set the compatibility of ${subject}`, async () => void (await connection.api.Subject.updateConfig({ subject, body: { compatibility: level } }))),
    objection: (subject, version, schema) => ask(`check a schema for ${subject}`, () => objectionTo(connection, subject, version, schema)),
    register: (subject, schema, level) =>
      ask(`register ${subject}`, async () => {
        try {
          return await registerSchema(connection, subject, schema, level);
        } catch (error) {
          const { kind, status, why } = understand(error);
          throw kind === 'other' && status !== undefined ? new SchemaRefusedError(subject, String(schema['name'] ?? schema.type), why) : error;
        }
      }),
    close: () => connection.close(),
  };
}
