// The ugliness of a real outside system, switchable while it runs: errors before anything happened, slowness, and the worst one, an operation that was
// carried out and whose answer was lost.

export interface Faults {
  /** Share of requests (0 to 1) refused with 503 before anything happens. */
  readonly errorRate: number;
  /** Added to every request. */
  readonly latencyMs: number;
  /** Share of requests (0 to 1) that are carried out, and then the connection is cut. */
  readonly lostAnswerRate: number;
}

export const NO_FAULTS: Faults = { errorRate: 0, latencyMs: 0, lostAnswerRate: 0 };

/** @throws when a number is out of range */
export function changedFaults(current: Faults, change: unknown): Faults {
  const given = (typeof change === 'object' && change !== null ? change : {}) as Record<string, unknown>;
  const faults = { ...current };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in NO_FAULTS)) throw new Error(`no fault is called ${name}; known are ${Object.keys(NO_FAULTS).join(', ')}`);
    const most = name === 'latencyMs' ? 600_000 : 1;
    if (typeof value !== 'number' || !(value >= 0 && value <= most)) throw new Error(`${name} must be a number from 0 to ${most}`);
    faults[name as keyof Faults] = value as never;
  }
  return faults;
}
