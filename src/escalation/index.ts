// `millrace/bridge`: commands from Kafka to Temporal. Needs @temporalio/client only.

export { type Bridge, type BridgeMetrics, type BridgeOptions, startBridge } from './bridge.ts';
export { decodeCommand, encodeCommand, encodeOutcome, UnreadableCommandError } from './codec.ts';
export { deadLetterTopic, type DeadLetterCode } from './dead-letter.ts';
export { TemporalRefusedError } from './delivery.ts';
export type { EscalatedWorkflow, TemporalAddress } from './temporal-gateway.ts';
export * from './protocol.ts';
