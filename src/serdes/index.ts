// Bytes ↔ values. One name to remember: `Serdes`. The only folder that imports the registry's client library and Avro.

import { avroSerde } from './avro.ts';
import { bufferSerde } from './buffer.ts';
import { pairSerde, timeKeySerde } from './composite-key.ts';
import { doubleSerde } from './double.ts';
import { jsonSerde } from './json.ts';
import { longSerde } from './long.ts';
import { stringSerde } from './string.ts';
import { timestampedSerde } from './timestamped.ts';

/**
 * How keys and values become bytes: the same bytes as Java's serdes of these names, so keys go to the same partitions.
 * @example const totals = { key: Serdes.string(), value: Serdes.long() }
 */
export const Serdes = {
  /** UTF-8 text. */
  string: stringSerde,
  /** Eight bytes, most significant first; safe integers only. */
  long: longSerde,
  /** Eight bytes, IEEE 754; any number. */
  double: doubleSerde,
  /** UTF-8 JSON. */
  json: jsonSerde,
  /** Bytes as they are. */
  buffer: bufferSerde,
  /** A key of two parts, for ordered stores: sorted by the first part's bytes, then by the second's. */
  pair: pairSerde,
  /** A time and a key, for ordered stores: sorted by time, then by the key's bytes. */
  timeKey: timeKeySerde,
  /** A value with a timestamp of its own. */
  timestamped: timestampedSerde,
  /** Avro in the registry's wire format. */
  avro: avroSerde,
} as const;

export type { AvroOptions } from './avro.ts';
export type { AvroSchema } from './avro-type.ts';
export type { PairSerde, TimeKey } from './composite-key.ts';
export * from './errors.ts';
export { memoryRegistry } from './memory-registry.ts';
export type { Compatibility, Registry, WriterSchema } from './registry.ts';
export { connectRegistry } from './registry-client.ts';
export type { RegistrySettings } from './registry-connection.ts';
