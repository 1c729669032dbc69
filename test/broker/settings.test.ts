import { describe, expect, it } from 'vitest';
import { connectKafka, kafkaSettingsFromEnv, KafkaSettingsError } from '../../src/broker/index.ts';

function problems(env: Record<string, string>): readonly string[] {
  try {
    kafkaSettingsFromEnv(env);
  } catch (error) {
    if (error instanceof KafkaSettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('kafka settings from the environment', () => {
  it('take brokers, TLS and a login', () => {
    expect(kafkaSettingsFromEnv({ KAFKA_BROKERS: 'a:9092, b:9093' })).toEqual({ brokers: ['a:9092', 'b:9093'] });
    expect(
      kafkaSettingsFromEnv({
        KAFKA_BROKERS: '[::1]:9092',
        KAFKA_SSL: 'true',
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
        KAFKA_SASL_USERNAME: 'u',
        KAFKA_SASL_PASSWORD: 'p',
      }),
    ).toEqual({ brokers: ['[::1]:9092'], ssl: true, sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' } });
  });

  it('report every problem at once, each with what to do', () => {
    const found = problems({ KAFKA_BROKERS: 'http://a:9092,b', KAFKA_SSL: 'maybe', KAFKA_SASL_MECHANISM: 'kerberos' });
    expect(found).toHaveLength(6);
    expect(found.join('\n')).toMatch(/http:\/\/a:9092[\s\S]*"b"[\s\S]*KAFKA_SSL[\s\S]*kerberos[\s\S]*KAFKA_SASL_USERNAME[\s\S]*KAFKA_SASL_PASSWORD/);
  });

  it('ask for brokers, and for the mechanism of a login', () => {
    expect(problems({})).toEqual([expect.stringContaining('KAFKA_BROKERS is not set')]);
    expect(problems({ KAFKA_BROKERS: 'a:1', KAFKA_SASL_USERNAME: 'u' })).toEqual([expect.stringContaining('KAFKA_SASL_MECHANISM is not')]);
  });

  it('are checked again where they are used', () => {
    expect(() => connectKafka({ brokers: ['nowhere'] })).toThrow(KafkaSettingsError);
    expect(() => connectKafka({ brokers: [] })).toThrow(/brokers is empty/);
  });
});
