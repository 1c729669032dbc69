// What can be wrong with bytes, values and the registry that describes them. The record at fault is named by the runtime, which knows where it was read.

import { StreamsError } from '../record/errors.ts';

/** A value that does not fit its serde. */
export class UnserializableError extends StreamsError {
  readonly code = 'UNSERIALIZABLE';
  readonly remedy = 'fix-data';
}

/** Bytes that are not what the serde reads. */
export class UndecodableError extends StreamsError {
  readonly code = 'UNDECODABLE';
  readonly remedy = 'fix-data';
}

/** The registry does not know the schema a record says it was written with. */
export class UnknownSchemaError extends StreamsError {
  readonly code = 'UNKNOWN_SCHEMA';
  readonly remedy = 'fix-data';
  readonly schemaId: number;
  constructor(schemaId: number, reader: string) {
    super(
      `The record says it was written with schema ${schemaId}, which the registry does not have, so it cannot be read as ${reader}. ` +
        `Either its first five bytes are no schema id, or its writer uses another registry: check the writer's registry address.`,
    );
    this.schemaId = schemaId;
  }
}

/** The writer's schema is known, but a record written with it cannot be read with ours. */
export class SchemaMismatchError extends StreamsError {
  readonly code = 'SCHEMA_MISMATCH';
  readonly remedy = 'fix-data';
  readonly schemaId: number;
  constructor(schemaId: number, reader: string, why: string) {
    super(
      `A record written with schema ${schemaId} cannot be read as ${reader}: ${why}. ` +
        `Its writer does not keep to this topic's compatibility: compare the schema under that id with the one in the program.`,
    );
    this.schemaId = schemaId;
  }
}

/** The registry will not take our schema for a subject. */
export class SchemaRefusedError extends StreamsError {
  readonly code = 'SCHEMA_REFUSED';
  readonly remedy = 'fix-settings';
  constructor(subject: string, schema: string, why: string) {
    super(
      `The registry refuses ${schema} for the subject ${subject}: ${why}. ` +
        `Change the schema so that it stays compatible with the versions registered there (a new field needs a default), or choose another topic.`,
    );
  }
}

/** A folder of schemas that cannot be used. */
export class InvalidSchemasError extends StreamsError {
  readonly code = 'INVALID_SCHEMAS';
  readonly remedy = 'fix-settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`These schemas cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** The registry answers, but not to us. */
export class RegistryRefusedError extends StreamsError {
  readonly code = 'REGISTRY_REFUSED';
  readonly remedy = 'fix-settings';
  constructor(url: string, why: string) {
    super(
      `The schema registry at ${url} refuses the request: ${why}. ` +
        `Check the address (the Confluent API's root: for Apicurio it ends in /apis/ccompat/v7) and the credentials.`,
    );
  }
}

/** The connection to the registry was closed while somebody was waiting for an answer. */
export class RegistryClosedError extends StreamsError {
  readonly code = 'REGISTRY_CLOSED';
  readonly remedy = 'retry';
  constructor(url: string) {
    super(`The connection to the schema registry at ${url} was closed while an answer was awaited. Connect again to go on.`);
  }
}

/** `serialize` before `open`, or `deserialize` before `prepare`. */
export class SchemaNotReadyError extends StreamsError {
  readonly code = 'SCHEMA_NOT_READY';
  readonly remedy = 'report-bug';
}
