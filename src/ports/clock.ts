// Wall-clock time as the runtime sees it: the system's in production, set by the test otherwise.

export interface Clock {
  /** Epoch ms. */
  now(): number;
}
