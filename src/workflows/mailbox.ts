// What a mailbox remembers, and the rule that makes redelivered commands harmless. Pure data: it travels through continue-as-new as JSON.

import type { Command, Json, ReplyTo, WorkflowStart } from '../escalation/protocol.ts';
import type { ActivityCall } from './saga.ts';

/** The part of a command that the mailbox keeps until the saga reads it. */
export type MailboxCommand = Pick<Command, 'seq' | 'kind' | 'payload' | 'at'>;

/** What a workflow starts with, in its first run and in those that continue it. */
export interface MailboxInput<State> extends WorkflowStart {
  /** Present from the second run of a workflow on. */
  readonly carried?: MailboxState<State>;
}

/** An activity call that undoes a step, with the key under which it may be repeated. */
export interface RegisteredCompensation extends ActivityCall {
  readonly step: string;
  readonly idempotencyKey: string;
}

/** All that a workflow remembers, JSON-safe: what its next run continues with. */
export interface MailboxState<State> {
  v: 1;
  replyTo: ReplyTo;
  /** Highest command seq taken in. */
  lastSeq: number;
  duplicates: number;
  /** Commands that never came: the bridge put them on its dead-letter topic. Counted, not waited for. */
  gaps: number;
  /** Signals that were no commands at all. */
  malformed: number;
  inbox: MailboxCommand[];
  /** Sequence number of the last outcome handed to a publication. */
  outSeq: number;
  /** How often each step was begun: the `<n>` of idempotency keys. */
  stepsBegun: Record<string, number>;
  compensations: RegisteredCompensation[];
  cancelDelivered: boolean;
  /** Runs so far, this one included. */
  runs: number;
  saga: State;
}

export function newMailbox<State>(start: WorkflowStart, saga: State): MailboxState<State> {
  return {
    v: 1,
    replyTo: start.replyTo,
    lastSeq: 0,
    duplicates: 0,
    gaps: 0,
    malformed: 0,
    inbox: [],
    outSeq: 0,
    stepsBegun: {},
    compensations: [],
    cancelDelivered: false,
    runs: 1,
    saga,
  };
}

/** State written by older code becomes today's. There is one version so far; the next one adds its step here and keeps this one readable. */
export function migrateMailbox<State>(carried: MailboxState<State>): MailboxState<State> {
  return carried;
}

/**
 * Takes a signal in. The bridge sends command n only after n−1 was acknowledged or set aside, so a seq at or below the highest seen can only be a
 * repetition. Never throws: a signal may come from anyone with a Temporal client.
 */
export function takeIn<State>(mailbox: MailboxState<State>, signal: unknown): void {
  if (!isCommand(signal)) {
    mailbox.malformed++;
    return;
  }
  if (signal.seq <= mailbox.lastSeq) {
    mailbox.duplicates++;
    return;
  }
  mailbox.gaps += signal.seq - mailbox.lastSeq - 1;
  mailbox.lastSeq = signal.seq;
  // The latest word on where answers go: the task that asks now is the one that listens.
  if (isReplyTo(signal.replyTo)) mailbox.replyTo = signal.replyTo;
  mailbox.inbox.push({ seq: signal.seq, kind: signal.kind, payload: signal.payload ?? null, at: typeof signal.at === 'number' ? signal.at : 0 });
}

function isCommand(signal: unknown): signal is { seq: number; kind: string; payload?: Json; at?: unknown; replyTo?: unknown } {
  if (typeof signal !== 'object' || signal === null) return false;
  const { seq, kind } = signal as { seq?: unknown; kind?: unknown };
  return Number.isSafeInteger(seq) && (seq as number) > 0 && typeof kind === 'string';
}

function isReplyTo(value: unknown): value is ReplyTo {
  if (typeof value !== 'object' || value === null) return false;
  const { topic, partition } = value as { topic?: unknown; partition?: unknown };
  return typeof topic === 'string' && Number.isSafeInteger(partition);
}
