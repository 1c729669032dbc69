// A Temporal worker with this project's defaults: it grabs no signals, speaks only when something is wrong, and stops by finishing what it holds.

import { bundleWorkflowCode, DefaultLogger, NativeConnection, type NativeConnectionOptions, Worker, type WorkerOptions, type WorkflowBundle } from '@temporalio/worker';
import { installRuntime } from './runtime.ts';

/** Which workflows and activities a worker runs, and where Temporal is. */
export interface EscalationWorkerOptions {
  /** `host:port`, or a connection that the caller closes. */
  readonly address?: string;
  readonly connection?: NativeConnection;
  /** With `address`: TLS, API key and the like. */
  readonly connectionOptions?: Omit<NativeConnectionOptions, 'address'>;
  readonly namespace?: string;
  readonly taskQueue: string;
  /** Source file of the workflows (bundled at start, one to three seconds), or a bundle made before with `bundleWorkflows`. */
  readonly workflowsPath?: string;
  readonly workflowBundle?: WorkflowBundle | { readonly codePath: string };
  readonly activities: object;
  readonly identity?: string;
  /** How long a stop waits for running activities before it cancels them. Default 10 s. */
  readonly shutdownGraceMs?: number;
  /** Anything else the SDK knows. */
  readonly workerOptions?: Partial<WorkerOptions>;
  /** One line for what is worth knowing: Temporal away, activities failing, workflow code failing. Default: standard error. */
  readonly onTrouble?: (message: string) => void;
}

/** Runs workflows and activities of one task queue. */
export interface EscalationWorker {
  /** Settles when the worker has stopped; rejects when it stopped by itself, with the reason. */
  readonly done: Promise<void>;
  readonly state: () => string;
  /** Takes no more tasks, finishes those it has, closes its own connection. Idempotent. */
  shutdown(): Promise<void>;
}

/** Workflow code as one script. Bundle once per process (or once per release), not once per worker. */
export async function bundleWorkflows(workflowsPath: string): Promise<WorkflowBundle> {
  installRuntime();
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
}

/** Waits for Temporal to answer, with a message about once a second while it does not. */
export async function createEscalationWorker(options: EscalationWorkerOptions): Promise<EscalationWorker> {
  installRuntime(options.onTrouble);
  const { workflowsPath, workflowBundle } = options;
  if ((workflowsPath === undefined) === (workflowBundle === undefined)) {
    throw new Error('createEscalationWorker needs one of workflowsPath and workflowBundle: it cannot run workflows without their code.');
  }
  const bundle = workflowBundle ?? (await bundleWorkflows(workflowsPath as string));
  const connection = options.connection ?? (await connectPatiently(options));
  const worker = await Worker.create({
    connection,
    namespace: options.namespace ?? 'default',
    taskQueue: options.taskQueue,
    workflowBundle: bundle,
    activities: options.activities,
    shutdownGraceTime: options.shutdownGraceMs ?? 10_000,
    // A worker whose activities hang must still come to an end; Temporal gives their tasks to another worker.
    shutdownForceTime: (options.shutdownGraceMs ?? 10_000) + 5_000,
    ...(options.identity === undefined ? {} : { identity: options.identity }),
    ...options.workerOptions,
  });
  const done = worker.run().finally(async () => {
    if (options.connection === undefined) await connection.close();
  });
  done.catch(() => undefined); // The caller may look at it only at shutdown.
  return {
    done,
    state: () => worker.getState(),
    async shutdown() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    },
  };
}

async function connectPatiently(options: EscalationWorkerOptions): Promise<NativeConnection> {
  const address = options.address ?? 'localhost:7233';
  for (;;) {
    try {
      return await NativeConnection.connect({ ...options.connectionOptions, address });
    } catch (error) {
      const { message } = error as Error;
      if (/permission|unauthenticated|certificate/i.test(message)) throw error;
      options.onTrouble?.(`Waiting for Temporal at ${address}: ${message}`);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}
