// The addresses of the three servers, as the environment names them. One place knows the variables' names and what "not given" means.

export interface Addresses {
  readonly kafkaBrokers?: string;
  readonly temporalAddress?: string;
  readonly temporalNamespace?: string;
  readonly schemaRegistryUrl?: string;
}

/** An empty variable counts as not given: that is how people switch one off for a single command. */
export function addressesFrom(env: NodeJS.ProcessEnv): Addresses {
  return {
    ...(env['KAFKA_BROKERS'] ? { kafkaBrokers: env['KAFKA_BROKERS'] } : {}),
    ...(env['TEMPORAL_ADDRESS'] ? { temporalAddress: env['TEMPORAL_ADDRESS'] } : {}),
    ...(env['TEMPORAL_NAMESPACE'] ? { temporalNamespace: env['TEMPORAL_NAMESPACE'] } : {}),
    ...(env['SCHEMA_REGISTRY_URL'] ? { schemaRegistryUrl: env['SCHEMA_REGISTRY_URL'] } : {}),
  };
}

/** What a child process needs in its environment to use the same servers. */
export function environmentOf(addresses: Addresses): Record<string, string> {
  return {
    ...(addresses.kafkaBrokers ? { KAFKA_BROKERS: addresses.kafkaBrokers } : {}),
    ...(addresses.temporalAddress ? { TEMPORAL_ADDRESS: addresses.temporalAddress } : {}),
    ...(addresses.temporalNamespace ? { TEMPORAL_NAMESPACE: addresses.temporalNamespace } : {}),
    ...(addresses.schemaRegistryUrl ? { SCHEMA_REGISTRY_URL: addresses.schemaRegistryUrl } : {}),
  };
}

/** Lines to paste into another terminal. */
export function shellExports(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`);
}
