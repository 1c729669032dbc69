// Types generated from schemas: one schema with everything in it, and what the serde then takes and gives.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InvalidSchemasError, type AvroSchema } from 'millrace';
import { typescriptOf } from 'millrace/schemas';
import { parseAvro } from '../../src/serdes/avro-type.ts';
import { anyRecordSchema } from './random-schemas.ts';

const EVERYTHING: AvroSchema = {
  type: 'record',
  name: 'Everything',
  namespace: 'n',
  doc: 'All\n  there is. */ Really.',
  fields: [
    { name: 'yes', type: 'boolean' },
    { name: 'count', type: 'long', doc: 'How many.' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'When.' },
    { name: 'maybe', type: ['null', { type: 'int', logicalType: 'date' }], default: null },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'OLD'], doc: 'How it stands.' } },
    { name: 'before', type: 'State' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'grid', type: { type: 'array', items: { type: 'array', items: ['int', 'null'] } } },
    { name: 'labels', type: { type: 'map', values: ['null', 'string'] } },
    { name: 'either', type: ['null', 'long', 'double', 'Hash'] },
    { name: 'part', type: { type: 'record', name: 'Part', namespace: 'm', fields: [{ name: 'parent', type: ['null', 'n.Everything'] }] } },
  ],
};

const TYPES = `// Generated from here: change the schemas there, and generate again. A test compares.

/** How it stands. */
export type State = 'NEW' | 'OLD';

export interface Part {
  readonly parent: Everything | null;
}

/** All there is. * / Really. */
export interface Everything {
  readonly yes: boolean;
  /** How many. */
  readonly count: number;
  /** When. Milliseconds since 1970. */
  readonly at: number;
  /** Days since 1970. */
  readonly maybe: number | null;
  readonly price: Buffer;
  readonly hash: Buffer;
  readonly state: State;
  readonly before: State;
  readonly tags: readonly string[];
  readonly grid: readonly (readonly (number | null)[])[];
  readonly labels: Readonly<Record<string, string | null>>;
  readonly either: { long: number } | { double: number } | { 'n.Hash': Buffer } | null;
  readonly part: Part;
}
`;

it('says in TypeScript what a schema says', () => {
  expect(typescriptOf([{ file: 'everything.avsc', schema: EVERYTHING }], 'here')).toBe(TYPES);
});

it('takes one type that two files have for one, and two types of one name for a mistake', () => {
  const part = (type: string) => ({ type: 'record', name: 'Part', fields: [{ name: 'a', type }] });
  const whole = (name: string, type: string) => ({ file: `${name}.avsc`, schema: { type: 'record', name, fields: [{ name: 'part', type: part(type) }] } });
  expect(typescriptOf([whole('A', 'int'), whole('B', 'long')], 'here').match(/interface Part/g)).toHaveLength(1);
  const clash = () => typescriptOf([whole('A', 'int'), whole('B', 'string')], 'here');
  expect(clash).toThrow(InvalidSchemasError);
  expect(clash).toThrow('B.avsc: Part and Part of A.avsc differ, but would both be Part in TypeScript: give one of them another name');
});

it('fits the values that the serde takes and gives, for any schema', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-types-'));
  try {
    const schemas = fc.sample(anyRecordSchema, { numRuns: 150, seed: 7 }).map((schema, at) => ({ schema: { ...schema, name: `Whole${at}`, aliases: [] } as AvroSchema, at }));
    for (const { schema, at } of schemas) {
      const example = parseAvro(schema).random() as unknown;
      const types = typescriptOf([{ file: 'x', schema }], 'here');
      writeFileSync(join(folder, `t${at}.ts`), `${types}\nexport const example: Whole${at} = ${literal(example)};\n`);
    }
    const require = createRequire(import.meta.url);
    const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
    const roots = dirname(dirname(require.resolve('@types/node/package.json')));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, noEmit: true, module: 'esnext', target: 'esnext', typeRoots: [roots], types: ['node'] }, include: ['*.ts'] }));
    execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A value as source text. Plain numbers stay what they are; longs may be anything a number holds. */
function literal(value: unknown): string {
  if (Buffer.isBuffer(value)) return `Buffer.from('${value.toString('hex')}', 'hex')`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each)}`).join(', ')}}`;
  return JSON.stringify(value);
}
