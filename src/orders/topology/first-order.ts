// An order id may be placed once: the first event counts, another event for the same id is invalid.

import { InvalidRecordError, Serdes, Stores, type KeyValueStore, type Processor, type ProcessorContext, type StreamRecord } from 'millrace';
import type { OrderPlaced } from '../domain.ts';

const REMEMBERED_MS = 30 * 24 * 3_600_000;

/** Order id → the event that placed it. */
const placedBy = Stores.keyValue({ name: 'orders-placed', key: Serdes.string(), value: Serdes.string(), ttlMs: REMEMBERED_MS });

export function firstOrder(): Processor<string, OrderPlaced, string, OrderPlaced> {
  return new FirstOrder();
}
firstOrder.stores = [placedBy];

class FirstOrder implements Processor<string, OrderPlaced, string, OrderPlaced> {
  #context!: ProcessorContext<string, OrderPlaced>;
  #placedBy!: KeyValueStore<string, string>;

  init(context: ProcessorContext<string, OrderPlaced>): void {
    this.#context = context;
    this.#placedBy = context.store(placedBy);
  }

  process(record: StreamRecord<string, OrderPlaced>): void {
    const first = this.#placedBy.get(record.key);
    if (first === undefined) {
      // By the wall clock: an event dated long ago is to be remembered as long as any other.
      this.#placedBy.put(record.key, record.value.eventId, this.#context.wallClockTime());
      this.#context.forward(record);
      return;
    }
    if (first === record.value.eventId) return this.#context.count('duplicates');
    throw new InvalidRecordError(`Invalid order: ${record.key} was placed before, by event ${first}; the first one counts.`);
  }
}
