// The key of a windowed result: the record's key and the window it fell into.

export interface Window {
  /** epoch ms, inclusive */
  readonly startMs: number;
  /** epoch ms; exclusive for tumbling and hopping windows, inclusive for sliding windows and sessions */
  readonly endMs: number;
}

export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}
