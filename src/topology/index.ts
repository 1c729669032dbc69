// WHAT is computed.

export { StreamsBuilder } from './builder.ts';
export type { Consumed } from './graph-builder.ts';
export { KStream, type Produced, type Repartitioned, type Split } from './stream.ts';
export type { ProcessOptions } from './operators/process.ts';
export type { Branches, Predicate } from './operators/split.ts';
export { KGroupedStream, type AggregateOptions } from './grouped.ts';
export { KGroupedTable, type TableAggregateOptions } from './grouped-table.ts';
export { CogroupedKStream, type CogroupOptions } from './cogrouped.ts';
export type { Materialized, MaterializedAs, MaterializedRows } from './materialized.ts';
export type { TableOptions } from './table-of-records.ts';
export { KTable } from './table.ts';
export type { ForeignKeyJoinOptions } from './foreign-key-join.ts';
export { Topology } from './topology.ts';
export type { Window, Windowed } from './windowed.ts';
export { describe } from './describe.ts';
export { describeJson, type GlobalTableJson, type NodeJson, type StoreJson, type SubtopologyJson, type TopicJson, type TopologyJson } from './describe-json.ts';
export { describeMermaid } from './describe-mermaid.ts';
export { diffTopologies, type ChangeVerdict, type TopologyChange, type TopologyDiff } from './topology-diff.ts';
export { fingerprint, type Fingerprint, type StoreFingerprint, type TaskFingerprint, type TopicFingerprint } from './fingerprint.ts';
export { TopologyError, InvalidWindowError } from './errors.ts';
export type { DedupeOptions } from './operators/dedupe.ts';
export type { EscalateOptions } from './operators/escalate.ts';
export type { JoinWindow, StreamJoinOptions } from './operators/stream-join.ts';
export type { CommandRejected, EscalationOutcome, WorkflowSpoke } from './escalation-outcome.ts';
export type { TimestampExtractor } from './node.ts';
export * from './processor.ts';
export * from './store-spec.ts';
