// What is said of a command that no workflow will read: a rejection to the topology that sent it, a dead letter to people. A command counts as dealt
// with only when Kafka has whatever is said of it.

import { BrokerError } from '../ports/broker.ts';
import type { RawRecord, TopicPartition } from '../record/record.ts';
import { encodeOutcome } from './codec.ts';
import { deadLetter, deadLetterTopic, deadLetterWithoutValue, type DeadLetterCode } from './dead-letter.ts';
import type { Command, RejectedOutcome, RejectionReason } from './protocol.ts';
import type { ReplyWriter } from './reply-writer.ts';

export interface AnswersOptions {
  readonly replies: Pick<ReplyWriter, 'write'>;
  /** Undefined: there is no such topic. */
  readonly partitionCount: (topic: string) => Promise<number | undefined>;
  readonly now: () => number;
  readonly log: (level: 'warn', message: string) => void;
}

interface Unsaid {
  readonly code: Extract<DeadLetterCode, 'NOWHERE_TO_REPLY' | 'ANSWER_TOO_LARGE'>;
  readonly detail: string;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #partitionCounts = new Map<string, number>();
  readonly #rejected: Record<RejectionReason, number> = { closed: 0, stale: 0, refused: 0 };
  #deadLetters = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  counts(): { rejectedClosed: number; rejectedStale: number; rejectedRefused: number; deadLetters: number } {
    const { closed, stale, refused } = this.#rejected;
    return { rejectedClosed: closed, rejectedStale: stale, rejectedRefused: refused, deadLetters: this.#deadLetters };
  }

  /** No workflow takes it, which is in order: only the topology is told. */
  async reject(at: TopicPartition, record: RawRecord, command: Command, reason: RejectionReason): Promise<void> {
    const unsaid = await this.#tell(command, reason);
    if (unsaid !== undefined) await this.setAside(at, record, unsaid.code, unsaid.detail);
  }

  /** It can never be delivered, and that is no ordinary course of things: the topology is told, so that nothing hangs on it for ever, and people are. */
  async refuse(at: TopicPartition, record: RawRecord, command: Command, code: DeadLetterCode, detail: string): Promise<void> {
    const unsaid = await this.#tell(command, 'refused');
    await this.setAside(at, record, code, unsaid === undefined ? detail : `${detail}; ${unsaid.detail}`);
  }

  /** Dead letter only: for what is no command, so that nobody can be told. */
  async setAside(at: TopicPartition, record: RawRecord, code: DeadLetterCode, detail: string): Promise<void> {
    const { replies, log } = this.#options;
    try {
      await replies.write(deadLetter(at, record, code, detail));
    } catch (error) {
      if (!(error instanceof BrokerError) || error.kind !== 'too-large') throw error;
      await replies.write(deadLetterWithoutValue(at, record, code, detail));
    }
    this.#deadLetters++;
    log('warn', `Command ${at.topic}-${at.partition}@${record.offset} was set aside in ${deadLetterTopic(at.topic)}: ${code}: ${detail}`);
  }

  /** @returns why it could not be said, if so. */
  async #tell(command: Command, reason: RejectionReason): Promise<Unsaid | undefined> {
    const { topic, partition } = command.replyTo;
    if (!(await this.#exists(topic, partition))) {
      return { code: 'NOWHERE_TO_REPLY', detail: `rejected (${reason}), but there is no partition ${topic}-${partition} to say so` };
    }
    const outcome: RejectedOutcome = { v: 1, origin: 'bridge', workflowId: command.workflowId, reason, command, at: this.#options.now() };
    try {
      await this.#options.replies.write({ topic, partition, key: Buffer.from(command.key), value: encodeOutcome(outcome), timestamp: outcome.at, headers: [] });
    } catch (error) {
      if (!(error instanceof BrokerError) || error.kind !== 'too-large') throw error;
      return { code: 'ANSWER_TOO_LARGE', detail: `rejected (${reason}), but the record that says so is too large for ${topic}` };
    }
    this.#rejected[reason]++;
    return undefined;
  }

  async #exists(topic: string, partition: number): Promise<boolean> {
    if (partition < (this.#partitionCounts.get(topic) ?? 0)) return true;
    const count = await this.#options.partitionCount(topic);
    if (count !== undefined) this.#partitionCounts.set(topic, count);
    return partition < (count ?? 0);
  }
}
