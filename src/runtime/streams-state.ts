// The life of an instance, with Kafka Streams' names, as one table of moves.

import { StreamsError } from '../record/errors.ts';

export const NEXT = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
} as const satisfies Record<string, readonly string[]>;

/** The life of an instance, in Kafka Streams' words. NOT_RUNNING and ERROR are ends. */
export type StreamsState = keyof typeof NEXT;

export class IllegalTransitionError extends StreamsError {
  readonly code = 'ILLEGAL_TRANSITION';
  readonly remedy = 'report-bug';
  constructor(from: string, to: string) {
    super(`An instance in state ${from} cannot become ${to}. It is started once and closed once.`);
  }
}

export function transition(from: StreamsState, to: StreamsState): StreamsState {
  if ((NEXT[from] as readonly StreamsState[]).includes(to)) return to;
  throw new IllegalTransitionError(from, to);
}
