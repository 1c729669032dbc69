// The choice on opening a task: use local state as it is, bring it up to date from the changelogs, or rebuild it. A table, tested for completeness.

import { RESTORING, type CommitRecord } from '../state/task-state.ts';

export interface RestoreFacts {
  readonly local: CommitRecord;
  /** Commit number in Kafka; 'none': the group has no offsets for this task; 'foreign': it has, but not written by us. */
  readonly committed: number | 'none' | 'foreign';
  readonly changelogs: readonly { readonly store: string; readonly start: number; readonly end: number }[];
  readonly nowMs: number;
  /** How long the changelog topics keep tombstones. */
  readonly tombstonesKeptMs: number;
}

export type RestorePlan =
  | { readonly kind: 'use' }
  | { readonly kind: 'replay'; readonly why: string }
  | { readonly kind: 'rebuild'; readonly why: string };

export function planRestore(facts: RestoreFacts): RestorePlan {
  const { local, committed, changelogs } = facts;
  // Positions come with the first data, so without them there is none, whatever number was reached without.
  const isEmpty = Object.keys(local.positions).length === 0;
  if (isEmpty) return changelogs.some(({ start, end }) => end > start) ? { kind: 'replay', why: 'there is no local state' } : { kind: 'use' };
  if (committed === 'none') return { kind: 'rebuild', why: 'the group has no committed offsets, so local state belongs to another history' };
  if (committed === 'foreign') return { kind: 'rebuild', why: 'the offsets were set by a tool, so local state does not belong to them' };
  if (local.n > committed) return { kind: 'rebuild', why: `local state is ahead of Kafka (commit ${local.n} > ${committed})` };
  if (local.n === committed && changelogs.every((changelog) => isUpToDate(changelog, local.positions[changelog.store]))) return { kind: 'use' };
  for (const { store, start, end } of changelogs) {
    const position = local.positions[store];
    if (position === undefined) continue;
    if (position < start) return { kind: 'rebuild', why: `the changelog of "${store}" now starts at ${start}, after local position ${position}: retention has removed records` };
    if (position > end) return { kind: 'rebuild', why: `the changelog of "${store}" ends at ${end}, before local position ${position}: the topic was recreated or lost records` };
  }
  // Past this age deletions may be gone from the changelog, and replaying it would bring deleted keys back to life (KIP-1259).
  if (facts.nowMs - local.wallTime > facts.tombstonesKeptMs) return { kind: 'rebuild', why: 'local state is older than the changelogs keep deletions' };
  if (local.n === committed) return { kind: 'replay', why: 'a store is new here, or its changelog has gone on' };
  return { kind: 'replay', why: local.n === RESTORING ? 'a restore was interrupted, or the task had other inputs' : `local state is at commit ${local.n}, Kafka at ${committed}` };
}

/**
 * After the last write of a task there is only its commit marker. More is usually what an aborted commit left. But a changed topology may also have given the store to
 * a task with other inputs, whose commits this one's number does not count; and back again.
 */
function isUpToDate({ start, end }: RestoreFacts['changelogs'][number], position: number | undefined): boolean {
  return position === undefined ? end === start : end <= position + 1;
}
