// Removes, now and then and a little at a time, entries that nobody can see any more. Between commits only, so that no entry it looks at can be on its way to disk.

import { CorruptStateError } from '../state/errors.ts';
import { TaskStateLostError } from './errors.ts';
import type { Task } from './task.ts';

const INTERVAL_MS = 1_000;
const ENTRIES_PER_TASK = 500;

export class Sweep {
  #lastMs = 0;

  /** @throws {TaskStateLostError} */
  async run(tasks: Iterable<Task>, nowMs: number): Promise<void> {
    if (nowMs - this.#lastMs < INTERVAL_MS) return;
    this.#lastMs = nowMs;
    // Not by times that may still be undone: what they make invisible would be gone though the commit fails.
    for (const task of tasks) if (!task.hasWork) await orLost(task.name, () => task.state.sweep(ENTRIES_PER_TASK));
  }
}

/** Damage met while a task's state is read is the loss of that state. @throws {TaskStateLostError} */
export async function orLost(task: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw error instanceof CorruptStateError ? new TaskStateLostError(task, error) : error;
  }
}
