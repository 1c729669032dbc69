// Temporal as a local process: the development server of its CLI, with a file database and the web UI.
import { join } from 'node:path';
import type { StackPart } from './part.ts';
import { temporalCli, temporalPrerequisites } from './temporal-cli.ts';

export const temporalPart: StackPart = {
  title: 'Temporal',
  prerequisites: temporalPrerequisites,
  plan: async ({ dataDir, ports, namespace, ...options }) => {
    const cli = await temporalCli(options);
    // One folder per server version: the schema is made only when the file is absent, and never migrated.
    const folder = join(dataDir, `temporal-${cli.serverVersion}`);
    const address = `127.0.0.1:${ports.temporal}`;
    return {
      addresses: { temporalAddress: address, temporalNamespace: namespace, temporalUiUrl: `http://127.0.0.1:${ports.temporalUi}` },
      spec: {
        title: 'Temporal',
        folder,
        executable: cli.path,
        args: [
          'server', 'start-dev',
          '--ip', '127.0.0.1',
          '--port', String(ports.temporal),
          '--ui-port', String(ports.temporalUi),
          '--http-port', String(ports.temporalHttp),
          '--metrics-port', String(ports.temporalMetrics),
          '--namespace', namespace,
          '--db-filename', join(folder, 'data', 'temporal.db'),
          // A durable file at the speed of a log: a crash of the process loses nothing.
          '--sqlite-pragma', 'journal_mode=WAL',
          '--sqlite-pragma', 'synchronous=NORMAL',
          '--log-level', 'warn',
        ],
        env: options.env,
        probe: () => probeTemporal(address, namespace),
      },
    };
  },
};

async function probeTemporal(address: string, namespace: string): Promise<void> {
  // Loaded here only: the client takes a third of a second to load, and most commands never start a server.
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.describeNamespace({ namespace }));
  } finally {
    await connection.close();
  }
}
