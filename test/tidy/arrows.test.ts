// The folders are the architecture: imports point one way. This reads the import lines of src/ and fails on an arrow that points back.

import { describe, expect, it } from 'vitest';
import { importsOf, PACKAGE, SOURCES, type Import } from './sources.ts';

/** Of the words that the topology's three rooms share. */
const words = (...names: string[]): string[] => names.map((name) => `src/topology/${name}.ts`);
/** Of those for the topology's own topics and stores. */
const serdes = (...names: string[]): string[] => names.map((name) => `src/serdes/${name}.ts`);

/**
 * Who may import whom, and which packages. A folder that is not named on the right may not be imported; `file.ts` in place of a folder allows that file.
 * Entries are matched by the longest folder that fits. An arrow added here is a change of architecture: docs/architecture.md shows the picture.
 */
const ARROWS: Readonly<Record<string, { readonly folders: readonly string[]; readonly packages?: readonly string[] }>> = {
  // What is computed: knows nothing of ours but the words for data, the serdes of its own internal topics, and what crosses to Temporal.
  'src/record': { folders: [] },
  // `src/topology` itself is the words that its three rooms share; dsl adds operators to the graph, and nobody looks back at the dsl.
  'src/topology': { folders: ['src/escalation/protocol.ts', 'src/record', ...serdes('misfit', 'ordered-bytes')] },
  'src/topology/graph': { folders: ['src/record', ...words('errors', 'processor', 'store-spec')], packages: ['node:crypto'] },
  'src/topology/operators': { folders: ['src/record', 'src/topology/graph/node.ts', ...words('errors', 'processor', 'rows', 'store-spec', 'table-origin', 'windowed', 'windows'), ...serdes('change', 'composite-key', 'long', 'misfit', 'ordered-bytes', 'string', 'timestamped')] },
  'src/topology/dsl': { folders: ['src/escalation/protocol.ts', 'src/record', 'src/topology/graph', 'src/topology/operators', ...words('errors', 'escalation-outcome', 'processor', 'store-spec', 'table-origin', 'windowed', 'windows'), ...serdes('change', 'json', 'long', 'string', 'with-headers')] },
  'src/topology/index.ts': { folders: ['src/topology'] },
  // Where it is remembered.
  'src/ports': { folders: ['src/record'] },
  'src/state': { folders: ['src/ports', 'src/record', 'src/topology/store-spec.ts', 'src/serdes/ordered-bytes.ts'], packages: ['sorted-btree', 'node:module'] },
  'src/state/level': { folders: ['src/ports', 'src/state/errors.ts'], packages: ['level', 'node:crypto', 'node:fs/promises', 'node:path'] },
  'src/state/memory': { folders: ['src/ports', 'src/state/errors.ts'] },
  // Who runs it and when.
  'src/runtime': { folders: ['src/ports', 'src/record', 'src/topology', 'src/state/errors.ts', 'src/state/global-state.ts', 'src/state/task-identity.ts', 'src/state/task-state.ts'] },
  // Adapters: the outside world behind the ports.
  'src/broker': { folders: ['src/ports', 'src/record'], packages: ['kafkajs', 'node:module', 'node:tls', 'node:zlib'] },
  'src/serdes': { folders: ['src/record', 'src/serdes/evolution/schema-node.ts', 'src/serdes/evolution/verdict.ts'], packages: ['@kafkajs/confluent-schema-registry', 'avsc', 'node:buffer', 'node:timers/promises'] },
  'src/serdes/evolution': { folders: ['src/record', 'src/serdes'], packages: ['node:fs', 'node:path', 'node:url'] },
  // The control plane.
  'src/escalation': { folders: ['src/ports', 'src/record', 'src/escalation/protocol.ts'], packages: ['@temporalio/client', '@temporalio/common', '@temporalio/proto'] },
  'src/escalation/protocol.ts': { folders: [] },
  'src/workflows': { folders: ['src/escalation/protocol.ts'], packages: ['@temporalio/workflow'] },
  'src/workflows/worker': { folders: ['src/ports', 'src/record', 'src/workflows/activity-calls.ts'], packages: ['@temporalio/worker'] },
  // Those who choose implementations.
  'src/components.ts': { folders: ['src/ports', 'src/runtime', 'src/state/level'] },
  'src/index.ts': { folders: ['src/record', 'src/ports', 'src/topology', 'src/runtime', 'src/serdes', 'src/broker', 'src/escalation/protocol.ts', 'src/state/errors.ts', 'src/state/level', 'src/components.ts'] },
  'src/testing': { folders: ['src/ports', 'src/record', 'src/topology', 'src/runtime', 'src/state/memory'] },
  // The reference system sees of the library what any application sees.
  'src/orders': { folders: [], packages: ['millrace', 'millrace/schemas', 'millrace/workflow', 'millrace/worker', '@temporalio/common', 'log-update', 'level', 'node:http', 'node:net', 'node:timers/promises'] },
  'src/stack': { folders: ['src/record/errors.ts'], packages: ['@temporalio/client', 'node:child_process', 'node:crypto', 'node:events', 'node:fs', 'node:fs/promises', 'node:net', 'node:os', 'node:path', 'node:readline', 'node:timers/promises', 'node:url', 'node:util'] },
  'src/cli': { folders: ['src/orders', 'src/stack'], packages: ['millrace', 'millrace/schemas', 'millrace/bridge', 'millrace/worker', 'ms', 'node:child_process', 'node:crypto', 'node:events', 'node:fs', 'node:module', 'node:path', 'node:url', 'node:util'] },
};

/** Libraries that exactly these folders may know: the rest of the project must not care which one it is. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['src/broker'],
  '@kafkajs/confluent-schema-registry': ['src/serdes'],
  avsc: ['src/serdes'],
  // The stack only asks a server that it started whether it is there.
  '@temporalio/client': ['src/escalation', 'src/stack'],
  '@temporalio/worker': ['src/workflows/worker'],
  '@temporalio/workflow': ['src/workflows'],
  // The inventory is an outside system with a store of its own.
  level: ['src/state/level', 'src/orders/inventory'],
};

/** `kafkajs/src/network/connection` is of kafkajs; `millrace/worker` is another entry than `millrace`. */
const isOf = (specifier: string, name: string): boolean => specifier === name || (specifier.startsWith(`${name}/`) && !/^(millrace|node:)/.test(name));
const isIn = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`);

/** The entry of ARROWS for a file: the longest that fits. */
function ruleFor(file: string): string | undefined {
  return Object.keys(ARROWS)
    .filter((place) => isIn(file, place))
    .sort((a, b) => b.length - a.length)[0];
}

/** Why an import may not be, or undefined. */
function objectionTo({ file, specifier, target }: Import): string | undefined {
  const rule = ruleFor(file);
  if (rule === undefined) return `${file} lies in no folder that ARROWS knows`;
  const { folders, packages = [] } = ARROWS[rule]!;
  if (target === undefined) return packages.some((name) => isOf(specifier, name)) ? undefined : `${file} imports ${specifier}, which ${rule} may not`;
  if (isIn(target, rule) && ruleFor(target) === rule) return undefined;
  if (folders.some((place) => isIn(target, place))) return undefined;
  return `${file} imports ${target}, which ${rule} may not`;
}

describe('imports', () => {
  const all = SOURCES.flatMap(importsOf);

  it('point one way', () => {
    expect(all.map(objectionTo).filter((objection) => objection !== undefined)).toEqual([]);
    expect(all.length).toBeGreaterThan(400);
  });

  it.each(Object.entries(OWNERS))('of %s stand in %s only', (library, places) => {
    const users = all.filter(({ specifier }) => isOf(specifier, library)).map(({ file }) => file);
    expect(users.filter((file) => !places.some((place) => isIn(file, place)))).toEqual([]);
    expect(users).not.toEqual([]);
  });

  it('lead to files that are there, with their endings', () => {
    const targets = new Set(SOURCES);
    expect(all.filter(({ target }) => target !== undefined && !targets.has(target))).toEqual([]);
  });

  it('of the package by its name are of something it exports', () => {
    const exported = Object.keys(PACKAGE.exports).map((name) => name.replace('.', 'millrace'));
    const used = new Set(all.filter(({ specifier }) => /^millrace(\/|$)/.test(specifier)).map(({ specifier }) => specifier));
    expect([...used].filter((name) => !exported.includes(name))).toEqual([]);
  });

  it('have no arrow in the table that nobody uses', () => {
    const unused = Object.entries(ARROWS).flatMap(([rule, { folders, packages = [] }]) => {
      const own = all.filter(({ file }) => ruleFor(file) === rule);
      return [
        ...folders.filter((place) => !own.some(({ target }) => target !== undefined && isIn(target, place))),
        ...packages.filter((name) => !own.some(({ specifier }) => isOf(specifier, name))),
      ].map((unusedArrow) => `${rule} → ${unusedArrow}`);
    });
    expect(unused).toEqual([]);
  });

  it.each([
    ['src/topology/dsl/stream.ts', '../ports/broker.ts', 'src/ports/broker.ts'],
    ['src/runtime/task.ts', '../broker/index.ts', 'src/broker/index.ts'],
    ['src/orders/valid.ts', '../record/errors.ts', 'src/record/errors.ts'],
    ['src/workflows/mailbox.ts', './worker/index.ts', 'src/workflows/worker/index.ts'],
    ['src/state/overlay.ts', './level/level-state-directory.ts', 'src/state/level/level-state-directory.ts'],
    ['src/escalation/bridge.ts', 'kafkajs', undefined],
  ])('would be refused: %s importing %s', (file, specifier, target) => {
    expect(objectionTo({ file, specifier, target })).toMatch(/may not/);
  });
});
