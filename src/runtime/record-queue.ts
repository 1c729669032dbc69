// What was fetched of one input partition and is not processed yet. Records are decoded when they reach the head, one at a time.

import type { FetchedPartition } from '../ports/broker.ts';
import { InvalidRecordError } from '../record/errors.ts';
import type { RawRecord, StreamRecord, TopicPartition } from '../record/record.ts';
import type { SourceNode } from '../topology/graph/node.ts';

export interface Head {
  readonly raw: RawRecord;
  readonly record: StreamRecord<unknown, unknown>;
}

/** What to do with a record that is not processed: count it, or hand it to the error policy. */
export interface Rejects {
  undecodable(error: unknown, queue: RecordQueue, raw: RawRecord): void;
  negativeTimestamp(queue: RecordQueue, raw: RawRecord): void;
}

export class RecordQueue {
  readonly tp: TopicPartition;
  readonly source: SourceNode;
  readonly #rejects: Rejects;
  #records: readonly RawRecord[] = [];
  #at = 0;
  #waiting: (readonly RawRecord[])[] = [];
  #size = 0;
  #head: Head | undefined;
  #fetchedPosition: number;
  #lastStableOffset: number | undefined;
  #partitionTime: number;
  /** When this queue was first seen empty with nothing left on the broker; wall clock, undefined while there is data. */
  idleSince: number | undefined;

  constructor(tp: TopicPartition, source: SourceNode, position: number, partitionTime: number, rejects: Rejects) {
    this.tp = tp;
    this.source = source;
    this.#fetchedPosition = position;
    this.#partitionTime = partitionTime;
    this.#rejects = rejects;
  }

  add(fetched: FetchedPartition): void {
    this.#fetchedPosition = fetched.nextPosition;
    this.#lastStableOffset = fetched.lastStableOffset;
    if (fetched.records.length === 0) return;
    this.#waiting.push(fetched.records);
    this.#size += fetched.records.length;
    this.idleSince = undefined;
  }

  get size(): number {
    return this.#size;
  }

  /** Position to commit: the first record not processed, or past all that was fetched (markers included) when there is none. */
  get position(): number {
    const next = this.#nextRaw();
    return next === undefined ? this.#fetchedPosition : next.offset;
  }

  /** Highest timestamp taken. */
  get partitionTime(): number {
    return this.#partitionTime;
  }

  /** True when the broker is known to hold nothing more than what was fetched. */
  get isCaughtUp(): boolean {
    return this.#lastStableOffset !== undefined && this.#fetchedPosition >= this.#lastStableOffset;
  }

  /** The first record that can be processed, decoded; those before it that cannot are handed to `rejects`. */
  head(): Head | undefined {
    while (this.#head === undefined) {
      const raw = this.#nextRaw();
      if (raw === undefined) return undefined;
      this.#head = this.#decode(raw);
      if (this.#head === undefined) this.#advance();
    }
    return this.#head;
  }

  /** The head has been processed. Not before that has its time passed: a commit while it waits must not tell a restart of it. */
  take(): void {
    if (this.#head !== undefined) this.#partitionTime = Math.max(this.#partitionTime, this.#head.record.timestamp);
    this.#head = undefined;
    this.#advance();
  }

  #nextRaw(): RawRecord | undefined {
    if (this.#at >= this.#records.length) {
      const next = this.#waiting.shift();
      if (next === undefined) return undefined;
      this.#records = next;
      this.#at = 0;
    }
    return this.#records[this.#at];
  }

  #advance(): void {
    this.#at++;
    this.#size--;
  }

  #decode(raw: RawRecord): Head | undefined {
    const { topic } = this.tp;
    const { key, value, timestamp: extractor } = this.source;
    let record: StreamRecord<unknown, unknown>;
    try {
      const decoded = {
        key: raw.key === null ? null : key.deserialize(topic, raw.key),
        value: raw.value === null ? null : value.deserialize(topic, raw.value),
        timestamp: raw.timestamp,
        headers: raw.headers,
      };
      record = extractor === undefined ? decoded : { ...decoded, timestamp: wholeMs(extractor(decoded, this.#partitionTime)) };
    } catch (error) {
      this.#rejects.undecodable(error, this, raw);
      return undefined;
    }
    if (record.timestamp < 0) {
      this.#rejects.negativeTimestamp(this, raw);
      return undefined;
    }
    return { raw, record };
  }
}

/** Stored and committed times are whole numbers: a fraction would come back as another time after a restart. */
function wholeMs(timestamp: number): number {
  if (Number.isSafeInteger(timestamp)) return timestamp;
  throw new InvalidRecordError(`The timestamp extractor returned ${timestamp}: give whole milliseconds since the epoch, or a negative number to drop the record.`);
}
