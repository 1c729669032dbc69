// `npm run schemas` against the registry at SCHEMA_REGISTRY_URL, as a person meets it: what it says, and its exit code.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectRegistry, SchemaRefusedError } from 'millrace';
import { freshName } from '../support/topics.ts';

const url = process.env['SCHEMA_REGISTRY_URL'] ?? '';
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const topic = freshName('readings');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-schemas-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const CELSIUS = { name: 'celsius', type: 'double' };
const SENSOR = { name: 'sensor', type: 'string' };

function reading(...fields: object[]) {
  return { type: 'record', name: 'Reading', namespace: 'weather', fields };
}

function put(files: Readonly<Record<string, object>>, dir = 'schemas'): void {
  mkdirSync(join(folder, dir), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, dir, name), JSON.stringify(content));
}

function schemas(action: string, dir = 'schemas'): { code: number | null; said: string[]; trouble: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'schemas', action, '--dir', join(folder, dir)], { encoding: 'utf8' });
  return { code: status, said: stdout.trimEnd().split('\n'), trouble: stderr };
}

it('checks, registers and compares, from the first version to one that is refused', async () => {
  put({ [`${topic}.avsc`]: reading(CELSIUS) });
  expect(schemas('check')).toMatchObject({ code: 0, said: [`${topic}-value: new, will be held to BACKWARD`, 'All 1 schemas are compatible.'] });
  expect(await versions()).toBe(0);
  expect(schemas('register')).toMatchObject({ code: 0, said: [expect.stringMatching(`^${topic}-value: registered, schema id \\d+$`)] });
  expect(await level()).toBe('BACKWARD');
  expect(schemas('register')).toMatchObject({ code: 0, said: [expect.stringMatching(`^${topic}-value: is there already, schema id \\d+$`)] });
  expect(schemas('diff')).toMatchObject({ code: 0, said: [`${topic}-value: same as version 1`] });

  put({ [`${topic}.avsc`]: reading(CELSIUS, SENSOR) });
  const why = 'field sensor (string) is not in version 1 and has no default, so records of that version could not be read. Give it a default.';
  expect(schemas('diff')).toMatchObject({
    code: 1,
    said: [`${topic}-value: incompatible change against version 1, in ${topic}.avsc`, '  sensor: new: string, without a default', `  refused under BACKWARD: ${why}`],
  });
  expect(schemas('check')).toMatchObject({ code: 1, said: expect.arrayContaining([`  refused under BACKWARD: ${why}`, '1 of 1 schemas must not be registered as they are.']) });
  expect(schemas('register')).toMatchObject({ code: 1, said: expect.arrayContaining(['Nothing was registered: 1 of 1 schemas are refused.']) });
  expect(await versions()).toBe(1);

  put({ [`${topic}.avsc`]: reading(CELSIUS, { ...SENSOR, default: '?' }) });
  expect(schemas('diff')).toMatchObject({ code: 0, said: [`${topic}-value: compatible change (BACKWARD) against version 1`, '  sensor: new: string, by default "?"'] });
  expect(schemas('register').code).toBe(0);
  expect(await versions()).toBe(2);
});

it('holds each subject to the level that the policy gives it, and sets that in the registry', async () => {
  put({ [`${topic}.avsc`]: reading(CELSIUS), 'policy.json': { [`${topic}-value`]: 'FORWARD' } }, 'back');
  const back = schemas('diff', 'back');
  expect(back).toMatchObject({ code: 0 }); // sensor has a default in version 2, so its readers can do without
  expect(back.said).toContain(`  the registry holds it to BACKWARD, the policy says FORWARD: \`register\` will set that`);
  put({ [`${topic}.avsc`]: reading({ ...SENSOR, default: '?' }) }, 'back');
  expect(schemas('check', 'back').said).toContain('  refused under FORWARD: field celsius (double) is gone, and readers of version 2 have no default for it. Keep it, and go on writing it.');
  put({ [`${topic}.avsc`]: reading(CELSIUS, { ...SENSOR, default: '?' }, { name: 'place', type: 'string' }) }, 'back'); // not for BACKWARD
  expect(schemas('register', 'back')).toMatchObject({ code: 0 });
  expect(await level()).toBe('FORWARD');
  expect(await versions()).toBe(3);
});

it('registers none of several when one is refused', async () => {
  const [first, second] = [`${topic}-a`, `${topic}-b`];
  put({ [`${second}.avsc`]: reading(CELSIUS) }, 'several');
  expect(schemas('register', 'several').code).toBe(0);
  put({ [`${first}.avsc`]: reading(CELSIUS), [`${second}.avsc`]: reading({ ...CELSIUS, type: 'string' }) }, 'several');
  const refused = schemas('register', 'several');
  expect(refused.code).toBe(1);
  expect(refused.said).toContain('  refused under BACKWARD: field celsius is string, where version 1 wrote double. Keep double; what has another type is another field, with a default.');
  expect(await versions(`${first}-value`)).toBe(0);
});

it('a program that starts with a refused schema hears of the same field', async () => {
  const registry = connectRegistry({ url });
  await registry.register(`${topic}-c-value`, reading(CELSIUS), 'BACKWARD');
  const refused = registry.register(`${topic}-c-value`, reading(CELSIUS, SENSOR), 'BACKWARD');
  await expect(refused).rejects.toThrow(SchemaRefusedError);
  await expect(refused).rejects.toThrow(/under BACKWARD, field sensor \(string\) is not in version 1 and has no default/);
  registry.close();
});

it('those of the order system are compatible with themselves', () => {
  const result = spawnSync(process.execPath, [MAIN, 'schemas', 'check'], { encoding: 'utf8' });
  expect([result.status, result.stdout]).toEqual([0, expect.stringContaining('All 5 schemas are compatible.')]);
});

async function versions(subject = `${topic}-value`): Promise<number> {
  const answer = (await (await fetch(`${url}/subjects/${subject}/versions`)).json()) as unknown;
  return Array.isArray(answer) ? answer.length : 0;
}

async function level(): Promise<unknown> {
  return ((await (await fetch(`${url}/config/${topic}-value`)).json()) as { compatibilityLevel: string }).compatibilityLevel;
}
