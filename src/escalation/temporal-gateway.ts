// The four calls that the bridge makes, each with a deadline: the client has none of its own, and its built-in retries would hold a lane for half a minute.

import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { type Command, COMMAND_SIGNAL, LAST_SEQ_MEMO, type WorkflowStart } from './protocol.ts';

/** How workflows of a type are started. */
export interface EscalatedWorkflow {
  readonly taskQueue: string;
  /** Passed to the workflow at its start; see `WorkflowStart`. */
  readonly historyEventsMax?: number;
}

export type WorkflowSight =
  | { readonly state: 'running' }
  /** `lastSeq`: the highest command it read before it returned; undefined when it ended otherwise (failed, terminated). */
  | { readonly state: 'closed'; readonly lastSeq: number | undefined }
  | { readonly state: 'unknown' };

/** All reject with what the client throws; `troubleOf` says what it means. */
export interface TemporalGateway {
  signalWithStart(command: Command, workflow: EscalatedWorkflow): Promise<void>;
  /** Never starts anything. */
  signal(command: Command): Promise<void>;
  cancel(workflowId: string): Promise<void>;
  describe(workflowId: string): Promise<WorkflowSight>;
  close(): Promise<void>;
}

/** Where Temporal is: `host:port`, and the namespace (default `default`). */
export interface TemporalAddress {
  readonly address: string;
  readonly namespace?: string;
  readonly connectionOptions?: Omit<ConnectionOptions, 'address' | 'interceptors'>;
}

export function temporalGateway(at: TemporalAddress | { readonly client: Client }, callTimeoutMs: number): TemporalGateway {
  const own = 'client' in at ? undefined : connect(at);
  const client = 'client' in at ? at.client : own!.client;
  const within = <T>(call: () => Promise<T>) => client.withDeadline(Date.now() + callTimeoutMs, call);

  return {
    async signalWithStart(command, { taskQueue, historyEventsMax }) {
      const start: WorkflowStart = { v: 1, key: command.key, replyTo: command.replyTo, ...(historyEventsMax === undefined ? {} : { historyEventsMax }) };
      await within(() =>
        client.workflow.signalWithStart(command.workflowType, {
          workflowId: command.workflowId,
          taskQueue,
          args: [start],
          signal: COMMAND_SIGNAL,
          signalArgs: [command],
          // The only combination that signals a running workflow, starts a missing one and never restarts a finished one. A conflict policy must not
          // be given: the default for this call is to use the running one.
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        }),
      );
    },
    async signal(command) {
      await within(() => client.workflow.getHandle(command.workflowId).signal(COMMAND_SIGNAL, command));
    },
    async cancel(workflowId) {
      await within(() => client.workflow.getHandle(workflowId).cancel());
    },
    async describe(workflowId) {
      const description = await within(() => client.workflow.getHandle(workflowId).describe());
      if (description.status.name === 'RUNNING' || description.status.name === 'CONTINUED_AS_NEW') return { state: 'running' };
      const lastSeq = description.memo?.[LAST_SEQ_MEMO];
      return { state: 'closed', lastSeq: typeof lastSeq === 'number' ? lastSeq : undefined };
    },
    async close() {
      await own?.connection.close();
    },
  };
}

function connect({ address, namespace, connectionOptions }: TemporalAddress): { client: Client; connection: Connection } {
  // Lazy: a server that is away is waited for by the calls, with a message. No interceptors: no retries but the bridge's own.
  const connection = Connection.lazy({ ...connectionOptions, address, interceptors: [] });
  return { connection, client: new Client({ connection, namespace: namespace ?? 'default' }) };
}
