// What can go wrong before anything runs. All of it is for a person to mend, so each message says what, why, and what to do.
import { StreamsError } from '../record/errors.ts';

/** Something must be installed, or done without. See prerequisites.ts for how the message is made. */
export class MissingPrerequisiteError extends StreamsError {
  readonly code = 'MISSING_PREREQUISITE';
  readonly remedy = 'fix-settings';
}

/** An address that was given cannot be read as one. */
export class BadAddressError extends StreamsError {
  readonly code = 'BAD_ADDRESS';
  readonly remedy = 'fix-settings';
}

/** A server whose address was given did not answer for as long as the caller was willing to wait. */
export class ServerAwayError extends StreamsError {
  readonly code = 'SERVER_AWAY';
  readonly remedy = 'retry';
}

/** A server that was started here did not come up, or ended by itself. */
export class ServerDiedError extends StreamsError {
  readonly code = 'SERVER_DIED';
  readonly remedy = 'fix-settings';
}

/** Maven or Go could not fetch or build a server. */
export class DownloadError extends StreamsError {
  readonly code = 'DOWNLOAD_FAILED';
  readonly remedy = 'retry';
}

/** Another command keeps a stack of its own in the same folder. */
export class StackInUseError extends StreamsError {
  readonly code = 'STACK_IN_USE';
  readonly remedy = 'fix-settings';
}

/** A role needs servers, and nothing says where they are. */
export class NoStackError extends StreamsError {
  readonly code = 'NO_STACK';
  readonly remedy = 'fix-settings';
}
