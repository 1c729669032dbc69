// What can be wrong with a topology or the way it is used.

import { StreamsError } from '../record/errors.ts';

export class TopologyError extends StreamsError {
  readonly code = 'INVALID_TOPOLOGY';
  readonly remedy = 'fix-settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`This topology cannot run:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export class InvalidWindowError extends StreamsError {
  readonly code = 'INVALID_WINDOW';
  readonly remedy = 'fix-settings';
}

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
