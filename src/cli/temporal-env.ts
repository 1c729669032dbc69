// How to reach Temporal, from the usual variables.

export interface TemporalEnv {
  readonly address: string;
  readonly namespace: string;
  readonly connectionOptions: { readonly tls?: boolean; readonly apiKey?: string };
}

/** TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS, TEMPORAL_API_KEY (an API key implies TLS). */
export function temporalFrom(env: Readonly<Record<string, string | undefined>>): TemporalEnv {
  const apiKey = env['TEMPORAL_API_KEY'];
  const tls = env['TEMPORAL_TLS'] === 'true' || apiKey !== undefined;
  return {
    address: env['TEMPORAL_ADDRESS'] ?? 'localhost:7233',
    namespace: env['TEMPORAL_NAMESPACE'] ?? 'default',
    connectionOptions: { ...(tls ? { tls: true } : {}), ...(apiKey === undefined ? {} : { apiKey }) },
  };
}
