// Wires a saga to Temporal: signals into the inbox, decisions into activities and timers, a long history into a new run. Order matters in here more
// than it looks; every comment below names something that was lost or done twice without it.

import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { COMMAND_SIGNAL, LAST_SEQ_MEMO, type WorkflowOutcome } from '../escalation/protocol.ts';
import { callActivity, PUBLISH_OUTCOMES, type PublishOutcomes, refusal } from './activity-calls.ts';
import { Deadline } from './deadline.ts';
import { isHistoryFull } from './history-bound.ts';
import { type MailboxInput, type MailboxState, migrateMailbox, newMailbox, takeIn } from './mailbox.ts';
import type { OutcomeDraft, Saga, SagaDefinition, SagaStep } from './saga.ts';

const commandSignal = defineSignal<[unknown]>(COMMAND_SIGNAL);

/** Everything a workflow remembers, for operators: `temporal workflow query --type mailbox`. */
export const MAILBOX_QUERY = 'mailbox';

/**
 * The body of an escalated workflow.
 * @example export const OrderWorkflow = (input: MailboxInput<OrderState>) => runSaga(input, orderSaga);
 */
export async function runSaga<State>(input: MailboxInput<State>, definition: SagaDefinition<State>): Promise<void> {
  const carried = input.carried === undefined ? undefined : migrateMailbox(input.carried);
  const saga = carried === undefined ? definition.start(input.key) : definition.resume(carried.saga);
  const mailbox: MailboxState<State> = carried === undefined ? newMailbox(input, saga.state) : { ...carried, saga: saga.state, runs: carried.runs + 1 };

  // Before any await, and synchronous: the SDK hands over what arrived so far inside this very call, in the server's order.
  setHandler(commandSignal, (signal) => takeIn(mailbox, signal));
  setHandler(defineQuery<MailboxState<State>>(MAILBOX_QUERY), () => mailbox);

  const root = CancellationScope.current();
  // A cancel request is news for the saga, not an exception at whatever happened to be awaited: only interruptible steps listen to `root`.
  await CancellationScope.nonCancellable(() => loop(input, mailbox, saga, root));
}

async function loop<State>(input: MailboxInput<State>, mailbox: MailboxState<State>, saga: Saga<State>, root: CancellationScope): Promise<void> {
  const deadline = new Deadline();
  let hasActed = false;
  for (;;) {
    deliver(mailbox, saga, root);
    const next = saga.next(Date.now());
    if (next.do === 'end') {
      // Nothing is awaited from `deliver` above to the return: a signal that lands while this task closes makes the server refuse the close, and the
      // task runs again with it. The memo tells the bridge which commands were read, so that a redelivered one is not taken for a late one.
      upsertMemo({ [LAST_SEQ_MEMO]: mailbox.lastSeq });
      return;
    }
    // A step boundary: no activity is open, the deadline is absolute, and all else is in the mailbox. `hasActed` lets every run get somewhere,
    // however small the bound.
    if (hasActed && isHistoryFull(workflowInfo(), Date.now(), input.historyEventsMax)) {
      await continueAsNew<(again: MailboxInput<State>) => Promise<void>>({ ...input, carried: mailbox });
    }
    switch (next.do) {
      case 'step':
        await runStep(mailbox, saga, root, next);
        break;
      case 'publish':
        await publish(input.key, mailbox, next.outcomes);
        saga.published(Date.now());
        break;
      case 'compensate':
        saga.compensated(await compensate(mailbox), Date.now());
        break;
      case 'wait':
        deadline.set(next.until);
        await condition(() => mailbox.inbox.length > 0 || deadline.reached || isCancelNews(mailbox, root));
        // Commands first: what arrived before the deadline was seen to pass counts as in time.
        deliver(mailbox, saga, root);
        if (deadline.reached && isSameWait(saga, next.until)) {
          saga.expired(Date.now());
        }
        break;
    }
    hasActed = true;
  }
}

/** After the commands were read the saga may wait for something else, or not at all; then the deadline that passed means nothing. */
function isSameWait<State>(saga: Saga<State>, until: number | undefined): boolean {
  const now = saga.next(Date.now());
  return now.do === 'wait' && now.until === until;
}

function isCancelNews<State>(mailbox: MailboxState<State>, root: CancellationScope): boolean {
  return root.consideredCancelled && !mailbox.cancelDelivered;
}

function deliver<State>(mailbox: MailboxState<State>, saga: Saga<State>, root: CancellationScope): void {
  for (const command of mailbox.inbox.splice(0)) saga.receive(command, Date.now());
  if (isCancelNews(mailbox, root)) {
    mailbox.cancelDelivered = true;
    saga.cancelRequested(Date.now());
  }
}

async function runStep<State>(mailbox: MailboxState<State>, saga: Saga<State>, root: CancellationScope, step: SagaStep): Promise<void> {
  const n = (mailbox.stepsBegun[step.step] ?? 0) + 1;
  mailbox.stepsBegun[step.step] = n;
  // From workflow state, never from run, attempt or activity id: those change or repeat across continue-as-new and retries.
  const idempotencyKey = `${workflowInfo().workflowId}/${step.step}/${n}`;
  if (step.compensation !== undefined) {
    mailbox.compensations.push({ ...step.compensation, step: step.step, idempotencyKey: `${idempotencyKey}/undo` });
  }
  const call = () => callActivity(step.activity, { ...step.args, idempotencyKey });
  // After a cancel request was delivered, whatever the saga still does must not be cancelled again.
  const isInterruptible = step.pivot !== true && !mailbox.cancelDelivered;
  try {
    const value = isInterruptible ? await new CancellationScope({ parent: root, cancellable: true }).run(call) : await call();
    if (step.pivot === true) mailbox.compensations.length = 0;
    saga.stepEnded(step.step, { ok: true, value: value ?? null }, Date.now());
  } catch (error) {
    // Interrupted: whether it happened is unknown, and does not matter, since its compensation is registered. The saga hears of the cancel request next.
    if (isInterruptible && (isCancellation(error) || root.consideredCancelled)) return;
    saga.stepEnded(step.step, refusal(error), Date.now());
  }
}

/** One call, awaited before the next: so the records of an outSeq are in Kafka before any later one, and a late repetition can never overtake. */
async function publish<State>(key: string, mailbox: MailboxState<State>, drafts: readonly OutcomeDraft[]): Promise<void> {
  const { workflowId } = workflowInfo();
  const outcomes = drafts.map((draft): WorkflowOutcome => ({
    v: 1,
    origin: 'workflow',
    workflowId,
    outSeq: ++mailbox.outSeq,
    kind: draft.kind,
    payload: draft.payload,
    at: Date.now(),
  }));
  const args: PublishOutcomes = { replyTo: mailbox.replyTo, key, outcomes };
  await callActivity(PUBLISH_OUTCOMES, args);
}

/** In reverse. One that is refused for good is reported, and must not keep the others from running. */
async function compensate<State>(mailbox: MailboxState<State>): Promise<string[]> {
  const failures: string[] = [];
  for (let last = mailbox.compensations.at(-1); last !== undefined; last = mailbox.compensations.at(-1)) {
    try {
      await callActivity(last.activity, { ...last.args, idempotencyKey: last.idempotencyKey });
    } catch (error) {
      const { type, message } = refusal(error);
      failures.push(`${last.step}: ${type}: ${message}`);
    }
    mailbox.compensations.pop();
  }
  return failures;
}
