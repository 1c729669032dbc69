// What crosses the boundary between topology and workflows: commands out, outcomes back. JSON on internal topics, so that any Kafka tool can read them;
// `v` says which shape. Readers accept v and v−1. Pure types and parsing: used by topology, bridge and workflows alike.

/** What JSON can hold, and so what crosses between topology and workflow. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Where the outcome must go: the partition of the task that sent the command, whatever partitioner its input had. */
export interface ReplyTo {
  readonly topic: string;
  readonly partition: number;
}

/** One record of `<app>-<name>-commands`; its key is the workflow id. */
export interface Command {
  readonly v: 1;
  readonly workflowType: string;
  /** `<type>/<business key>` or, where the application says so, the business key itself. */
  readonly workflowId: string;
  /** `signal`: signalWithStart. `cancel`: request cancellation; nothing happens to a finished workflow. */
  readonly op: 'signal' | 'cancel';
  /** What the workflow is told, in the application's words: `place`, `pay`. */
  readonly kind: string;
  /** Counts from 1 per workflow id, kept in the topology's store: as exactly-once as the topology. */
  readonly seq: number;
  /** The key of the outcome records: the business key. */
  readonly key: string;
  readonly payload: Json;
  readonly replyTo: ReplyTo;
  /** Diagnostics: which input record asked for this. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number };
  /** Event time of that record, epoch ms. */
  readonly at: number;
  /**
   * Epoch ms. After it the bridge starts nothing any more: beyond namespace retention a repeat would start a finished workflow anew. A workflow that is
   * still running gets the command even then; if none is known, the answer is `stale`.
   */
  readonly notAfter: number;
}

/** What the bridge starts a workflow with, and all of it: the rest comes by signal. */
export interface WorkflowStart {
  readonly v: 1;
  /** Business key: the key of outcome records. */
  readonly key: string;
  readonly replyTo: ReplyTo;
  /** Continue as new when a run's history has this many events. Default 2000; tests shrink it. */
  readonly historyEventsMax?: number;
}

/** One record of `<app>-<name>-outcomes`; its key is the command's `key`. */
export type Outcome = WorkflowOutcome | RejectedOutcome;

/** What a workflow published, as it stands in the outcome topic. */
export interface WorkflowOutcome {
  readonly v: 1;
  readonly origin: 'workflow';
  readonly workflowId: string;
  /** Counts from 1 per workflow id in workflow state; the topology drops what it has seen. */
  readonly outSeq: number;
  readonly kind: string;
  readonly payload: Json;
  /** Workflow time, epoch ms. */
  readonly at: number;
}

/**
 * Why no running workflow will see a command. `closed`: its workflow has finished. `stale`: it came past its `notAfter`, and no workflow is there.
 * `refused`: it can never be delivered (its workflow type is unknown to the bridge, its workflow id or payload is more than Temporal takes).
 */
export type RejectionReason = 'closed' | 'stale' | 'refused';

/** The bridge's answer to a command that no running workflow will ever see. */
export interface RejectedOutcome {
  readonly v: 1;
  readonly origin: 'bridge';
  readonly workflowId: string;
  readonly reason: RejectionReason;
  /** The command, whole: the topology decides what its loss means (a late payment must be refunded). */
  readonly command: Command;
  readonly at: number;
}

/** The one signal of every escalated workflow: the TypeScript SDK keeps server order only within one signal name. */
export const COMMAND_SIGNAL = 'command';

/** Memo field written just before a workflow returns: the highest command seq it has applied, so that a redelivered command is not mistaken for a late one. */
export const LAST_SEQ_MEMO = 'millraceLastSeq';

/** The topic of an escalation's commands: `<applicationId>-<name>-commands`. */
export function commandsTopic(applicationId: string, name: string): string {
  return `${applicationId}-${name}-commands`;
}

/** The topic of an escalation's outcomes: `<applicationId>-<name>-outcomes`. */
export function outcomesTopic(applicationId: string, name: string): string {
  return `${applicationId}-${name}-outcomes`;
}
