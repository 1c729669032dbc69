// The schema registry as a local process: Apicurio, through its Confluent-compatible API, with a file database.
import { join } from 'node:path';
import { isCached } from './cache.mjs';
import { fetchArchive } from './maven.ts';
import type { StackPart } from './part.ts';
import { java, javaExecutable, maven, WITH_DOCKER } from './prerequisites.ts';

const VERSION = '3.0.9';
const ENTRY = `apicurio-registry-${VERSION}`;
const INSTEAD = ['or set SCHEMA_REGISTRY_URL to a registry with the Confluent API, such as SCHEMA_REGISTRY_URL=http://localhost:8081', WITH_DOCKER];

export const registryPart: StackPart = {
  title: 'Schema registry',
  prerequisites: async (env) => {
    const because = 'because SCHEMA_REGISTRY_URL names none to use';
    return [
      java(`to run a schema registry on this computer, ${because}`, INSTEAD, env),
      ...(isCached(ENTRY, env) ? [] : [maven(`to download the schema registry (109 MB, once), ${because}`, INSTEAD, env)]),
    ];
  },
  plan: async ({ dataDir, ports, ...options }) => {
    const home = await fetchArchive(ENTRY, 'Schema registry', `io.apicurio:apicurio-registry-app:${VERSION}`, 'all', options);
    const folder = join(dataDir, 'registry');
    const url = `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`;
    return {
      addresses: { schemaRegistryUrl: url },
      spec: {
        title: 'Schema registry',
        folder,
        executable: javaExecutable(options.env),
        args: [
          '-Xmx256m', '-XX:TieredStopAtLevel=1', // it serves a few requests: compiling it well would take longer than running it
          ...Object.entries(properties(folder, ports.registry)).map(([name, value]) => `-D${name}=${value}`),
          '-jar', join(home, `apicurio-registry-app-${VERSION}-runner.jar`),
        ],
        env: options.env,
        probe: () => probeRegistry(url),
      },
    };
  },
};

function properties(folder: string, port: number): Record<string, string | number | boolean> {
  return {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': port,
    // On file, since records in Kafka carry ids of it. WRITE_DELAY=0: an id that was handed out survives a kill -9.
    'apicurio.datasource.url': `jdbc:h2:file:${join(folder, 'data', 'registry')};WRITE_DELAY=0`,
    'apicurio.datasource.jdbc.initial-size': 2,
    'apicurio.datasource.jdbc.min-size': 2,
    'apicurio.datasource.jdbc.max-size': 10,
    'quarkus.http.access-log.enabled': false,
  };
}

/** Answers, and refuses schemas that could not read what is already written: Apicurio's own default is to accept anything. */
async function probeRegistry(url: string): Promise<void> {
  const response = await fetch(`${url}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`it answered ${response.status} ${await response.text()}`);
}
