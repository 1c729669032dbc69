// What stops an instance.

import { StreamsError } from '../record/errors.ts';
import { messageOf } from './logger.ts';

/** A task stopped at a record or a punctuator, and the `errors` setting did not say to go on. `cause` is what was thrown. */
export class TaskFailedError extends StreamsError {
  readonly code = 'TASK_FAILED';
  readonly remedy = 'fix-data';
  constructor(task: string, what: string, reason: string, cause: unknown) {
    super(
      `Task ${task} stopped at ${what}: ${reason.replace(/\.$/, '')}. Nothing of it was committed; a restart tries it again. ` +
        `To go on without it, mend the program, or let the "errors" setting answer "continue" or "dlq".`,
      { cause },
    );
  }
}

/** Local state of one task turned out to be unreadable; the instance wipes and rebuilds it by itself. */
export class TaskStateLostError extends StreamsError {
  readonly code = 'TASK_STATE_LOST';
  readonly remedy = 'rebuild-store';
  readonly task: string;
  constructor(task: string, cause: Error) {
    super(`Local state of task ${task} cannot be read: ${cause.message}`, { cause });
    this.task = task;
  }
}

/**
 * A topic was only looked up for the commit, and then the record could not be written to it. The record it came from cannot be told any more, so the work is done
 * again: now that the topic is known, it is found while that record is processed. Never leaves the library.
 */
export class OutputRefusedError extends Error {
  constructor(task: string, topic: string, cause: unknown) {
    super(`Task ${task} has a record for topic "${topic}" that cannot be written there: ${messageOf(cause)}`, { cause });
  }
}

/** Something the broker refuses for good: settings, permissions, a record over its size limit. */
export class BrokerRefusedError extends StreamsError {
  readonly code = 'BROKER_REFUSED';
  readonly remedy = 'fix-settings';
  constructor(reason: string, cause: unknown) {
    super(`Kafka refuses what this application asks for: ${reason}`, { cause });
  }
}
