// When a run has grown long enough. Counted in events because that is what the server counts: it warns at 10,240 and terminates at 51,200.

/** A burst of a few thousand signals on top still stays below the server's warning. */
export const HISTORY_EVENTS_MAX = 2_000;

/**
 * The server keeps successors of very young runs waiting until a second has passed, counted from when that run *would* have begun. A signalWithStart cuts
 * the wait short, but the next successor then waits for what was cut off as well, and so on: under a steady stream of commands and a small bound,
 * forty quick runs left the last one idle for half a minute (server 1.29). A run that lives a second avoids it altogether.
 */
const RUN_AGE_MS_MIN = 1_000;

export interface HistoryFacts {
  readonly historyLength: number;
  readonly continueAsNewSuggested: boolean;
  readonly runStartTime: Date;
}

export function isHistoryFull(facts: HistoryFacts, nowMs: number, eventsMax: number = HISTORY_EVENTS_MAX): boolean {
  if (nowMs - facts.runStartTime.getTime() < RUN_AGE_MS_MIN) return false;
  return facts.continueAsNewSuggested || facts.historyLength >= eventsMax;
}
