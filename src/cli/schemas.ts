// `npm run schemas -- check | register | diff | types`: schemas/ against the registry, and the TypeScript types of it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { connectRegistryHistory, readSchemaFolder, registerReviewed, reviewSchemas, typescriptOf, type LocalSchema, type RegistryHistory } from 'millrace/schemas';
import { cloneDataDir, cloneRoot, connectToStack } from '../stack/index.ts';
import { interruption } from './interruption.mjs';
import { readOptions, UsageError, type OptionSpec } from './options.ts';
import { logTo, registrySettings } from './role.ts';
import { describeReview } from './schema-report.ts';

const GENERATED = 'src/orders/generated/records.ts';
const FOLDER = { dir: { kind: 'text', default: 'schemas', help: 'folder of .avsc files, with or without policy.json' } } as const satisfies Record<string, OptionSpec>;

/** Exit codes: 0 all is well, 1 something is refused or not current, 2 the command is not meant so. */
export async function run(args: string[]): Promise<number> {
  const [action = '', ...rest] = args;
  try {
    switch (action) {
      case 'check':
      case 'diff':
      case 'register':
        return await withRegistry(readOptions('schemas', rest, FOLDER).dir, ACTIONS[action]);
      case 'types':
        return types(rest);
      default:
        throw new UsageError(HELP);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return args.includes('--help') ? 0 : 2;
  }
}

const HELP = `Say what to do with the schemas: "npm run schemas -- <action>", where <action> is one of
  check      would the registry take them, and may they change as they have? Changes nothing
  diff       what is different from the registry's latest versions, field by field
  register   checks, then sets each subject's compatibility and registers what is new; all or nothing
  types      writes TypeScript types of them; with --check only says whether they are current
Options of an action: "npm run schemas -- <action> --help".`;

const ACTIONS = { check, diff, register } as const;

async function check(schemas: readonly LocalSchema[], registry: RegistryHistory): Promise<number> {
  const reviews = await reviewSchemas(schemas, registry);
  for (const review of reviews) print(describeReview(review, 'check'));
  const refused = reviews.filter(({ state }) => state === 'incompatible').length;
  print([refused === 0 ? `All ${reviews.length} schemas are compatible.` : `${refused} of ${reviews.length} schemas must not be registered as they are.`]);
  return refused === 0 ? 0 : 1;
}

async function diff(schemas: readonly LocalSchema[], registry: RegistryHistory): Promise<number> {
  const reviews = await reviewSchemas(schemas, registry);
  for (const review of reviews) print(describeReview(review, 'diff'));
  return reviews.some(({ state }) => state === 'incompatible') ? 1 : 0;
}

async function register(schemas: readonly LocalSchema[], registry: RegistryHistory): Promise<number> {
  const reviews = await reviewSchemas(schemas, registry);
  const refused = reviews.filter(({ state }) => state === 'incompatible');
  if (refused.length > 0) {
    for (const review of refused) print(describeReview(review, 'check'));
    print([`Nothing was registered: ${refused.length} of ${reviews.length} schemas are refused.`]);
    return 1;
  }
  for (const { subject, id, isNew } of await registerReviewed(reviews, registry)) print([`${subject}: ${isNew ? 'registered' : 'is there already'}, schema id ${id}`]);
  return 0;
}

async function withRegistry(folder: string, action: (schemas: readonly LocalSchema[], registry: RegistryHistory) => Promise<number>): Promise<number> {
  const schemas = readSchemaFolder(resolve(cloneRoot, folder)); // before any waiting
  const log = logTo('schemas');
  const interrupted = interruption();
  const stack = await connectToStack({ need: { registry: true }, dataDir: cloneDataDir, log: (line) => log('info', line), signal: interrupted.signal });
  const registry = connectRegistryHistory({ ...registrySettings({ ...process.env, ...stack.env }), onTrouble: (reason) => log('warn', reason) });
  interrupted.signal.addEventListener('abort', () => registry.close(), { once: true });
  try {
    return await action(schemas, registry);
  } catch (error) {
    if (interrupted.exitCode === undefined) throw error;
    return interrupted.exitCode;
  } finally {
    registry.close();
    await stack.stop();
  }
}

function types(args: readonly string[]): number {
  const options = readOptions('schemas', args, {
    ...FOLDER,
    out: { kind: 'text', default: GENERATED, help: 'the file to write' },
    check: { kind: 'flag', help: 'write nothing; exit code 1 if the file is not current' },
  });
  const out = resolve(cloneRoot, options.out);
  const text = typescriptOf(readSchemaFolder(resolve(cloneRoot, options.dir)), `${join(options.dir, '/')} by \`npm run schemas -- types\``);
  const name = relative(cloneRoot, out);
  const isCurrent = existsSync(out) && readFileSync(out, 'utf8') === text;
  if (isCurrent) print([`${name} is current.`]);
  else if (options.check) print([`${name} is not what the schemas in ${options.dir} say: run \`npm run schemas -- types\`.`]);
  else {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, text);
    print([`${name} written.`]);
  }
  return options.check && !isCurrent ? 1 : 0;
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}
