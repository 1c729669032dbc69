// Says which field of a value does not fit an Avro type. Only called after the fast check has said no.

import type avsc from 'avsc';
import { show } from './misfit.ts';

export function explainMisfit(type: avsc.Type, data: unknown): string {
  let found: string | undefined;
  type.isValid(data, {
    noUndeclaredFields: true,
    errorHook: (path, value, expected) => {
      found ??= explain(path.join('.'), value, expected);
    },
  });
  return found ?? 'it does not fit the schema';
}

function explain(path: string, value: unknown, expected: avsc.Type): string {
  const undeclared = undeclaredField(value, expected);
  if (undeclared !== undefined) return `field ${path === '' ? '' : `${path}.`}${undeclared} is not in the schema`;
  return `${path === '' ? 'it' : `field ${path}`} is ${show(value)}, not ${describe(expected)}`;
}

function undeclaredField(value: unknown, expected: avsc.Type): string | undefined {
  const fields = (expected as Partial<avsc.types.RecordType>).fields;
  if (fields === undefined || typeof value !== 'object' || value === null) return undefined;
  return Object.keys(value).find((name) => !fields.some((field) => field.name === name));
}

function describe(type: avsc.Type): string {
  if (type.typeName === 'int') return 'an int (a 32-bit integer)';
  if (type.typeName === 'long') return 'a long (an integer that a number holds exactly)';
  const symbols = (type as Partial<avsc.types.EnumType>).symbols;
  if (symbols !== undefined) return `one of ${symbols.join(', ')}`;
  const branches = (type as Partial<avsc.types.UnwrappedUnionType>).types;
  if (branches !== undefined) return `of one of the types ${branches.map((branch) => branch.name ?? branch.typeName).join(', ')}`;
  return `of type ${type.name ?? type.typeName}`;
}
