// A folder of schemas as files: one per topic and side, and beside them the policy, which says how compatible each must stay.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SerdeSide } from '../../record/serde.ts';
import type { AvroSchema } from '../avro-type.ts';
import { InvalidSchemasError } from '../errors.ts';
import type { Compatibility } from '../registry.ts';
import { schemaNode } from './schema-node.ts';
import { isLevel, LEVELS } from './verdict.ts';

/** A schema of the folder. With `registry` added it is what `Serdes.avro` takes. */
export interface LocalSchema {
  readonly topic: string;
  readonly side: SerdeSide;
  /** In the registry: `<topic>-value` or `<topic>-key`. */
  readonly subject: string;
  /** Its name in the folder. */
  readonly file: string;
  readonly schema: AvroSchema;
  /** As the policy has it. */
  readonly compatibility: Compatibility;
}

const POLICY = 'policy.json';
const DEFAULT_LEVEL: Compatibility = 'BACKWARD';

/**
 * Reads `<topic>.avsc` (values) and `<topic>.key.avsc` (keys), and `policy.json`: an object of subjects and their levels, in which `default` stands for all that
 * are not named (without it, BACKWARD). @returns by file name. @throws {InvalidSchemasError} with every problem at once.
 */
export function readSchemaFolder(folder: string | URL): LocalSchema[] {
  const path = typeof folder === 'string' ? folder : fileURLToPath(folder);
  const problems: string[] = [];
  const attempt = <T>(file: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(`${file}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const files = attempt(path, () => readdirSync(path).filter((file) => file.endsWith('.avsc')).sort()) ?? [];
  if (files.length === 0 && problems.length === 0) problems.push(`${path}: there is no .avsc file`);
  const policy = new Map(Object.entries(attempt(POLICY, () => readPolicy(path)) ?? {}));
  const fallback = policy.get('default') ?? DEFAULT_LEVEL;
  const schemas = files.flatMap((file) => {
    const schema = attempt(file, () => readSchema(join(path, file)));
    const names = subjectOf(file);
    return schema === undefined ? [] : [{ ...names, file, schema, compatibility: policy.get(names.subject) ?? fallback }];
  });
  const subjects = files.map((file) => subjectOf(file).subject);
  for (const [subject, level] of policy) {
    if (subject !== 'default' && !subjects.includes(subject)) problems.push(`${POLICY}: there is no schema for ${subject}, only for ${subjects.join(', ')}`);
    if (!isLevel(level)) problems.push(`${POLICY}: ${subject} is ${JSON.stringify(level)}: give one of ${LEVELS.join(', ')}`);
  }
  if (problems.length > 0) throw new InvalidSchemasError(problems);
  return schemas;
}

function subjectOf(file: string): { topic: string; side: SerdeSide; subject: string } {
  const side = file.endsWith('.key.avsc') ? 'key' : 'value';
  const topic = file.slice(0, side === 'key' ? -'.key.avsc'.length : -'.avsc'.length);
  return { topic, side, subject: `${topic}-${side}` };
}

function readSchema(path: string): AvroSchema {
  const schema = JSON.parse(readFileSync(path, 'utf8')) as AvroSchema;
  schemaNode(schema);
  return schema;
}

function readPolicy(folder: string): Record<string, Compatibility> {
  const file = join(folder, POLICY);
  if (!existsSync(file)) return {};
  const policy: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) throw new Error('give an object of subjects and levels');
  return policy as Record<string, Compatibility>;
}
