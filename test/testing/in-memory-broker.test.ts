import { InMemoryCluster } from 'millrace/testing';
import { brokerContract } from '../contract/broker-contract.ts';

brokerContract('The broker in memory', async () => {
  const cluster = new InMemoryCluster();
  return { broker: () => cluster.connect(), close: async () => {} };
});
