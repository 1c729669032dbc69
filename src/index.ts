// The package: what an application imports from `millrace`. Test tools are under `millrace/testing`, Temporal's side under `millrace/bridge`,
// `millrace/workflow` and `millrace/worker`.

export * from './record/record.ts';
export * from './record/serde.ts';
export * from './record/errors.ts';
export * from './ports/broker.ts';
export type { StateDirectory } from './ports/state-directory.ts';
export * from './escalation/protocol.ts';
export * from './topology/index.ts';
export { murmur2, partitionFor } from './topology/partitioner.ts';
export * from './runtime/index.ts';
export * from './serdes/index.ts';
export * from './broker/index.ts';
export { openStateDirectory } from './state/level/level-state-directory.ts';
export { CorruptStateError, EntryTooLargeError, StateDirectoryBusyError, StateDirectoryError } from './state/errors.ts';
export { onKafka } from './components.ts';
