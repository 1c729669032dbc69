// Published for users' tests: `millrace/testing`.

export { TopologyTestDriver, type TestDriverOptions, type TestInputTopic, type TestOutputTopic, type TestRecord } from './topology-test-driver.ts';
export { InMemoryCluster } from './in-memory-broker.ts';
export { MemoryStateDirectory } from '../state/memory/memory-state-directory.ts';
export { FaultyBroker, LateCommits, type BrokerCall, type BrokerFault, type FaultPlan } from './faulty-broker.ts';
export { FaultyStateDirectory, type WritePlan } from './faulty-state-directory.ts';
export { Lifeline } from './lifeline.ts';
