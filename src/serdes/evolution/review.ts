// Schemas of a folder against what the registry has: is each new, the same, or changed, and is the change one that the policy allows? And registering them.

import { SchemaRefusedError } from '../errors.ts';
import { isSameJson, schemaChanges, type SchemaChange } from './changes.ts';
import type { RegistryHistory } from './registry-history.ts';
import type { LocalSchema } from './schema-folder.ts';
import { conflicts, isTransitive, type Conflict } from './verdict.ts';

/** A schema of the folder, held against what the registry has under its subject. */
export interface SchemaReview {
  readonly local: LocalSchema;
  /** new: the registry has no version · same: it is the latest one · compatible, incompatible: changed, and the policy's level allows it or not. */
  readonly state: 'new' | 'same' | 'compatible' | 'incompatible';
  /** The latest version's number; undefined when new. */
  readonly latest: number | undefined;
  /** A version before the latest that is this very schema: registering it makes no new one. */
  readonly earlier: number | undefined;
  /** Against the latest version. */
  readonly changes: readonly SchemaChange[];
  /** What forbids the change. */
  readonly conflicts: readonly Conflict[];
  /** What the registry says against it, by its own level; asked only where there are no `conflicts`. */
  readonly objection: string | undefined;
  /** The level that the registry has; registering sets the policy's. */
  readonly registryLevel: string | undefined;
}

/** Changes nothing anywhere. @throws what the registry throws. */
export async function reviewSchemas(schemas: readonly LocalSchema[], registry: RegistryHistory): Promise<SchemaReview[]> {
  const reviews: SchemaReview[] = [];
  for (const local of schemas) reviews.push(await review(local, registry));
  return reviews;
}

async function review(local: LocalSchema, registry: RegistryHistory): Promise<SchemaReview> {
  const { subject, schema, compatibility } = local;
  const versions = await registry.versions(subject);
  const registryLevel = await registry.level(subject);
  const latest = versions.at(-1);
  const unchanged = { local, latest: latest?.version, earlier: undefined, changes: [], conflicts: [], objection: undefined, registryLevel };
  if (latest === undefined) return { ...unchanged, state: 'new' };
  if ('schema' in latest && isSameJson(latest.schema, schema)) return { ...unchanged, state: 'same' };
  const found = conflicts(schema, versions, compatibility);
  const objection = found.length > 0 || compatibility === 'NONE' ? undefined : await objectionOf(local, versions.map(({ version }) => version), registry);
  // By another level than the policy's, the registry's word is not the last one: registering sets the level first, and asks again.
  const isRefused = found.length > 0 || (objection !== undefined && registryLevel === compatibility);
  return {
    ...unchanged,
    state: isRefused ? 'incompatible' : 'compatible',
    earlier: versions.slice(0, -1).find((each) => 'schema' in each && isSameJson(each.schema, schema))?.version,
    changes: 'schema' in latest ? schemaChanges(latest.schema, schema) : [],
    conflicts: found,
    objection,
  };
}

/** Asks the registry too: it may know rules of its own, and its word is what registering meets. */
async function objectionOf({ subject, schema, compatibility }: LocalSchema, versions: readonly number[], registry: RegistryHistory): Promise<string | undefined> {
  for (const version of isTransitive(compatibility) ? versions : versions.slice(-1)) {
    const objection = await registry.objection(subject, version, schema);
    if (objection !== undefined) return `version ${version}: ${objection}`;
  }
  return undefined;
}

/** A schema that has been registered, and its id. */
export interface Registered {
  readonly subject: string;
  readonly id: number;
  /** False: the registry had this schema already. */
  readonly isNew: boolean;
}

/**
 * Sets each subject's compatibility to the policy's, then registers what is not there. All or nothing as far as that can be known before: a registry that objects
 * to one schema is given none. @param reviews none of them incompatible. @throws {SchemaRefusedError} and what the registry throws.
 */
export async function registerReviewed(reviews: readonly SchemaReview[], registry: RegistryHistory): Promise<Registered[]> {
  for (const { local, registryLevel, state, latest } of reviews) {
    if (state === 'incompatible') throw new Error(`${local.subject} is incompatible, and must not be registered.`);
    if (registryLevel === local.compatibility) continue;
    await registry.setLevel(local.subject, local.compatibility); // before a first version: no moment in which an incompatible one would be taken
    if (state !== 'compatible' || latest === undefined) continue;
    const objection = await registry.objection(local.subject, latest, local.schema);
    if (objection !== undefined) throw new SchemaRefusedError(local.subject, String(local.schema['name']), `under ${local.compatibility}, version ${latest}: ${objection}`);
  }
  const registered: Registered[] = [];
  for (const { local, state, earlier } of reviews) {
    const id = await registry.register(local.subject, local.schema, local.compatibility);
    registered.push({ subject: local.subject, id, isNew: state !== 'same' && earlier === undefined });
  }
  return registered;
}
