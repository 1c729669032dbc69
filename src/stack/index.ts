// The servers a stream program runs on, brought up on this computer where nobody gave their addresses.
export { ensureStack, type Stack, type StackOptions } from './ensure-stack.ts';
export { connectToStack } from './connect.ts';
export { addressesFrom, environmentOf, shellExports, type Addresses } from './addresses.ts';
export { findRunningStack, type RunningStack } from './running-stack.ts';
export * from './errors.ts';
export { ensureTemporalTestServer } from './temporal-test-server.ts';
export { ensureKafkaStreams } from './kafka-streams.ts';
export { temporalCli, temporalCliPath } from './temporal-cli.ts';
export { cloneDataDir, cloneRoot } from './clone.ts';
export { newTestDataDir } from './test-data.ts';
export { kafkaHome } from './kafka-server.ts';
export type { PartName } from './part.ts';
