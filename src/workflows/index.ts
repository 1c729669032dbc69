// `millrace/workflow`: the kit that workflow code is written with. Runs in Temporal's sandbox: only @temporalio/workflow and pure code from here on.

export { ACTIVITY_OPTIONS, PUBLISH_OUTCOMES, type PublishOutcomes } from './activity-calls.ts';
export { HISTORY_EVENTS_MAX } from './history-bound.ts';
export type { MailboxCommand, MailboxInput, MailboxState, RegisteredCompensation } from './mailbox.ts';
export { MAILBOX_QUERY, runSaga } from './run-saga.ts';
export type { ActivityCall, Next, OutcomeDraft, Saga, SagaDefinition, SagaStep, StepResult } from './saga.ts';
export { COMMAND_SIGNAL, LAST_SEQ_MEMO, type Json, type ReplyTo, type WorkflowOutcome, type WorkflowStart } from '../escalation/protocol.ts';
