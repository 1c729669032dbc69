// Fetching of a partition pauses while enough of it waits to be processed, and resumes when half of that is left.

import type { Fetcher } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { Input } from './input.ts';
import type { Task } from './task.ts';

export class BackPressure {
  readonly #fetcher: Fetcher;
  readonly #input: Input;
  readonly #most: number;
  readonly #paused = new Set<string>();

  constructor(fetcher: Fetcher, input: Input, mostPerPartition: number) {
    this.#fetcher = fetcher;
    this.#input = input;
    this.#most = mostPerPartition;
  }

  apply(tasks: Iterable<Task>): void {
    for (const task of tasks) {
      for (const { tp, size } of task.queues) {
        const isPaused = this.#paused.has(partitionName(tp));
        const isHeld = this.#input.isHolding(tp);
        if (!isPaused && (isHeld || size >= this.#most)) {
          this.#paused.add(partitionName(tp));
          this.#fetcher.pause(tp);
        } else if (isPaused && !isHeld && size <= this.#most / 2) {
          this.#paused.delete(partitionName(tp));
          this.#fetcher.resume(tp);
        }
      }
    }
  }

  /** The partition is no longer ours. */
  forget(tp: TopicPartition): void {
    this.#paused.delete(partitionName(tp));
  }
}
