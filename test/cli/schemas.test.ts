// `npm run schemas`, as far as it needs no registry. With one: schemas.real.test.ts.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidSchemasError } from 'millrace';
import { readSchemaFolder, typescriptOf } from 'millrace/schemas';
import { run } from '../../src/cli/schemas.ts';

let folder: string;
let said: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-schemas-'));
  said = '';
  const hear = (text: unknown): void => void (said += `${String(text)}\n`);
  vi.spyOn(console, 'log').mockImplementation(hear);
  vi.spyOn(console, 'error').mockImplementation(hear);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const READING = { type: 'record', name: 'Reading', fields: [{ name: 'celsius', type: 'double' }] };

function write(files: Readonly<Record<string, unknown>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
}

describe('the generated types', () => {
  it('are those of schemas/: run `npm run schemas -- types` after changing one', () => {
    const generated = readFileSync(new URL('../../src/orders/generated/records.ts', import.meta.url), 'utf8');
    expect(generated).toBe(typescriptOf(readSchemaFolder('schemas'), 'schemas/ by `npm run schemas -- types`'));
  });

  it('are compared by `types --check`, and written without it', async () => {
    write({ 'readings.avsc': READING });
    const out = join(folder, 'generated', 'readings.ts');
    expect(await run(['types', '--check', '--dir', folder, '--out', out])).toBe(1);
    expect(said).toContain('is not what the schemas in');
    expect(await run(['types', '--dir', folder, '--out', out])).toBe(0);
    expect(readFileSync(out, 'utf8')).toContain('export interface Reading {\n  readonly celsius: number;\n}\n');
    expect(await run(['types', '--check', '--dir', folder, '--out', out])).toBe(0);
    write({ 'readings.avsc': { ...READING, doc: 'What a sensor says.' } });
    expect(await run(['types', '--check', '--dir', folder, '--out', out])).toBe(1);
    expect(await run(['types', '--check'])).toBe(0);
  });
});

describe('a command that is not meant so', () => {
  it.each([[[]], [['chek']], [['check', '--all']], [['types', 'now']]])('%j ends with 2 and says how it is meant', async (args) => {
    expect(await run(args)).toBe(2);
    expect(said).toMatch(/npm run schemas -- /);
  });

  it('`--help` is help, and no failure', async () => {
    expect(await run(['--help'])).toBe(0);
    expect(said).toContain('register   checks, then sets');
    expect(await run(['types', '--help'])).toBe(0);
    expect(said).toContain('--out <text>');
  });
});

describe('a folder of schemas', () => {
  it('has values and keys, and a policy with a default', () => {
    const key = { type: 'record', name: 'Sensor', fields: [] };
    write({ 'readings.avsc': READING, 'readings.key.avsc': key, 'alarms.avsc': READING, 'policy.json': { default: 'FULL', 'readings-key': 'NONE' }, 'notes.txt': '' });
    expect(readSchemaFolder(folder)).toEqual([
      { topic: 'alarms', side: 'value', subject: 'alarms-value', file: 'alarms.avsc', schema: READING, compatibility: 'FULL' },
      { topic: 'readings', side: 'value', subject: 'readings-value', file: 'readings.avsc', schema: READING, compatibility: 'FULL' },
      { topic: 'readings', side: 'key', subject: 'readings-key', file: 'readings.key.avsc', schema: key, compatibility: 'NONE' },
    ]);
  });

  it('is BACKWARD without a policy', () => {
    write({ 'readings.avsc': READING });
    expect(readSchemaFolder(folder)[0]).toMatchObject({ compatibility: 'BACKWARD' });
  });

  it('is refused with every problem at once, before a registry is asked', async () => {
    write({
      'a.avsc': '{"type": "record"',
      'b.avsc': { type: 'record', name: 'B', fields: [{ name: 'x', type: 'strnig' }] },
      'c.avsc': READING,
      'policy.json': { 'c-value': 'backwards', 'd-value': 'FULL' },
    });
    const failing = run(['check', '--dir', folder]);
    await expect(failing).rejects.toThrow(InvalidSchemasError);
    const { problems } = (await failing.catch((error: unknown) => error)) as InvalidSchemasError;
    expect(problems).toEqual([
      expect.stringMatching(/^a\.avsc: .*JSON/),
      'b.avsc: undefined type name: strnig',
      'policy.json: c-value is "backwards": give one of NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE',
      'policy.json: there is no schema for d-value, only for a-value, b-value, c-value',
    ]);
  });

  it('is refused when it is empty or not there, or its policy is no object', () => {
    expect(() => readSchemaFolder(folder)).toThrow(/there is no \.avsc file/);
    expect(() => readSchemaFolder(join(folder, 'elsewhere'))).toThrow(/ENOENT/);
    write({ 'readings.avsc': READING, 'policy.json': '["FULL"]' });
    expect(() => readSchemaFolder(folder)).toThrow(/policy\.json: give an object of subjects and levels/);
  });
});
