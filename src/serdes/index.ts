// Bytes ↔ values. One name to remember: `Serdes`. The only folder that imports the registry's client library and Avro.

import { avroSerde } from './avro.ts';
import { bufferSerde } from './buffer.ts';
import { doubleSerde } from './double.ts';
import { jsonSerde } from './json.ts';
import { longSerde } from './long.ts';
import { stringSerde } from './string.ts';

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
  /** Avro in the registry's wire format. */
  avro: avroSerde,
} as const;

export type { AvroOptions } from './avro.ts';
export type { AvroSchema } from './avro-type.ts';
export * from './errors.ts';
export { memoryRegistry } from './memory-registry.ts';
export type { Compatibility, Registry, WriterSchema } from './registry.ts';
export { connectRegistry, type RegistrySettings } from './registry-client.ts';
