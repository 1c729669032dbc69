// Temporal as the bridge sees it: workflows that run or have ended, and errors on demand. It checks the one thing it must never see: a command that
// overtakes an earlier one of its workflow. Not modelled: time, workers, continue-as-new.

import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { Command } from '../../src/escalation/protocol.ts';
import type { TemporalGateway, WorkflowSight } from '../../src/escalation/temporal-gateway.ts';

export function grpcError(code: number, details: string, exhausted?: number): Error {
  const status =
    exhausted === undefined
      ? undefined
      : Buffer.from(
          proto.google.rpc.Status.encode({
            code,
            message: details,
            details: [
              {
                type_url: 'type.googleapis.com/temporal.api.errordetails.v1.ResourceExhaustedFailure',
                value: proto.temporal.api.errordetails.v1.ResourceExhaustedFailure.encode({ cause: exhausted }).finish(),
              },
            ],
          }).finish(),
        );
  const grpc = Object.assign(new Error(`${code}: ${details}`), {
    code,
    details,
    metadata: { get: (name: string) => (name === 'grpc-status-details-bin' && status !== undefined ? [status] : []) },
  });
  return new Error('Failed to signalWithStart Workflow', { cause: grpc });
}

export const unavailable = () => grpcError(14, 'connect ECONNREFUSED 127.0.0.1:7233');
export const busyWorkflow = () => grpcError(8, 'workflow is busy', proto.temporal.api.enums.v1.ResourceExhaustedCause.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW);
export const rateLimited = () => grpcError(8, 'namespace rate limit exceeded', proto.temporal.api.enums.v1.ResourceExhaustedCause.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT);
export const denied = () => grpcError(7, 'Request unauthorized.');
export const invalid = () => grpcError(3, 'Blob data size exceeds limit.');
export const noNamespace = () => new NamespaceNotFoundError('nowhere');

export type Fate = 'ok' | 'applied-but-lost' | (() => Error);

interface FakeWorkflow {
  state: 'running' | 'closed';
  lastSeq: number;
  readonly applied: Command[];
}

export class FakeTemporal implements TemporalGateway {
  readonly workflows = new Map<string, FakeWorkflow>();
  readonly cancelled: string[] = [];
  calls = 0;
  inFlight = 0;
  maxInFlight = 0;
  starts = 0;
  /** Fate of each call in turn; `ok` when it runs out. */
  fates: Iterator<Fate> = [][Symbol.iterator]();
  latencyMs: () => number = () => 0;

  close(): Promise<void> {
    return Promise.resolve();
  }

  end(workflowId: string, lastSeq?: number): void {
    const workflow = this.#open(workflowId);
    workflow.state = 'closed';
    if (lastSeq !== undefined) workflow.lastSeq = lastSeq;
  }

  applied(workflowId: string): number[] {
    return (this.workflows.get(workflowId)?.applied ?? []).map(({ seq }) => seq);
  }

  signalWithStart(command: Command): Promise<void> {
    return this.#call(() => {
      if (this.workflows.get(command.workflowId)?.state === 'closed') {
        throw new WorkflowExecutionAlreadyStartedError('already', command.workflowId, command.workflowType);
      }
      if (!this.workflows.has(command.workflowId)) this.starts++;
      this.#take(command);
    });
  }

  signal(command: Command): Promise<void> {
    return this.#call(() => {
      if (this.workflows.get(command.workflowId)?.state !== 'running') throw new WorkflowNotFoundError('not found', command.workflowId, undefined);
      this.#take(command);
    });
  }

  cancel(workflowId: string): Promise<void> {
    return this.#call(() => {
      if (this.workflows.get(workflowId)?.state !== 'running') throw new WorkflowNotFoundError('not found', workflowId, undefined);
      this.cancelled.push(workflowId);
    });
  }

  describe(workflowId: string): Promise<WorkflowSight> {
    return this.#call((): WorkflowSight => {
      const workflow = this.workflows.get(workflowId);
      if (workflow === undefined) throw new WorkflowNotFoundError('not found', workflowId, undefined);
      return workflow.state === 'running' ? { state: 'running' } : { state: 'closed', lastSeq: workflow.lastSeq };
    });
  }

  #open(workflowId: string): FakeWorkflow {
    const workflow = this.workflows.get(workflowId) ?? { state: 'running', lastSeq: 0, applied: [] };
    this.workflows.set(workflowId, workflow);
    return workflow;
  }

  /** What the mailbox does: at or below the highest is a repetition; a gap would be a command lost on the way. */
  #take(command: Command): void {
    const workflow = this.#open(command.workflowId);
    if (command.seq <= workflow.lastSeq) return;
    workflow.lastSeq = command.seq;
    workflow.applied.push(command);
  }

  async #call<T>(act: () => T): Promise<T> {
    this.calls++;
    this.inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    try {
      const next = this.fates.next();
      const fate = next.done === true ? 'ok' : next.value;
      await new Promise((resolve) => setTimeout(resolve, this.latencyMs()));
      if (typeof fate === 'function') throw fate();
      const result = act();
      if (fate === 'applied-but-lost') throw unavailable();
      return result;
    } finally {
      this.inFlight--;
    }
  }
}
