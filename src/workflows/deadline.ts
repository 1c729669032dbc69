// One timer per deadline, however many commands arrive before it. A timer per wait would cost three history events per command.

import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';

export class Deadline {
  #until: number | undefined;
  #reached = false;
  #timer: CancellationScope | undefined;

  /** Sets the deadline (epoch ms). The same one again keeps its timer. */
  set(until: number | undefined): void {
    if (until === this.#until) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#until = until;
    this.#reached = false;
    if (until === undefined) return;
    const remaining = until - Date.now();
    if (remaining <= 0) {
      this.#reached = true;
      return;
    }
    const timer = new CancellationScope();
    this.#timer = timer;
    timer.run(() => sleep(remaining)).then(
      () => {
        if (this.#timer === timer) this.#reached = true;
      },
      (error: unknown) => {
        if (!isCancellation(error)) throw error;
      },
    );
  }

  /** Whether the deadline last set has been reached. */
  get reached(): boolean {
    return this.#reached;
  }
}
