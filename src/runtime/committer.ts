// The commit of an instance: one transaction for all tasks that have something to commit, then their local batches. And the producer that it needs, from
// init to disposal.

import type { Broker, GroupMetadata, TransactionalProducer } from '../ports/broker.ts';
import { messageOf, type Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Task } from './task.ts';

/** How far a commit has come; told as it happens. Tests kill the process here. */
export type CommitStage = 'prepared' | 'produced' | 'offsets-sent' | 'committed' | 'persisted';

export interface CommitterParts {
  readonly broker: Broker;
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly onStage: (stage: CommitStage) => void;
}

export class Committer {
  readonly #parts: CommitterParts;
  #producer: TransactionalProducer | undefined;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  /** Makes sure that whatever this instance's predecessor left undecided is decided: before committed offsets or changelogs are read. */
  async ready(): Promise<TransactionalProducer> {
    if (this.#producer !== undefined) return this.#producer;
    const { broker, transactionalId, transactionTimeoutMs } = this.#parts;
    const producer = broker.transactionalProducer({ transactionalId, transactionTimeoutMs });
    try {
      await producer.init();
    } catch (error) {
      await producer.close().catch(() => {});
      throw error;
    }
    this.#producer = producer;
    return producer;
  }

  /** See docs/architecture.md, "The commit". No task may be fed between the first line and the last. */
  async commit(tasks: readonly Task[], group: GroupMetadata): Promise<void> {
    const { metrics, onStage } = this.#parts;
    const producer = await this.ready();
    const prepared = tasks.map((task) => task.prepareCommit());
    const outputs = prepared.flatMap((commit) => commit.outputs);
    onStage('prepared');
    const acks = outputs.length === 0 ? [] : await producer.send(outputs);
    onStage('produced');
    // Positions join the outputs' transaction, under this generation: a member that has been replaced is refused here (KIP-447).
    await producer.sendOffsets(group, prepared.flatMap((commit) => commit.offsets));
    onStage('offsets-sent');
    await producer.commit();
    onStage('committed');
    for (const task of tasks) await task.committed(acks);
    onStage('persisted');
    metrics.add('commits');
    metrics.add('outputs', outputs.length);
  }

  /** Ends the open transaction, if there is one; a producer that cannot even do that is given up. */
  async abort(): Promise<void> {
    try {
      await this.#producer?.abort();
    } catch (error) {
      this.#parts.log('debug', `The transaction could not be aborted (${messageOf(error)}); a new producer will do it.`);
      await this.dispose();
    }
  }

  /** The next `ready` makes a new producer of the same id, which finds out what became of this one's transaction. */
  async dispose(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close().catch(() => {});
  }
}
