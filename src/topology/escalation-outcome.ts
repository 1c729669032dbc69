// What comes back from an escalation, as records of the topology.

import type { Command, RejectionReason } from '../escalation/protocol.ts';

/** What became of an escalation: its workflow published something, or a command was rejected; `origin` tells which. */
export type EscalationOutcome<P> = WorkflowSpoke<P> | CommandRejected;

/** The workflow published this; each exactly once, in the order of the workflow's own counter. */
export interface WorkflowSpoke<P> {
  readonly origin: 'workflow';
  readonly workflowId: string;
  readonly kind: string;
  readonly payload: P;
  readonly outSeq: number;
  /** Workflow time, epoch ms. */
  readonly at: number;
}

/** No workflow will ever see this command; `reason` says why. */
export interface CommandRejected {
  readonly origin: 'bridge';
  readonly workflowId: string;
  readonly reason: RejectionReason;
  readonly command: Command;
  /** True when the workflow has published something before: it did run. */
  readonly isHeardOf: boolean;
  readonly at: number;
}
