// What a compatibility level says about a changed schema: which versions it is held against, in which direction, and in words what does not hold.

import type { AvroSchema } from '../avro-type.ts';
import type { Compatibility } from '../registry.ts';
import { unreadable, type Unreadable } from './readable.ts';
import { schemaNode } from './schema-node.ts';

/** What a registry has under a number; `unusable`: why it is no schema that Avro could read with. */
export type SchemaVersion = { readonly version: number } & ({ readonly schema: AvroSchema } | { readonly unusable: string });

/** One reason against a schema. */
export interface Conflict {
  /** The version it does not get on with. */
  readonly version: number;
  /** `lines[].quantity`; empty for the whole value. */
  readonly field: string;
  /** What has changed, and whom it stops. */
  readonly why: string;
  readonly whatToDo: string;
}

/** All levels of compatibility. */
export const LEVELS = ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'] as const satisfies readonly Compatibility[];

/**
 * Holds a schema against the versions that its subject has. BACKWARD: readers with `schema` can read what the latest version wrote; FORWARD: readers with the
 * latest version can read what `schema` writes; FULL: both; …_TRANSITIVE: not only the latest version but each; NONE: nothing is asked.
 * @param versions all that there are, oldest first. @returns every reason against it; empty = compatible. @throws when `schema` is not valid Avro.
 */
export function conflicts(schema: AvroSchema, versions: readonly SchemaVersion[], level: Compatibility): Conflict[] {
  if (level === 'NONE') return [];
  const ours = schemaNode(schema);
  return (isTransitive(level) ? versions : versions.slice(-1)).flatMap((earlier) => {
    if ('unusable' in earlier) return [incomparable(earlier.version, earlier.unusable)];
    const theirs = schemaNode(earlier.schema);
    const backward = level.startsWith('FORWARD') ? [] : unreadable(ours, theirs).map((each) => whenWeRead(each, earlier.version));
    const forward = level.startsWith('BACKWARD') ? [] : unreadable(theirs, ours).map((each) => whenTheyRead(each, earlier.version));
    return [...backward, ...forward];
  });
}

export function isTransitive(level: Compatibility): boolean {
  return level.endsWith('_TRANSITIVE');
}

export function isLevel(text: unknown): text is Compatibility {
  return LEVELS.some((level) => level === text);
}

/** One line: the field, what is wrong with it, what to do. */
export function conflictText({ field, why, whatToDo }: Conflict): string {
  return `${field === '' ? 'the value as a whole' : `field ${field}`} ${why}. ${whatToDo}.`;
}

function incomparable(version: number, why: string): Conflict {
  return { version, field: '', why: `cannot be held against version ${version}: ${why}`, whatToDo: 'Take another topic, or have that version deleted' };
}

/** Our schema cannot read what version n wrote. */
function whenWeRead(problem: Unreadable, version: number): Conflict {
  const say = (why: string, whatToDo: string): Conflict => ({ version, field: problem.field, why, whatToDo });
  switch (problem.kind) {
    case 'no-default': {
      const renamed = problem.similar === undefined ? '' : `; if it is ${problem.similar} under a new name, add "aliases": ["${problem.similar}"] to it instead`;
      return say(`(${problem.type}) is not in version ${version} and has no default, so records of that version could not be read`, `Give it a default${renamed}`);
    }
    case 'type':
      return say(`is ${problem.reader}, where version ${version} wrote ${problem.writer}`, `Keep ${problem.writer}; what has another type is another field, with a default`);
    case 'branch':
      return say(`is ${problem.reader}, where version ${version} may have written ${problem.branch}`, `Keep ${problem.branch} among its types`);
    case 'name':
      return say(`has the type ${problem.reader}, where version ${version} wrote ${problem.writer}`, `Keep the name, or add "aliases": ["${problem.writer}"] to the type`);
    case 'symbols':
      return say(`has lost ${symbols(problem.symbols)}, which version ${version} may have written`, 'Keep what was once written, or give the enum a default');
    case 'size':
      return say(`has ${problem.reader} bytes, where version ${version} wrote ${problem.writer}`, 'Keep the size; another size is another field, with a default');
    case 'two-sources':
      return say(`is ${problem.sources.join(' and ')} of version ${version} at once, by its name and aliases`, 'Leave one of them');
  }
}

/** Version n cannot read what our schema writes. */
function whenTheyRead(problem: Unreadable, version: number): Conflict {
  const say = (why: string, whatToDo: string): Conflict => ({ version, field: problem.field, why, whatToDo });
  const readers = `readers of version ${version}`;
  switch (problem.kind) {
    case 'no-default':
      return say(`(${problem.type}) is gone, and ${readers} have no default for it`, 'Keep it, and go on writing it');
    case 'type':
      return say(`is ${problem.writer}, which ${readers} cannot take for ${problem.reader}`, `Keep ${problem.reader}; what has another type is another field`);
    case 'branch':
      return say(`may be ${problem.branch}, which ${readers} cannot take for ${problem.reader}`, `Do not write ${problem.branch} here; what has another type is another field`);
    case 'name':
      return say(`has the type ${problem.writer}, which ${readers} know as ${problem.reader}`, `Keep the name ${problem.reader}`);
    case 'symbols':
      return say(`has got ${symbols(problem.symbols)}, and ${readers} would have no default for that`, 'Leave the enum as it is, or take another field for what is new');
    case 'size':
      return say(`has ${problem.writer} bytes, where ${readers} expect ${problem.reader}`, 'Keep the size; another size is another field');
    case 'two-sources':
      return say(`of ${readers} would be ${problem.sources.join(' and ')} at once, by its name and aliases`, 'Leave one of them');
  }
}

function symbols(names: readonly string[]): string {
  return `the ${names.length === 1 ? 'symbol' : 'symbols'} ${names.join(', ')}`;
}
