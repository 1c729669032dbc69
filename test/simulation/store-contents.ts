// What a store shows, as lines of text: two stores that show the same are the same to every processor.

import type { AnyStoreSpec } from 'millrace';
import type { TaskState } from '../../src/state/task-state.ts';

/** `keys`, `times`: where the past of a versioned store is looked at. */
export async function shownBy(state: TaskState, spec: AnyStoreSpec, { keys, times }: { readonly keys: readonly string[]; readonly times: readonly number[] }): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of state.store(spec).scan()) lines.push(JSON.stringify(entry));
  if (spec.kind !== 'versioned') return lines;
  const store = state.store(spec);
  for (const key of keys) {
    const past = times.map((time) => JSON.stringify(store.get(key, time)));
    for (const [at, version] of past.entries()) if (at === 0 || version !== past[at - 1]) lines.push(`${key} as of ${times[at]}: ${version}`);
  }
  return lines;
}
