// WHO runs it and WHEN.

export { resolveSettings, SettingsError, type ErrorDecision, type ErrorHandler, type FailedRecord, type StreamsSettings } from './settings.ts';
export { TaskFailedError, TaskStateLostError, BrokerRefusedError } from './errors.ts';
export { PartitionsChangedError } from './partitions-changed.ts';
export { UnknownTopicError } from './output-topics.ts';
export { RecordTooLargeError } from './record-limits.ts';
export type { Logger, LogLevel } from './logger.ts';
export { KafkaStreams, type StreamsComponents } from './kafka-streams.ts';
export type { StreamsState } from './streams-state.ts';
export type { CommitStage } from './committer.ts';
