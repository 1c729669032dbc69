// Local state of a process that may die while it writes: before the batch or after it, never in the middle, as files behave.

import type { StateDirectory, TaskDatabase } from '../ports/state-directory.ts';
import type { Lifeline } from './lifeline.ts';
import { never } from './lifeline.ts';

/** Decides when a process dies at its disk. */
export interface WritePlan {
  /** Whether the process dies at this batch, and on which side of it. */
  write(): 'dies-before' | 'dies-after' | undefined;
  /** How long a batch takes: others act meanwhile. */
  travel(): Promise<void>;
}

/** Local state of a process that may die at any batch it writes: before it, or after. */
export class FaultyStateDirectory implements StateDirectory {
  readonly processId: string;
  readonly #inner: StateDirectory;
  readonly #plan: WritePlan;
  readonly #life: Lifeline;

  constructor(inner: StateDirectory, parts: { plan: WritePlan; life: Lifeline }) {
    this.#inner = inner;
    this.#plan = parts.plan;
    this.#life = parts.life;
    this.processId = inner.processId;
  }

  tasks(): Promise<string[]> {
    return this.#life.through(() => this.#inner.tasks());
  }

  async open(task: string): Promise<TaskDatabase> {
    const inner = await this.#life.through(() => this.#inner.open(task));
    return {
      get: (key) => inner.get(key),
      scan: (from, to) => inner.scan(from, to),
      write: (writes) =>
        this.#life.through(async () => {
          await this.#life.through(() => this.#plan.travel());
          const fault = this.#plan.write();
          if (fault === 'dies-before') this.#life.end();
          if (fault === 'dies-before') return never();
          await inner.write(writes);
          if (fault === 'dies-after') this.#life.end();
        }),
      close: () => this.#life.through(() => inner.close()),
    };
  }

  wipe(task: string): Promise<void> {
    return this.#life.through(() => this.#inner.wipe(task));
  }

  note(name: string): Promise<string | undefined> {
    return this.#life.through(() => this.#inner.note(name));
  }

  setNote(name: string, value: string): Promise<void> {
    return this.#life.through(() => this.#inner.setNote(name, value));
  }

  close(): Promise<void> {
    return this.#life.through(() => this.#inner.close());
  }
}
