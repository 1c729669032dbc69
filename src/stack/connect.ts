// For the commands that are one role of many (stream, bridge, worker …): they use servers that somebody else keeps running.
import { environmentOf, addressesFrom } from './addresses.ts';
import { ensureStack, type Stack, type StackOptions } from './ensure-stack.ts';
import { NoStackError } from './errors.ts';
import { findRunningStack } from './running-stack.ts';
import { PART_VARIABLES, type PartName } from './part.ts';

/**
 * The addresses that were given, else those of the stack that runs in this clone (of `npm run stack` or `npm start`). Starts nothing:
 * `stop` on the result ends nothing.
 * @throws {NoStackError} if neither says where a needed server is
 */
export async function connectToStack(options: StackOptions): Promise<Stack> {
  const given = options.env ?? process.env;
  const running = findRunningStack(options.dataDir);
  const env = { ...given, ...running?.env, ...environmentOf(addressesFrom(given)) };
  const unknown = (Object.keys(options.need) as PartName[]).filter((name) => options.need[name] && !env[PART_VARIABLES[name]]);
  if (unknown.length === 0) return await ensureStack({ ...options, env });
  const variables = unknown.map((name) => PART_VARIABLES[name]).join(', ');
  throw new NoStackError(
    `Nothing says where to find ${unknown.join(', ')}: ${variables} ${unknown.length > 1 ? 'are' : 'is'} not set, and no stack runs in this clone. ` +
      'Start `npm run stack` in another terminal, or set the variables to servers you have.',
  );
}
