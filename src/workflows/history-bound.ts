// When a run has grown long enough. Counted in events because that is what the server counts: it warns at 10,240 and terminates at 51,200.

/** A burst of a few thousand signals on top still stays below the server's warning. */
export const HISTORY_EVENTS_MAX = 2_000;

export interface HistoryFacts {
  readonly historyLength: number;
  readonly continueAsNewSuggested: boolean;
}

export function isHistoryFull(facts: HistoryFacts, eventsMax: number = HISTORY_EVENTS_MAX): boolean {
  return facts.continueAsNewSuggested || facts.historyLength >= eventsMax;
}
