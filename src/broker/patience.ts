// How long one operation keeps trying, and how it waits in between. Waits double; those for a transaction that is just ending stay short, since its
// markers take milliseconds (the Java client waits 20 ms there).

import type { BrokerError } from '../ports/broker.ts';

const WAIT_FIRST_MS = 20;
const WAIT_MAX_MS = 1_000;
const TRANSACTION_WAIT_FIRST_MS = 2;
const TRANSACTION_WAIT_MAX_MS = 20;

export class Patience {
  readonly #deadline: number;
  readonly #signal: AbortSignal;
  #tries = 0;

  /** `limitMs` may be Infinity. `signal` ends a wait at once (closing). */
  constructor(limitMs: number, signal: AbortSignal) {
    this.#deadline = performance.now() + limitMs;
    this.#signal = signal;
  }

  /** Waits before the next try. @throws `error` itself when the time is up or everything is being closed. */
  async wait(error: BrokerError): Promise<void> {
    const ending = error.code === 'CONCURRENT_TRANSACTIONS';
    const first = ending ? TRANSACTION_WAIT_FIRST_MS : WAIT_FIRST_MS;
    const waitMs = Math.min(first * 2 ** Math.min(this.#tries, 10), ending ? TRANSACTION_WAIT_MAX_MS : WAIT_MAX_MS);
    this.#tries += 1;
    if (this.#signal.aborted || performance.now() + waitMs > this.#deadline) throw error;
    await sleep(waitMs, this.#signal);
    if (this.#signal.aborted) throw error;
  }

  /** After progress: the next trouble starts with short waits again. */
  reset(): void {
    this.#tries = 0;
  }
}

/** Resolves after `ms`, or at once when the signal is or becomes aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
