// What can be wrong with local state.

import { StreamsError } from '../record/errors.ts';

/** Local state of a task cannot be read. The instance wipes and rebuilds it by itself. */
export class CorruptStateError extends StreamsError {
  readonly code = 'CORRUPT_STATE';
  readonly remedy = 'rebuild-store';
  constructor(place: string, reason: string) {
    super(`Local state at ${place} cannot be used: ${reason}. It will be wiped and rebuilt from its changelog topics; nothing is lost.`);
  }
}

/** Of the global tables, met by a task that looked into them: the task's own state is as good as it was. */
export class CorruptGlobalStateError extends CorruptStateError {
  constructor(cause: CorruptStateError) {
    super('the global tables', cause.message);
    this.cause = cause;
  }
}

export class UnreadableChangelogError extends StreamsError {
  readonly code = 'UNREADABLE_CHANGELOG';
  readonly remedy = 'fix-settings';
  constructor(topic: string, reason: string) {
    super(
      `The changelog ${topic} cannot be read: ${reason}. Another program or another release has written to it. ` +
        `Run the release that wrote it, or begin anew: with another applicationId, or without this topic, the state directory and the committed offsets.`,
    );
  }
}

/** A store's entry has grown past what its changelog topic takes; the record that would have made it so fails. */
export class EntryTooLargeError extends StreamsError {
  readonly code = 'ENTRY_TOO_LARGE';
  readonly remedy = 'fix-data';
  constructor(store: string, bytes: number, most: number) {
    super(`An entry of the store "${store}" would have ${bytes} bytes; its changelog takes ${most} at most. Keep less under one key.`);
  }
}

/** Too many running processes share a state folder. */
export class StateDirectoryBusyError extends StreamsError {
  readonly code = 'STATE_DIRECTORY_BUSY';
  readonly remedy = 'fix-settings';
  constructor(place: string, slots: number) {
    super(`All ${slots} instance slots under ${place} are held by running processes. Stop one of them, or give this instance a stateDir of its own.`);
  }
}

/** The state folder cannot be read or written: a full disk, another user's folder. */
export class StateDirectoryError extends StreamsError {
  readonly code = 'STATE_DIRECTORY';
  readonly remedy = 'fix-settings';
  constructor(place: string, cause: unknown) {
    super(`Local state at ${place} cannot be read or written: ${cause instanceof Error ? cause.message : String(cause)}. Check that the disk is not full and that the folder belongs to this user.`, { cause });
  }
}
