// `millrace/schemas`: looking after Avro schemas as they change. Folders of them, what may change under which compatibility, the registry's versions, types.

export { schemaChanges, type SchemaChange } from './changes.ts';
export { connectRegistryHistory, type RegistryHistory } from './registry-history.ts';
export { registerReviewed, reviewSchemas, type Registered, type SchemaReview } from './review.ts';
export { readSchemaFolder, type LocalSchema } from './schema-folder.ts';
export { typescriptOf } from './typescript.ts';
export { conflicts, conflictText, LEVELS, type Conflict, type SchemaVersion } from './verdict.ts';
