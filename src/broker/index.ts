// Kafka behind the broker port. The only place that knows kafkajs.

export { connectKafka } from './kafka-broker.ts';
export { kafkaSettingsFromEnv, KafkaSettingsError, type KafkaSettings } from './settings.ts';
