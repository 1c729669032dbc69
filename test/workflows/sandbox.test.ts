// Workflow code must be deterministic, so it may reach nothing that is not: no Kafka client, no broker adapter, no Node modules. This reads the imports
// of everything that the workflow entry points load. (Temporal's bundler refuses Node modules too, but only when a worker starts.)

import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRIES = ['src/workflows/index.ts', 'src/orders/workflow.ts'];
const ALLOWED_PACKAGES = new Set(['@temporalio/workflow']);
const ALLOWED_FOLDERS = /^src\/(workflows\/(?!worker\/)|escalation\/protocol\.ts$|orders\/)/;
const EXPORTS = (JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, string> }).exports;

interface Reached {
  readonly files: Set<string>;
  readonly packages: Map<string, string>;
}

/** Follows value imports and re-exports; type-only ones are gone at run time. */
function reach(entry: string, reached: Reached = { files: new Set(), packages: new Map() }): Reached {
  if (reached.files.has(entry)) return reached;
  reached.files.add(entry);
  for (const specifier of valueImports(readFileSync(resolve(ROOT, entry), 'utf8'))) {
    if (specifier.startsWith('.')) {
      const file = relative(ROOT, resolve(ROOT, dirname(entry), specifier));
      expect(existsSync(resolve(ROOT, file)), `${entry} imports ${specifier}`).toBe(true);
      reach(file, reached);
    } else if (specifier === 'millrace' || specifier.startsWith('millrace/')) {
      const target = EXPORTS[specifier.replace('millrace', '.')];
      expect(target, `${entry} imports ${specifier}`).toBeTypeOf('string');
      reach(relative(ROOT, resolve(ROOT, target as string)), reached);
    } else reached.packages.set(specifier, entry);
  }
  return reached;
}

function valueImports(source: string): string[] {
  const statements = source.matchAll(/^(?:import|export)\s+(?!type\b)([^'";]*?\bfrom\s*)?['"]([^'"]+)['"]/gm);
  const isErased = (clause: string | undefined) => {
    const names = clause?.match(/^\{([^}]*)\}/)?.[1]?.split(',').map((name) => name.trim()).filter((name) => name !== '');
    return names !== undefined && names.length > 0 && names.every((name) => name.startsWith('type '));
  };
  const dynamic = [...source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(([, specifier]) => specifier as string);
  return [...[...statements].filter(([, clause]) => !isErased(clause)).map(([, , specifier]) => specifier as string), ...dynamic];
}

describe('workflow code', () => {
  it.each(ENTRIES)('%s reaches only the sandbox SDK', (entry) => {
    const { packages } = reach(entry);
    expect([...packages].filter(([name]) => !ALLOWED_PACKAGES.has(name))).toEqual([]);
    expect(packages.has('@temporalio/workflow')).toBe(true);
  });

  it.each(ENTRIES)('%s reaches no broker, no bridge, no worker, no activities', (entry) => {
    const { files } = reach(entry);
    expect([...files].filter((file) => !ALLOWED_FOLDERS.test(file) || /activities\.ts$|\/inventory\//.test(file))).toEqual([]);
    expect(files.size).toBeGreaterThan(5);
  });

  it('uses no clock, randomness or timers but the sandbox ones', () => {
    for (const file of new Set(ENTRIES.flatMap((entry) => [...reach(entry).files]))) {
      const source = readFileSync(resolve(ROOT, file), 'utf8');
      expect(source, file).not.toMatch(/Math\.random|performance\.now|process\.|require\(|setInterval|setImmediate/);
    }
  });

  it('has sagas without any Temporal import', () => {
    for (const file of ['src/orders/order-saga.ts', 'src/orders/order-commands.ts', 'src/workflows/saga.ts', 'src/workflows/mailbox.ts']) {
      expect(readFileSync(resolve(ROOT, file), 'utf8'), file).not.toMatch(/from '@temporalio/);
    }
  });

  it('is told apart by this reader: what it would catch', () => {
    expect(valueImports("import { connectKafka } from '../broker/index.ts';")).toEqual(['../broker/index.ts']);
    expect(valueImports("import 'node:fs';\nexport * from 'kafkajs';\nconst x = await import('level');")).toEqual(['node:fs', 'kafkajs', 'level']);
    expect(valueImports("import type { A } from 'a';\nimport { type B } from 'b';\nexport type { C } from 'c';")).toEqual([]);
    expect(valueImports("import {\n  one,\n  type Two,\n} from 'three';")).toEqual(['three']);
  });
});
