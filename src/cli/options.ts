// Options of a command: typed values from the command line, or every problem at once.

import { parseArgs } from 'node:util';
import ms, { type StringValue } from 'ms';

export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
  readonly remedy = 'fix-settings';
}

type Kind = 'text' | 'flag' | 'count' | 'duration';

export interface OptionSpec {
  readonly kind: Kind;
  readonly help: string;
  /** As it would be typed. Without it the option may be absent. */
  readonly default?: string;
}

type Value<S extends OptionSpec> = S['kind'] extends 'flag' ? boolean
  : (S['kind'] extends 'text' ? string : number) | (S extends { default: string } ? never : undefined);

export type Options<T extends Record<string, OptionSpec>> = { readonly [Name in keyof T]: Value<T[Name]> };

/** @throws {UsageError} that lists everything wrong and how it is meant; also for `--help`, with the help itself. */
export function readOptions<const T extends Record<string, OptionSpec>>(command: string, args: readonly string[], specs: T): Options<T> {
  const help = (): string => [`Options of "npm run ${command} -- …":`, ...Object.entries(specs).map(helpLine)].join('\n');
  if (args.includes('--help')) throw new UsageError(help());
  const problems: string[] = [];
  let typed: Record<string, string | boolean | undefined> = {};
  try {
    const options = Object.fromEntries(Object.entries(specs).map(([name, { kind }]) => [name, { type: kind === 'flag' ? 'boolean' : 'string' } as const]));
    typed = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values as typeof typed;
  } catch (error) {
    problems.push((error as Error).message);
  }
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    try {
      values[name] = parse(typed[name] ?? spec.default, spec.kind);
    } catch (error) {
      problems.push(`--${name} is ${JSON.stringify(typed[name])}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new UsageError(`${problems.map((problem) => `  - ${problem}`).join('\n')}\n${help()}`);
  return values as Options<T>;
}

function parse(text: string | boolean | undefined, kind: Kind): unknown {
  if (kind === 'flag') return text === true || text === 'true';
  if (text === undefined || typeof text === 'boolean') return undefined;
  if (kind === 'text') return text;
  const value = kind === 'count' ? Number(text) : ms(text as StringValue);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(kind === 'count' ? 'give a whole number, at least 0' : 'give a duration such as 500ms, 20s, 2h');
}

function helpLine([name, { kind, help, default: preset }]: [string, OptionSpec]): string {
  const form = kind === 'flag' ? `--${name}` : `--${name} <${kind}>`;
  return `  ${form.padEnd(30)} ${help}${preset === undefined ? '' : ` (default ${preset})`}`;
}
