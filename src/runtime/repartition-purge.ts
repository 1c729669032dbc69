// Records of repartition topics are needed only until they are processed: from time to time what lies below the committed positions is deleted (KIP-204).

import type { BrokerAdmin } from '../ports/broker.ts';
import { messageOf, type Logger } from './logger.ts';
import type { Task } from './task.ts';

const INTERVAL_MS = 30_000;

export class RepartitionPurge {
  readonly #admin: BrokerAdmin;
  readonly #log: Logger;
  #lastMs: number;

  constructor(admin: BrokerAdmin, log: Logger, nowMs: number) {
    this.#admin = admin;
    this.#log = log;
    this.#lastMs = nowMs;
  }

  /** Costs nothing until it is due. Failing to purge costs disk, not correctness: it is told and tried again next time. */
  async run(tasks: Iterable<Task>, nowMs: number): Promise<void> {
    if (nowMs - this.#lastMs < INTERVAL_MS) return;
    this.#lastMs = nowMs;
    const before = [...tasks].flatMap((task) =>
      task.queues
        .filter(({ source }) => source.topics.some((topic) => typeof topic !== 'string' && topic.use === 'repartition'))
        .map(({ tp }) => ({ ...tp, offset: task.committedPosition(tp) }))
        .filter(({ offset }) => offset > 0),
    );
    if (before.length === 0) return;
    await this.#admin.deleteRecords(before).catch((error: unknown) => this.#log('warn', `Repartition topics could not be purged: ${messageOf(error)}`));
  }
}
