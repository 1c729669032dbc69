// The schema registry as the Avro serde sees it. Implementations: registry-client.ts (a real one) and memory-registry.ts (tests, the test driver).

import type { AvroSchema } from './avro-type.ts';

/** What a new version of a schema must get on with; docs/serdes.md has the table. */
export type Compatibility = 'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE';

/** What is behind a schema id. */
export type WriterSchema =
  | { readonly kind: 'avro'; readonly schema: AvroSchema }
  /** The registry has said that it has no such id. */
  | { readonly kind: 'unknown' }
  /** It has one, but not one that Avro can read with. */
  | { readonly kind: 'unusable'; readonly why: string };

/** A schema registry: `connectRegistry({ url })` in production, `memoryRegistry()` in tests. */
export interface Registry {
  /**
   * Makes the schema a version of the subject and resolves to its id; the same schema again is the same id. Sets the subject's compatibility first where
   * nobody has chosen one. Waits out outages. @throws {SchemaRefusedError} {RegistryRefusedError} {RegistryClosedError}
   */
  register(subject: string, schema: AvroSchema, compatibility: Compatibility): Promise<number>;
  /** The answer for this id, if there is one here; no I/O. */
  known(schemaId: number): WriterSchema | undefined;
  /** Undefined when `known` has an answer that may be used; else a promise for the moment it has, shared by all who ask. Waits out outages, never rejects. */
  fetch(schemaId: number): Promise<void> | undefined;
  /** Ends all waiting: `register` rejects, `fetch` resolves without an answer. */
  close(): void;
}
