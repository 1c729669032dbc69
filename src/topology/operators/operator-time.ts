// Stream time as an operator counts it: the highest timestamp of the records that it has taken. It decides what is late, so it is state: a restart must not
// let in what was late before, and a record that fails must not move it.

import { longSerde } from '../../serdes/long.ts';
import { stringSerde } from '../../serdes/string.ts';
import type { ProcessorContext } from '../processor.ts';
import { Stores, type KeyValueStore, type KeyValueStoreSpec } from '../store-spec.ts';

export type TimeStoreSpec = KeyValueStoreSpec<string, number>;

/** The store is `<operator>-time`. */
export function timeStore(operator: string): TimeStoreSpec {
  return Stores.keyValue({ name: `${operator}-time`, key: stringSerde(), value: longSerde() });
}

const NEXT_LOOK = 'next-look';

export class OperatorTime {
  readonly #times: KeyValueStore<string, number>;
  readonly #context: ProcessorContext<any, any>;
  readonly #streamTime: string;

  /** `input`: where each input has a stream time of its own, which one. */
  constructor(spec: TimeStoreSpec, context: ProcessorContext<any, any>, input?: number) {
    this.#times = context.store(spec);
    this.#context = context;
    this.#streamTime = input === undefined ? 'stream-time' : `stream-time-${input}`;
  }

  /** −1 before the first record. */
  get streamTime(): number {
    // Read from the store each time: a field would stay ahead when a later operator fails and the store is rolled back.
    return this.#times.get(this.#streamTime) ?? -1;
  }

  /** The highest timestamp so far, this one included. */
  observe(timestamp: number): number {
    const before = this.streamTime;
    if (timestamp <= before) return before;
    this.#times.put(this.#streamTime, timestamp);
    return timestamp;
  }

  /** Whether results that wait may be looked for now; true makes the next look wait for the setting `emitIntervalMs`. */
  mayLook(): boolean {
    const { emitIntervalMs } = this.#context;
    if (emitIntervalMs === 0) return true;
    const now = this.#context.wallClockTime();
    const next = this.#times.get(NEXT_LOOK) ?? 0;
    // Further away than an interval: another computer's clock was ahead, or the interval has become shorter. Nobody is to wait for that.
    if (now < next && next - now <= emitIntervalMs) return false;
    this.#times.put(NEXT_LOOK, now + emitIntervalMs);
    return true;
  }
}
