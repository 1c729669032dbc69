import { connectKafka, kafkaSettingsFromEnv } from '../../src/broker/index.ts';
import { brokerContract } from '../contract/broker-contract.ts';

const settings = kafkaSettingsFromEnv(process.env);

brokerContract('Kafka, with the transactions it offers,', async () => ({
  broker: () => connectKafka(settings),
  close: async () => {},
}));

brokerContract('Kafka, with the older transaction protocol,', async () => ({
  broker: () => connectKafka({ ...settings, transactionVersionMax: 1 }),
  close: async () => {},
}));
