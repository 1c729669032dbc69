// What a saga is to the mailbox kit: a plain class with explicit states. No Temporal import, no clock, no I/O, so that a test can drive it step by
// step through every interleaving. It never acts; it says what to do next, and is told what happened.

import type { Json } from '../escalation/protocol.ts';
import type { MailboxCommand } from './mailbox.ts';

/** An activity call as data: it survives continue-as-new, and a test can compare it. */
export interface ActivityCall {
  readonly activity: string;
  readonly args: { readonly [name: string]: Json };
}

/** A step of a saga: an activity call, and how it is undone. */
export interface SagaStep extends ActivityCall {
  /** Names the step in idempotency keys (`<workflowId>/<step>/<n>`) and logs. */
  readonly step: string;
  /** Undoes the step. Registered *before* the step runs, because a step that timed out may have happened; must be harmless when nothing did. */
  readonly compensation?: ActivityCall;
  /** The point of no return: not interrupted by a cancel request, and once it succeeds nothing before it is compensated any more. */
  readonly pivot?: boolean;
}

/** How a step ended: with a value, or refused for good. */
export type StepResult =
  | { readonly ok: true; readonly value: Json }
  /** A permanent refusal: `type` is the ApplicationFailure type that the activity chose. Passing trouble never gets here; it is retried. */
  | { readonly ok: false; readonly type: string; readonly message: string };

/** An outcome that the saga wants published; number, id and time are added. */
export interface OutcomeDraft {
  readonly kind: string;
  readonly payload: Json;
}

/** What a saga wants done next. */
export type Next =
  | ({ readonly do: 'step' } & SagaStep)
  /** These outcomes belong together: they become visible in one Kafka transaction, and before anything that follows. */
  | { readonly do: 'publish'; readonly outcomes: readonly OutcomeDraft[] }
  /** Until a command arrives, a cancel is requested, or `until` (absolute, epoch ms) is reached. */
  | { readonly do: 'wait'; readonly until?: number }
  | { readonly do: 'compensate' }
  | { readonly do: 'end' };

/**
 * `next` decides from `state` alone and changes nothing; the other methods record what happened and change `state`. None of them is called while a
 * step, a publication or a compensation is under way: whatever arrives meanwhile is delivered right after it. None may throw for bad input: a
 * command that makes no sense is answered by an outcome, because a workflow that throws stops answering.
 */
export interface Saga<State> {
  /** JSON-safe: no Map, Set, Date, BigInt, class instance or undefined in it. */
  readonly state: State;
  next(nowMs: number): Next;
  receive(command: MailboxCommand, nowMs: number): void;
  stepEnded(step: string, result: StepResult, nowMs: number): void;
  published(nowMs: number): void;
  /** All compensations have run; `failures` names those that were refused for good. */
  compensated(failures: readonly string[], nowMs: number): void;
  /** The time given in the last `wait` is reached, and no command that arrived before it is left unread. */
  expired(nowMs: number): void;
  /** Someone asked for cancellation; delivered once. */
  cancelRequested(nowMs: number): void;
}

/** How a saga begins, and how it goes on from an earlier run. */
export interface SagaDefinition<State> {
  /** A fresh saga for a business key. */
  start(key: string): Saga<State>;
  /** From the state of an earlier run, perhaps written by older code: migrates first. */
  resume(state: State): Saga<State>;
}
