import { connectKafka, kafkaSettingsFromEnv } from '../../src/broker/index.ts';
import { brokerContract } from '../contract/broker-contract.ts';

const settings = kafkaSettingsFromEnv(process.env);

brokerContract('kafka', async () => ({
  broker: () => connectKafka(settings),
  close: async () => {},
}));
