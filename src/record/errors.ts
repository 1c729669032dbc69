// Few remedies, many precise messages: `code` and `remedy` are API, wording is not. One switch on `remedy` in the runtime decides what happens.

/** What an error asks for. API: programs may decide by it. */
export type Remedy =
  | 'retry' // passing trouble: do the same again
  | 'rejoin' // ownership is in doubt: drop uncommitted work, confirm membership, reopen tasks
  | 'rebuild-store' // local state cannot be used: wipe it and replay the changelog
  | 'fix-settings'
  | 'fix-data'
  | 'report-bug';

/** Every error of this library: `code` says which one, `remedy` what it asks for. Both are API, wording is not. docs/errors.md explains each code. */
export abstract class StreamsError extends Error {
  abstract readonly code: string;
  abstract readonly remedy: Remedy;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Thrown by user code for a record that makes no sense; the record's effects are undone and it goes the way of the error policy. */
export class InvalidRecordError extends StreamsError {
  readonly code = 'INVALID_RECORD';
  readonly remedy = 'fix-data';
}
