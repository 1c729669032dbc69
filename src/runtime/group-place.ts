// This instance's place in its consumer group: taken, given up, taken again. Giving up never waits for a place that is not there, for Kafka may be away, and
// another member may hold the rebalance.

import type { Broker, Membership, MembershipOptions } from '../ports/broker.ts';
import { StreamsError } from '../record/errors.ts';

export class GroupPlace {
  /** What ended the membership for good, or kept it from beginning. */
  failure: unknown;
  readonly #broker: Broker;
  readonly #options: Omit<MembershipOptions, 'onFatal' | 'signal'>;
  #membership: Promise<Membership> | undefined;
  /** Of the membership that is, or is being joined. */
  #giveUp = new AbortController();
  #hasLeft = false;

  constructor(broker: Broker, options: Omit<MembershipOptions, 'onFatal' | 'signal'>) {
    this.#broker = broker;
    this.#options = options;
  }

  take(): void {
    this.#become(this.#join());
  }

  /** Leaves, then takes a place again: in doubt whether the old one still counts. */
  retake(): void {
    this.#become(this.#leave().then(() => this.#join()));
  }

  /** For good. The membership's hooks are called on the way. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    await this.#leave();
  }

  async #leave(): Promise<void> {
    this.#giveUp.abort();
    const membership = await this.#membership?.catch(() => undefined);
    await membership?.leave();
  }

  #join(): Promise<Membership> {
    const giveUp = new AbortController();
    this.#giveUp = giveUp;
    if (this.#hasLeft) giveUp.abort();
    const onFatal = (error: unknown): void => {
      if (!giveUp.signal.aborted) this.#fail(error);
    };
    return this.#broker.join({ ...this.#options, signal: giveUp.signal, onFatal });
  }

  #become(membership: Promise<Membership>): void {
    this.#membership = membership;
    membership.catch((error: unknown) => {
      const isGivenUp = this.#hasLeft || this.#membership !== membership;
      if (!isGivenUp) this.#fail(error);
    });
  }

  #fail(error: unknown): void {
    // What our own assignor had to say, it said best itself.
    const cause = error instanceof Error ? error.cause : undefined;
    this.failure = cause instanceof StreamsError ? cause : error;
  }
}
