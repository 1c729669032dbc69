// What a registry has under a subject, version by version, and what it says about the next one.

import { COMPATIBILITY, type SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { AvroSchema } from './avro-type.ts';
import { schemaNode } from './evolution/schema-node.ts';
import { conflicts, conflictText, isLevel, type SchemaVersion } from './evolution/verdict.ts';
import { understand, type RegistryConnection } from './registry-connection.ts';

/** `id`: what stands in front of records that were written with it. */
export type RegisteredVersion = SchemaVersion & { readonly id: number };

/** Oldest first; none where the subject is not there. Versions that were deleted are left out. */
export async function versionsOf({ api }: RegistryConnection, subject: string): Promise<RegisteredVersion[]> {
  const latest = await unlessAbsent(async () => readVersion((await api.Subject.latestVersion({ subject })).data()));
  if (latest === undefined) return [];
  const versions = [latest];
  for (let version = latest.version - 1; version > 0; version--) {
    const earlier = await unlessAbsent(async () => readVersion((await api.Subject.version({ subject, version })).data()));
    if (earlier !== undefined) versions.unshift(earlier);
  }
  return versions;
}

/** Undefined where the registry has nothing against the schema, held against one version by the subject's own level; else what it says. */
export async function objectionTo({ api }: RegistryConnection, subject: string, version: number, schema: AvroSchema): Promise<string | undefined> {
  const answer = (await api.Subject.compatible({ subject, version, verbose: true, body: { schema: JSON.stringify(schema) } })).data();
  const { is_compatible: isCompatible, messages } = answer as { is_compatible?: unknown; messages?: unknown };
  if (typeof isCompatible !== 'boolean') throw new Error('it does not say whether a schema is compatible');
  if (isCompatible) return undefined;
  // Confluent's registry gives reasons, Apicurio's gives none.
  return Array.isArray(messages) && messages.length > 0 ? messages.map(String).join('; ') : 'it gives no reason';
}

/** The id; the same schema again has the same. `level` is the subject's, as the registry has it. */
export async function registerSchema({ client }: RegistryConnection, subject: string, schema: AvroSchema, level: string): Promise<number> {
  const text = { type: AVRO, schema: JSON.stringify(schema) } as Parameters<SchemaRegistry['register']>[0];
  const { id } = await client.register(text, { subject, compatibility: level as COMPATIBILITY });
  if (!Number.isInteger(id)) throw new Error('the answer to a registration has no id');
  return id;
}

/** Why a schema was refused, field by field; undefined where it cannot be said better than by the registry. */
export async function explainRefusal(connection: RegistryConnection, subject: string, schema: AvroSchema): Promise<string | undefined> {
  try {
    const level = (await connection.level(subject)) ?? 'BACKWARD';
    if (!isLevel(level)) return undefined;
    const reasons = conflicts(schema, await versionsOf(connection, subject), level).map(conflictText);
    return reasons.length === 0 ? undefined : `under ${level}, ${reasons.join(' ').replace(/\.$/, '')}`;
  } catch {
    return undefined; // the refusal itself must be told, whatever comes of asking why
  }
}

const AVRO = 'AVRO';

function readVersion(answer: unknown): RegisteredVersion {
  const { version, id, schema, schemaType = AVRO } = answer as { version?: unknown; id?: unknown; schema?: unknown; schemaType?: unknown };
  if (typeof version !== 'number' || typeof id !== 'number' || typeof schema !== 'string') throw new Error('it does not answer like a schema registry');
  if (schemaType !== AVRO) return { version, id, unusable: `it is of type ${String(schemaType)}, not ${AVRO}` };
  try {
    const parsed: unknown = JSON.parse(schema);
    const whole = typeof parsed === 'string' ? { type: parsed } : (parsed as AvroSchema);
    schemaNode(whole);
    return { version, id, schema: whole };
  } catch (error) {
    return { version, id, unusable: (error as Error).message };
  }
}

async function unlessAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (understand(error).kind === 'absent') return undefined;
    throw error;
  }
}
