// A stream joined with a table: only stream records make results, each with the table's row of its key, as it is now or, where the table is versioned, as it was at
// the record's time. With a grace period, records wait that long for updates of the table that come late.

import type { StreamRecord } from '../../record/record.ts';
import type { SerdeFor } from '../../record/serde.ts';
import { withHeadersSerde, type WithHeaders } from '../../serdes/with-headers.ts';
import { InvalidWindowError, TopologyError } from '../errors.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { KStream } from './stream.ts';
import type { KTable } from './table.ts';
import type { TableReader, TableView } from '../table-origin.ts';
import { WaitingRecords, waitingRecordsSpec, type WaitingRecordsSpec } from '../operators/waiting-records.ts';

/** What a stream–table join is called, and how the stream is written where it has to be repartitioned or to wait. */
export interface StreamTableJoinOptions<K, V> {
  /** Of the node; of the repartition topic where one is needed, `<name>-repartition`; and with `graceMs` of the store of waiting records, `<name>-waiting`. */
  readonly name: string;
  /** Of the stream. */
  readonly key: SerdeFor<NonNullable<K>>;
  readonly value: SerdeFor<NonNullable<V>>;
  /**
   * How long, in ms of the stream's time, a record waits for table updates that come late; then it is joined with the row as of its own timestamp. Only for
   * versioned tables, and no longer than their history. A record that comes later than this is joined at once.
   */
  readonly graceMs?: number;
}

export interface TableJoin<V, VT, R> {
  readonly isLeft: boolean;
  /** `row` is null only in a left join, and so is `key`. */
  readonly joiner: (value: V, row: VT | null, key: any) => R;
}

export function joinTable<K, V, VT, R>(stream: KStream<K, V>, table: KTable<NonNullable<K>, VT>, join: TableJoin<V, VT, R>, options: StreamTableJoinOptions<K, V>): KStream<K, R> {
  const { name, key, value, graceMs } = options;
  if (graceMs !== undefined) checkGrace(name, graceMs, table);
  stream.parts.graph.meet(table.parts.graph);
  const view = table.connect();
  const input = stream.repartitioned({ name, key, value }, { keepsNullKeys: join.isLeft });
  const { graph, parents, sources } = input.parts;
  graph.copartition([...sources, ...table.parts.sources]);
  const waiting = graceMs === undefined || graceMs === 0 ? undefined : { graceMs, spec: waitingRecordsSpec({ name: `${name}-waiting`, key, value: withHeadersSerde(value) }) };
  const supplier = () => new StreamTableJoin(join as TableJoin<any, VT, R>, view, waiting);
  const stores = () => [...view.stores(), ...(waiting === undefined ? [] : [waiting.spec])];
  const node = graph.processor(name, parents, supplier, stores);
  return input.derived(join.isLeft ? graph.takeNullKeys(node) : node, false);
}

class StreamTableJoin<K, V, VT, R> implements Processor<K | null, V | null, K | null, R> {
  readonly #join: TableJoin<V, VT, R>;
  readonly #view: TableView<K, VT>;
  readonly #grace: { readonly graceMs: number; readonly spec: WaitingRecordsSpec<K, WithHeaders<V>> } | undefined;
  #context!: ProcessorContext<K | null, R>;
  #table!: TableReader<K, VT>;
  #waiting: WaitingRecords<K, WithHeaders<V>> | undefined;

  constructor(join: TableJoin<V, VT, R>, view: TableView<K, VT>, grace: { graceMs: number; spec: WaitingRecordsSpec<K, WithHeaders<V>> } | undefined) {
    this.#join = join;
    this.#view = view;
    this.#grace = grace;
  }

  init(context: ProcessorContext<K | null, R>): void {
    this.#context = context;
    this.#table = this.#view.reader(context);
    this.#waiting = this.#grace === undefined ? undefined : new WaitingRecords(context.store(this.#grace.spec));
  }

  process(record: StreamRecord<K | null, V | null>): void {
    const { key, value, timestamp, headers } = record;
    if (value === null || value === undefined) return this.#context.count('dropped');
    if (key === null || key === undefined) {
      if (!this.#join.isLeft) return this.#context.count('dropped');
      // No row can ever be its own, so there is nothing to wait for.
      return this.#context.forward({ ...record, value: this.#join.joiner(value, null, null) });
    }
    if (this.#waiting === undefined) return this.#joinRow(key, value, timestamp, headers);
    this.#wait(this.#waiting, this.#grace!.graceMs, { key, value, timestamp, headers });
  }

  #wait(waiting: WaitingRecords<K, WithHeaders<V>>, graceMs: number, { key, value, timestamp, headers }: StreamRecord<K, V>): void {
    // Whatever has the highest timestamp of all that have come to wait is still waiting, since it waits for a higher one: the store is all there is to remember.
    const highest = Math.max(waiting.lastTime() ?? -1, timestamp);
    if (timestamp < highest - graceMs) return this.#joinRow(key, value, timestamp, headers);
    waiting.add({ key, timestamp, value: { value, headers } });
    for (let at = waiting.firstTime(); at !== undefined && at + graceMs <= highest; at = waiting.firstTime()) {
      const due = waiting.takeFirst()!;
      this.#joinRow(due.key, due.value.value, due.timestamp, due.value.headers);
    }
  }

  #joinRow(key: K, value: V, timestamp: number, headers: StreamRecord<K, V>['headers']): void {
    const row = this.#table.getAsOf(key, timestamp)?.value;
    if (row === undefined && !this.#join.isLeft) return;
    this.#context.forward({ key, value: this.#join.joiner(value, row ?? null, key), timestamp, headers });
  }
}

function checkGrace(name: string, graceMs: number, table: KTable<any, any>): void {
  if (!Number.isSafeInteger(graceMs) || graceMs < 0) {
    throw new InvalidWindowError(`join "${name}" has graceMs ${graceMs}: give whole milliseconds of event time, at least 0, or leave it out.`);
  }
  if (!table.parts.origin.isVersioned) {
    throw new TopologyError([`join "${name}" has a grace period, but its table is not versioned: rows as of an earlier time cannot be read. Give the table historyMs, or leave graceMs out`]);
  }
  const history = Math.min(...table.connect().stores().flatMap((store) => (store.kind === 'versioned' ? [store.historyMs] : [])));
  if (graceMs > history) {
    throw new TopologyError([`join "${name}" has graceMs ${graceMs}, but its table only remembers ${history} ms (historyMs): rows as of the time of records that have waited would be gone. Raise historyMs, or lower graceMs`]);
  }
}
