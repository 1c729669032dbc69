// What a task's folder was last used for. Folders are named by numbers, and a changed topology can give a number to another task: then commit numbers in the
// folder were counted on other inputs, and some of its stores belong to nobody, or live on in another task and are out of date here.

import type { DatabaseWrite, TaskDatabase } from '../ports/state-directory.ts';
import { CorruptStateError } from './errors.ts';
import { storePrefix } from './store-overlay.ts';
import { COMMIT_RECORD_KEY, RESTORING, type CommitRecord } from './task-state.ts';

export interface TaskIdentity {
  /** Topics that the task reads. */
  readonly inputs: readonly string[];
  readonly stores: readonly string[];
}

/** `leaving`: stores whose entries are being removed. Nothing is known of what is left of them, whatever becomes of the removal. */
type StoredIdentity = TaskIdentity & { readonly leaving: readonly string[] };

const IDENTITY_KEY = Buffer.from('i');
const REMOVED_AT_ONCE = 1_000;

/**
 * Lets go of what was another task's, before the state is opened: afterwards the commit record speaks of this task only. A crash in the middle is no harm.
 * @returns what was let go, in words; undefined: nothing. @throws {CorruptStateError} when it cannot be told.
 */
export async function becomeTask(database: TaskDatabase, task: TaskIdentity): Promise<string | undefined> {
  const now: StoredIdentity = { inputs: [...task.inputs].sort(), stores: [...task.stores].sort(), leaving: [] };
  const before = read<StoredIdentity>(database, IDENTITY_KEY);
  const record = read<CommitRecord>(database, COMMIT_RECORD_KEY);
  if (before !== undefined && same(before, now)) return undefined;
  if (before === undefined) {
    if (record !== undefined) throw new CorruptStateError('the commit record', 'it does not say of which task');
    await database.write([{ key: IDENTITY_KEY, value: Buffer.from(JSON.stringify(now)) }]);
    return undefined;
  }
  const gone = [...new Set([...before.stores.filter((store) => !now.stores.includes(store)), ...before.leaving])];
  const hasOtherInputs = before.inputs.join() !== now.inputs.join();
  const writes: DatabaseWrite[] = [{ key: IDENTITY_KEY, value: Buffer.from(JSON.stringify({ ...now, leaving: gone })) }];
  if (record !== undefined) {
    const without = <T>(facts: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(Object.entries(facts).filter(([store]) => !gone.includes(store)));
    const { positions, observed, layouts } = record;
    const kept: CommitRecord = { ...record, positions: without(positions), observed: without(observed), layouts: without(layouts) };
    // A number means something only among those of the same inputs, and so does the time that they had reached: Kafka's metadata has that of the present ones.
    writes.push({ key: COMMIT_RECORD_KEY, value: Buffer.from(JSON.stringify(hasOtherInputs ? { ...kept, n: RESTORING, streamTime: -1 } : kept)) });
  }
  await database.write(writes);
  for (const store of gone) await removeEntries(database, store);
  await database.write([{ key: IDENTITY_KEY, value: Buffer.from(JSON.stringify(now)) }]);
  const causes = [...(hasOtherInputs ? [`it read ${before.inputs.join(', ')} and reads ${now.inputs.join(', ')}`] : []), ...gone.map((store) => `its copy of the store "${store}" is removed`)];
  return causes.length === 0 ? undefined : causes.join('; ');
}

async function removeEntries(database: TaskDatabase, store: string): Promise<void> {
  const from = storePrefix(store);
  const to = Buffer.from(from);
  to[to.length - 1] = 1; // the prefix ends in 0, so this is just past all its keys
  let removals: DatabaseWrite[] = [];
  for await (const [key] of database.scan(from, to)) {
    removals.push({ key: Buffer.from(key), value: null });
    if (removals.length < REMOVED_AT_ONCE) continue;
    await database.write(removals);
    removals = [];
  }
  await database.write(removals);
}

function same(before: StoredIdentity, now: StoredIdentity): boolean {
  return before.leaving.length === 0 && before.inputs.join() === now.inputs.join() && before.stores.join() === now.stores.join();
}

function read<T>(database: TaskDatabase, key: Buffer): T | undefined {
  const bytes = database.get(key);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString()) as T;
  } catch {
    throw new CorruptStateError('the commit record', 'it is not readable');
  }
}
