// The choice on opening a task. Windows C to L are those of docs/architecture.md, "The commit".

import { expect, test } from 'vitest';
import { planRestore, type RestoreFacts } from '../../src/runtime/restore-plan.ts';
import { RESTORING } from '../../src/state/task-state.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const KEPT = 24 * HOUR;

interface Case {
  local?: { n?: number; position?: number | 'none'; ageMs?: number };
  committed?: RestoreFacts['committed'];
  changelog?: { start?: number; end?: number };
}

/** Local state at commit 5, changelog applied to 40 of 10..40, an hour old; Kafka at commit 5. Cases say what is different. */
function facts({ local = {}, committed = 5, changelog = {} }: Case): RestoreFacts {
  const { n = 5, position = 40, ageMs = HOUR } = local;
  return {
    local: { v: 2, layouts: {}, n, positions: position === 'none' ? {} : { s: position }, observed: {}, streamTime: 0, wallTime: n === 0 ? 0 : NOW - ageMs },
    committed,
    changelogs: [{ store: 's', start: changelog.start ?? 10, end: changelog.end ?? 40 }],
    nowMs: NOW,
    tombstonesKeptMs: KEPT,
  };
}

const nothing = { n: 0, position: 'none' } as const;

test.each<[string, Case, string, RegExp?]>([
  ['nothing here, nothing in the changelog', { local: nothing, changelog: { start: 10, end: 10 } }, 'use'],
  ['nothing here and no offsets, but a changelog', { local: nothing, committed: 'none' }, 'replay', /no local state/],
  ['nothing here, all in the changelog', { local: nothing }, 'replay', /no local state/],
  ['C: committed, then a crash before the batch', { committed: 6, changelog: { end: 50 } }, 'replay', /commit 5, Kafka at 6/],
  ['C, when the commit wrote nothing to the changelog', { committed: 6 }, 'replay'],
  ['C, several commits behind, after a power failure', { committed: 900, changelog: { end: 5_000 } }, 'replay'],
  ['D: the batch was lost as a whole', { local: { n: 4, position: 35 } }, 'replay', /commit 4, Kafka at 5/],
  ['E: a crash after the batch', {}, 'use'],
  ['E, with a commit marker past the local position', { changelog: { end: 41 } }, 'use'],
  ['L: with more behind it, an aborted commit, or a topology that had given the store to another task', { changelog: { end: 42 } }, 'replay', /changelog has gone on/],
  ['L, with more behind it than can be trusted', { changelog: { end: 42 }, local: { ageMs: KEPT + 1 } }, 'rebuild', /older/],
  ['E, however old it is', { local: { ageMs: 100 * KEPT } }, 'use'],
  ['F: local state is ahead of Kafka', { local: { n: 6 } }, 'rebuild', /ahead of Kafka \(commit 6 > 5\)/],
  ['F, when offsets were reset by a tool', { committed: 'foreign' }, 'rebuild', /set by a tool/],
  ['F, when offsets are gone', { committed: 'none' }, 'rebuild', /no committed offsets/],
  ['G: the batch failed on a full disk', { committed: 6, changelog: { end: 50 } }, 'replay'],
  ['I: retention went past the local position', { committed: 6, changelog: { start: 41, end: 60 } }, 'rebuild', /starts at 41, after local position 40/],
  ['I, exactly at the bound', { committed: 6, changelog: { start: 40, end: 60 } }, 'replay'],
  ['I: the changelog was recreated', { committed: 6, changelog: { start: 0, end: 3 } }, 'rebuild', /ends at 3, before local position 40/],
  ['J: untouched for longer than deletions are kept', { committed: 6, local: { ageMs: KEPT + 1 } }, 'rebuild', /older than the changelogs keep deletions/],
  ['J, exactly as long', { committed: 6, local: { ageMs: KEPT } }, 'replay'],
  ['K: a crash in the middle of a restore', { local: { n: RESTORING, position: 20 } }, 'replay', /interrupted/],
  ['K, in a restore from nothing that began long ago', { local: { n: RESTORING, position: 20, ageMs: KEPT + 1 } }, 'rebuild', /older/],
  ['K, and the offsets were reset since', { local: { n: RESTORING, position: 20 }, committed: 'foreign' }, 'rebuild'],
  ['a store that is new to this task, with a changelog of its own', { local: { position: 'none' } }, 'replay'],
  ['a store that was never written', { local: { position: 'none' }, changelog: { start: 0, end: 0 } }, 'use'],
])('%s', (_, one, kind, why) => {
  const plan = planRestore(facts(one));
  expect(plan.kind).toBe(kind);
  if (why !== undefined) expect(plan).toMatchObject({ why: expect.stringMatching(why) });
});

/** The table again, as conditions that are each complete: exactly one must be true of any facts. */
const ROWS: { name: string; holds(facts: Combination): boolean; kind: string }[] = [
  { name: 'empty, nothing to replay', holds: (f) => f.isEmpty && !f.hasChangelog, kind: 'use' },
  { name: 'empty, a changelog to replay', holds: (f) => f.isEmpty && f.hasChangelog, kind: 'replay' },
  { name: 'not of this history', holds: (f) => !f.isEmpty && (f.committed === 'none' || f.committed === 'foreign'), kind: 'rebuild' },
  { name: 'ahead', holds: (f) => known(f) && f.distance === 'ahead', kind: 'rebuild' },
  { name: 'equal and complete', holds: (f) => known(f) && f.distance === 'equal' && f.isComplete && !f.hasTail, kind: 'use' },
  { name: 'out of the log', holds: (f) => known(f) && isBehind(f) && f.position !== 'inside', kind: 'rebuild' },
  { name: 'too old', holds: (f) => known(f) && isBehind(f) && f.position === 'inside' && f.isOld, kind: 'rebuild' },
  { name: 'behind', holds: (f) => known(f) && isBehind(f) && f.position === 'inside' && !f.isOld, kind: 'replay' },
];

interface Combination {
  isEmpty: boolean;
  committed: 'none' | 'foreign' | 'number';
  distance: 'ahead' | 'equal' | 'behind' | 'restoring';
  /** Of a second store, whether the task knows its position. */
  isComplete: boolean;
  hasChangelog: boolean;
  position: 'before' | 'inside' | 'after';
  /** Of the first store's changelog: whether it has more than a commit marker after the position. */
  hasTail: boolean;
  isOld: boolean;
}

const known = (f: Combination): boolean => !f.isEmpty && f.committed === 'number';
const isBehind = (f: Combination): boolean => f.distance === 'behind' || f.distance === 'restoring' || (f.distance === 'equal' && (!f.isComplete || f.hasTail));

function* combinations(): Generator<Combination> {
  for (const isEmpty of [true, false])
    for (const committed of ['none', 'foreign', 'number'] as const)
      for (const distance of ['ahead', 'equal', 'behind', 'restoring'] as const)
        for (const isComplete of [true, false])
          for (const hasChangelog of [true, false])
            for (const position of ['before', 'inside', 'after'] as const)
              for (const hasTail of [true, false])
                for (const isOld of [true, false]) yield { isEmpty, committed, distance, isComplete, hasChangelog, position, hasTail, isOld };
}

test('any combination of facts matches exactly one row of the table, and the choice is that row\'s', () => {
  let seen = 0;
  for (const one of combinations()) {
    // Not possible: no changelog, yet a position in the middle of it or a store that misses its part.
    if (!one.isEmpty && !one.hasChangelog && (!one.isComplete || one.position !== 'inside' || one.hasTail)) continue;
    // Nor: a log that begins after the position and ends with it, or that ends before it and goes on after it.
    if (one.position === (one.hasTail ? 'after' : 'before')) continue;
    const matching = ROWS.filter((row) => row.holds(one));
    expect(matching.map(({ name }) => name), JSON.stringify(one)).toHaveLength(1);
    const n = one.isEmpty ? 0 : { ahead: 6, equal: 5, behind: 4, restoring: RESTORING }[one.distance];
    const position = { before: 5, inside: one.hasTail ? 20 : 39, after: 50 }[one.position];
    const end = one.hasChangelog ? 40 : 10;
    const plan = planRestore({
      local: {
        v: 2, layouts: {},
        n,
        positions: one.isEmpty ? {} : one.isComplete ? { s: one.hasChangelog ? position : 10, t: one.hasChangelog ? end - 1 : 10 } : { s: position },
        observed: {},
        streamTime: 0,
        wallTime: one.isOld ? 0 : NOW,
      },
      committed: one.committed === 'number' ? 5 : one.committed,
      changelogs: [{ store: 's', start: 10, end }, { store: 't', start: 10, end }],
      nowMs: NOW,
      tombstonesKeptMs: KEPT,
    });
    expect(plan.kind, `${matching[0]!.name}: ${JSON.stringify(one)}`).toBe(matching[0]!.kind);
    if (plan.kind !== 'use') expect(plan.why).toMatch(/.+/);
    seen++;
  }
  expect(seen).toBeGreaterThan(150);
});
