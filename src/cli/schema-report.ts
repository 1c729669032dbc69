// What a review of a schema says on the terminal.

import { conflictText, type SchemaReview } from 'millrace/schemas';

/** `check`: what is against it. `diff`: what has changed, too. */
export function describeReview(review: SchemaReview, detail: 'check' | 'diff'): string[] {
  const { local, changes, conflicts, objection } = review;
  const lines = [`${local.subject}: ${stateText(review)}`];
  if (detail === 'diff') lines.push(...changes.map(({ field, what }) => `  ${field === '' ? '(as a whole)' : field}: ${what}`));
  lines.push(...conflicts.map((conflict) => `  refused under ${local.compatibility}: ${conflictText(conflict)}`));
  if (objection !== undefined) lines.push(`  ${review.state === 'incompatible' ? 'refused' : 'not taken'} by the registry under ${review.registryLevel ?? 'its own level'}: ${objection}`);
  return [...lines, ...keyNote(review), ...levelNote(review)];
}

function stateText({ state, latest, earlier, local }: SchemaReview): string {
  switch (state) {
    case 'new':
      return `new, will be held to ${local.compatibility}`;
    case 'same':
      return `same as version ${latest}`;
    case 'compatible': {
      const change = local.compatibility === 'NONE' ? 'changed, and under NONE nothing is asked' : `compatible change (${local.compatibility})`;
      return `${change} against version ${latest}${earlier === undefined ? '' : `; it is version ${earlier}`}`;
    }
    case 'incompatible':
      return `incompatible change against version ${latest}, in ${local.file}`;
  }
}

function keyNote({ local, state }: SchemaReview): string[] {
  if (local.side !== 'key' || state === 'new' || state === 'same') return [];
  return ['  keys are compared by their bytes, and the schema id is among them: what is written with this version has other keys than what is there'];
}

function levelNote({ state, registryLevel, local }: SchemaReview): string[] {
  if (state === 'new' || registryLevel === local.compatibility) return [];
  return [`  the registry holds it to ${registryLevel ?? 'no level of its own'}, the policy says ${local.compatibility}: \`register\` will set that`];
}
