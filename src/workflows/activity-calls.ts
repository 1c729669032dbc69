// How workflows call the world: one set of timeouts and retries for every activity, and the arguments that the kit adds.

import { type ActivityInterfaceFor, ActivityFailure, type ActivityOptions, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Json, ReplyTo, WorkflowOutcome } from '../escalation/protocol.ts';
import type { StepResult } from './saga.ts';

/** Argument of the activity `publishOutcomes`, which every worker of escalated workflows offers. */
export interface PublishOutcomes {
  readonly replyTo: ReplyTo;
  readonly key: string;
  readonly outcomes: readonly WorkflowOutcome[];
}

/** Name of that activity. */
export const PUBLISH_OUTCOMES = 'publishOutcomes';

/**
 * Unlimited attempts: an outage is waited out, however long. What can never succeed says so with a non-retryable ApplicationFailure.
 * WAIT_CANCELLATION_COMPLETED, because a compensation must not race the step that it undoes; the SDK's effective default would let it.
 */
export const ACTIVITY_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 30_000,
  retry: { initialInterval: 1_000, backoffCoefficient: 2, maximumInterval: 30_000 },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

type AnyActivities = ActivityInterfaceFor<Record<string, (args: object) => Promise<Json>>>;

const activities = proxyActivities<AnyActivities>(ACTIVITY_OPTIONS);

/** Rejects with what the SDK throws: a cancellation, or a failure that retrying cannot cure. */
export function callActivity(name: string, args: object): Promise<Json> {
  const call = activities[name];
  if (call === undefined) throw ApplicationFailure.nonRetryable(`No activity named ${name}`, 'NoSuchActivity');
  return call(args);
}

export function refusal(error: unknown): StepResult & { ok: false } {
  if (!(error instanceof ActivityFailure)) throw error;
  const cause = error.cause;
  if (cause instanceof ApplicationFailure) return { ok: false, type: cause.type ?? 'Error', message: cause.message };
  return { ok: false, type: cause?.name ?? 'Error', message: cause?.message ?? error.message };
}
