// Published for users' tests: `millrace/testing`.

export { TopologyTestDriver, type TestDriverOptions, type TestInputTopic, type TestOutputTopic } from './topology-test-driver.ts';
export { InMemoryCluster } from './in-memory-broker.ts';
export { MemoryStateDirectory } from '../state/memory/memory-state-directory.ts';
