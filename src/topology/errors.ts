// What can be wrong with a topology or the way it is used.

import { StreamsError } from '../record/errors.ts';

/** A topology, or the topics it meets at the start, do not fit together: `problems` lists all of it. */
export class TopologyError extends StreamsError {
  readonly code = 'INVALID_TOPOLOGY';
  readonly remedy = 'fix-settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`This topology cannot run:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** A length of time that is none: of a window, a grace period, a retention. Thrown where it is given, when the topology is built. */
export class InvalidWindowError extends StreamsError {
  readonly code = 'INVALID_WINDOW';
  readonly remedy = 'fix-settings';
}

/** More keys would have to wait than a suppress allows; the record that was one too many fails. */
export class SuppressionFullError extends StreamsError {
  readonly code = 'SUPPRESSION_FULL';
  readonly remedy = 'fix-settings';
  constructor(suppress: string, maxRecords: number) {
    super(
      `suppress "${suppress}" would hold more than ${maxRecords} keys back, which its maxRecords does not allow. The record that came last fails. ` +
        `Raise maxRecords, let updates wait for less long, or (with a time limit) let whenFull be "emit-early".`,
    );
  }
}
