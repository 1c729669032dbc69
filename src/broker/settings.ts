// How to reach Kafka: plain values, from code or from the environment. Every problem is reported at once.

import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import { StreamsError } from '../record/errors.ts';

/**
 * How to reach Kafka.
 * @example connectKafka({ brokers: ['localhost:9092'] })
 */
export interface KafkaSettings {
  /** `host:port` of some brokers; the rest of the cluster is found from them. */
  readonly brokers: readonly string[];
  /** Shown in the brokers' logs and quotas. Default `millrace`. */
  readonly clientId?: string;
  /** `true` = TLS with the system's authorities. Default: plain text. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** Gets a line for each trouble that is being waited out. Default: silent. */
  readonly logger?: (line: string) => void;
  /** 1 = keep to the older transaction protocol even where the cluster offers KIP-890. Default: what the cluster has finalized. */
  readonly transactionVersionMax?: 1 | 2;
  /** Where to connect for an advertised address: for tunnels and port forwards. */
  readonly route?: (address: { readonly host: string; readonly port: number }) => { readonly host: string; readonly port: number };
}

/** Settings with which Kafka cannot be reached: `problems` lists all of them. */
export class KafkaSettingsError extends StreamsError {
  readonly code = 'INVALID_KAFKA_SETTINGS';
  readonly remedy = 'fix-settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Kafka cannot be reached with these settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
type Mechanism = (typeof MECHANISMS)[number];

/** Reads KAFKA_BROKERS, KAFKA_SSL, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD. @throws {KafkaSettingsError} */
export function kafkaSettingsFromEnv(env: Readonly<Record<string, string | undefined>>): KafkaSettings {
  const problems: string[] = [];
  const brokers = (env.KAFKA_BROKERS ?? '').split(',').map((broker) => broker.trim()).filter((broker) => broker !== '');
  if (brokers.length === 0) problems.push('KAFKA_BROKERS is not set. Give at least one broker as host:port, for example KAFKA_BROKERS=localhost:9092.');
  problems.push(...brokerProblems(brokers, 'KAFKA_BROKERS'));

  const ssl = parseSwitch(env.KAFKA_SSL);
  if (ssl === undefined) problems.push(`KAFKA_SSL is "${env.KAFKA_SSL}". Use true or false, or leave it out for plain text.`);

  const sasl = parseSasl(env, problems);
  if (problems.length > 0) throw new KafkaSettingsError(problems);
  return { brokers, ...(ssl === true ? { ssl: true } : {}), ...(sasl === undefined ? {} : { sasl }) };
}

/** @throws {KafkaSettingsError} */
export function checkSettings(settings: KafkaSettings): void {
  const problems = brokerProblems(settings.brokers, 'brokers');
  if (settings.brokers.length === 0) problems.push('brokers is empty. Give at least one broker as host:port.');
  if (problems.length > 0) throw new KafkaSettingsError(problems);
}

export function parseAddress(broker: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/]+)):(\d{1,5})$/.exec(broker);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port >= 1 && port <= 65_535 ? { host: match[1] ?? match[2]!, port } : undefined;
}

function brokerProblems(brokers: readonly string[], name: string): string[] {
  return brokers
    .filter((broker) => parseAddress(broker) === undefined)
    .map((broker) => `${name} contains "${broker}", which is not host:port. Write it like kafka-1.example.com:9092, without a scheme.`);
}

function parseSwitch(value: string | undefined): boolean | undefined {
  switch ((value ?? '').trim().toLowerCase()) {
    case 'true':
    case '1':
    case 'yes':
      return true;
    case '':
    case 'false':
    case '0':
    case 'no':
      return false;
    default:
      return undefined;
  }
}

function parseSasl(env: Readonly<Record<string, string | undefined>>, problems: string[]): SASLOptions | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env;
  if (!mechanism) {
    if (username || password) {
      problems.push(`KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is set, but KAFKA_SASL_MECHANISM is not. Set it to one of ${MECHANISMS.join(', ')}, or remove them.`);
    }
    return undefined;
  }
  const known = MECHANISMS.find((candidate): candidate is Mechanism => candidate === mechanism.toLowerCase());
  if (known === undefined) problems.push(`KAFKA_SASL_MECHANISM is "${mechanism}". Use one of ${MECHANISMS.join(', ')}.`);
  if (!username) problems.push('KAFKA_SASL_USERNAME is not set, but KAFKA_SASL_MECHANISM is. Set the user name.');
  if (!password) problems.push('KAFKA_SASL_PASSWORD is not set, but KAFKA_SASL_MECHANISM is. Set the password.');
  if (known === undefined || !username || !password) return undefined;
  return { mechanism: known, username, password } as SASLOptions;
}
