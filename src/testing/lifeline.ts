// The life of a simulated process: whatever a dead one was waiting for never comes, so that nothing after it is ever executed.

/** The life of a simulated process: after `end`, nothing that it was waiting for ever comes. */
export class Lifeline {
  #isAlive = true;

  /** False once it has ended. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** The process dies here. */
  end(): void {
    this.#isAlive = false;
  }

  /** Carries out an effect on the outside world; neither begins nor returns in a process that is dead by then. */
  async through<T>(effect: () => T | Promise<T>): Promise<T> {
    if (!this.#isAlive) return never();
    const settled = await Promise.resolve().then(effect).then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    if (!this.#isAlive) return never();
    return settled();
  }
}

export function never(): Promise<never> {
  return new Promise(() => {});
}
