// join and leftJoin of a stream: what it is joined with decides which join it is, as in Kafka Streams.

import { GlobalKTable } from './global-table.ts';
import type { KStream } from './stream.ts';
import { KTable } from './table.ts';
import { joinGlobal } from './global-join.ts';
import { joinStreams, type StreamJoinOptions } from './stream-join.ts';
import { joinTable, type StreamTableJoinOptions } from './stream-table-join.ts';

export type Joinable = KStream<any, any> | KTable<any, any> | GlobalKTable<any, any>;

/** The two arguments that follow: joiner and options, or for a global table the mapper to its key and the joiner. */
export function join(kind: 'inner' | 'left', stream: KStream<any, any>, other: Joinable, second: unknown, third: unknown): KStream<any, any> {
  const isLeft = kind === 'left';
  if (other instanceof GlobalKTable) return joinGlobal(stream, other, { isLeft, mapper: second as never, joiner: third as never });
  if (other instanceof KTable) return joinTable(stream, other, { isLeft, joiner: second as never }, third as StreamTableJoinOptions<any, any>);
  return joinStreams(kind, stream, other, second as never, third as StreamJoinOptions<any, any, any>);
}
