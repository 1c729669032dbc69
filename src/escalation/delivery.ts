// One command, until Temporal has it or it is known that it never will. The loop never skips: an outage is waited out, with the same command and seq, since
// a repeated command is dropped by the mailbox and a skipped one is gone.

import type { Command, RejectionReason } from './protocol.ts';
import type { InFlightLimit } from './in-flight-limit.ts';
import { type TemporalTrouble, troubleOf } from './temporal-errors.ts';
import type { EscalatedWorkflow, TemporalGateway, WorkflowSight } from './temporal-gateway.ts';

export type Delivery =
  | { readonly result: 'delivered' | 'cancelled' }
  /** An earlier attempt got through, and the workflow has finished since. */
  | { readonly result: 'applied-before' }
  | { readonly result: 'rejected'; readonly reason: RejectionReason }
  | { readonly result: 'poison'; readonly message: string };

export interface DeliveryTools {
  readonly gateway: TemporalGateway;
  readonly limit: InFlightLimit;
  readonly now: () => number;
  readonly random: () => number;
  /** Resolves early when stopped. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onRetry: (trouble: TemporalTrouble, command: Command) => void;
  readonly onSuccess: () => void;
}

/** Permissions, authentication, a namespace that does not exist: nothing can be delivered until a person acts. */
export class TemporalRefusedError extends Error {
  override readonly name = 'TemporalRefusedError';
}

/** The lane was stopped before the command was dealt with. Not a failure: its offset stays uncommitted and the command comes again. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/** @throws StoppedError, TemporalRefusedError */
export async function deliver(command: Command, workflow: EscalatedWorkflow, tools: DeliveryTools, stop: AbortSignal): Promise<Delivery> {
  for (let attempt = 1; ; attempt++) {
    if (stop.aborted) throw new StoppedError();
    let trouble: TemporalTrouble;
    try {
      const delivery = await tools.limit.run(() => (stop.aborted ? Promise.reject(new StoppedError()) : attemptOnce(command, workflow, tools)));
      if (delivery !== undefined) {
        tools.limit.succeeded();
        tools.onSuccess();
        return delivery;
      }
      trouble = { kind: 'again', message: 'the workflow was closing; it is asked again' };
    } catch (error) {
      if (error instanceof StoppedError) throw error;
      trouble = troubleOf(error);
      if (trouble.kind === 'poison') return { result: 'poison', message: trouble.message };
      if (trouble.kind === 'fatal') {
        throw new TemporalRefusedError(
          `Temporal refuses this bridge: ${trouble.message}. No command can be delivered, so it stops; nothing is lost. ` +
            'Check address, namespace, TLS and API key (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE), then start it again.',
        );
      }
      if (trouble.kind === 'throttled' && trouble.cause !== 'busy-workflow') tools.limit.throttled(tools.now());
    }
    tools.onRetry(trouble, command);
    await tools.sleep(waitMs(trouble, attempt, tools.random()), stop);
  }
}

/** Undefined: nothing is known yet, ask again. */
async function attemptOnce(command: Command, workflow: EscalatedWorkflow, tools: DeliveryTools): Promise<Delivery | undefined> {
  const { gateway } = tools;
  if (command.op === 'cancel') {
    const isFound = await found(gateway.cancel(command.workflowId));
    // Nothing to cancel is as good as cancelled.
    return { result: isFound ? 'cancelled' : 'applied-before' };
  }
  if (tools.now() <= command.notAfter) {
    try {
      await gateway.signalWithStart(command, workflow);
      return { result: 'delivered' };
    } catch (error) {
      if (troubleOf(error).kind !== 'already-started') throw error;
    }
    // No running run, or a race with one that is closing.
    return verdict(command, await sight(gateway, command.workflowId), 'closed');
  }
  // Too old to start anything: the workflow may have finished so long ago that Temporal forgot it, and would start it a second time. But an earlier
  // attempt may also have got through, so the command is void only if no workflow is there to ask.
  const seen = await sight(gateway, command.workflowId);
  if (seen.state !== 'running') return verdict(command, seen, 'stale');
  return (await found(gateway.signal(command))) ? { result: 'delivered' } : undefined;
}

function verdict(command: Command, seen: WorkflowSight, ifUnknown: RejectionReason): Delivery | undefined {
  switch (seen.state) {
    case 'running':
      return undefined;
    case 'closed':
      return seen.lastSeq !== undefined && seen.lastSeq >= command.seq ? { result: 'applied-before' } : { result: 'rejected', reason: 'closed' };
    case 'unknown':
      return { result: 'rejected', reason: ifUnknown };
  }
}

async function sight(gateway: TemporalGateway, workflowId: string): Promise<WorkflowSight> {
  try {
    return await gateway.describe(workflowId);
  } catch (error) {
    if (troubleOf(error).kind === 'not-found') return { state: 'unknown' };
    throw error;
  }
}

async function found(call: Promise<void>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (troubleOf(error).kind === 'not-found') return false;
    throw error;
  }
}

function waitMs(trouble: TemporalTrouble, attempt: number, random: number): number {
  const jitter = 0.8 + 0.4 * random;
  switch (trouble.kind) {
    case 'throttled':
      // A busy workflow is free again in milliseconds; a rate limit lasts a second.
      return trouble.cause === 'busy-workflow' ? 20 + 180 * random : Math.min(500 * 2 ** Math.min(attempt - 1, 4), 5_000) * jitter;
    case 'workflow-full':
      return 10_000 * jitter;
    default:
      return Math.min(100 * 2 ** Math.min(attempt - 1, 6), 5_000) * jitter;
  }
}
