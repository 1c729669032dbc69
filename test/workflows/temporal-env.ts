// Temporal servers for tests, and the order workflow on them. Which binaries: TEMPORAL_CLI (the `temporal` command line, a real server) and
// MILLRACE_TEMPORAL_TEST_SERVER (the Java test server behind a script, for time skipping); `npm test` sets both.

import { fileURLToPath } from 'node:url';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { bundleWorkflows, createEscalationWorker, type EscalationWorker } from '../../src/workflows/worker/index.ts';
import type { Command } from '../../src/escalation/protocol.ts';
import type { OrderOutcome } from '../../src/orders/domain.ts';
import type { PublishOutcomes } from '../../src/workflows/activity-calls.ts';
import { COMMAND_SIGNAL, type WorkflowOutcome, type WorkflowStart } from '../../src/escalation/protocol.ts';

// Activities fail on purpose here; only what is worse than that may speak.
Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });

export async function realServer(extraArgs: string[] = []): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: binary('TEMPORAL_CLI', 'the temporal command line') }, ip: '127.0.0.1', extraArgs },
  });
}

export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: binary('MILLRACE_TEMPORAL_TEST_SERVER', 'a script that starts the Temporal test server') } },
  });
}

function binary(variable: string, what: string): string {
  const path = process.env[variable];
  if (path === undefined || path === '') {
    throw new Error(`${variable} is not set: these tests need the path of ${what}. \`npm test\` provides it; to run one file yourself, set it.`);
  }
  return path;
}

export const ORDER_WORKFLOWS = fileURLToPath(new URL('../../src/orders/workflow.ts', import.meta.url));

let bundle: ReturnType<typeof bundleWorkflows> | undefined;

/** A worker for orders with the given activities; bundles once per test file. */
export async function orderWorker(env: TestWorkflowEnvironment, taskQueue: string, activities: object): Promise<EscalationWorker> {
  bundle ??= bundleWorkflows(ORDER_WORKFLOWS);
  return createEscalationWorker({ connection: env.nativeConnection, namespace: env.namespace ?? 'default', taskQueue, workflowBundle: await bundle, activities, shutdownGraceMs: 500 });
}

/** Activities that note what they are asked, keep the stock rules simple, and fail when told to. */
export class FakeWorld {
  readonly calls: { activity: string; key: string }[] = [];
  readonly published: { call: number; outcomes: readonly WorkflowOutcome[] }[] = [];
  /** Thrown by the next call of that activity; one per entry. */
  readonly failures: { activity: string; error: Error }[] = [];
  /** Awaited before the activity answers. */
  readonly gates = new Map<string, Promise<void>>();

  readonly activities = {
    reserveInventory: (args: { idempotencyKey: string }) => this.#act('reserveInventory', args.idempotencyKey),
    confirmInventory: (args: { idempotencyKey: string }) => this.#act('confirmInventory', args.idempotencyKey),
    releaseInventory: (args: { idempotencyKey: string }) => this.#act('releaseInventory', args.idempotencyKey),
    publishOutcomes: async (call: PublishOutcomes) => {
      await this.#act('publishOutcomes', String(call.outcomes.map(({ outSeq }) => outSeq)));
      this.published.push({ call: this.published.length, outcomes: call.outcomes });
    },
  };

  async #act(activity: string, key: string): Promise<void> {
    this.calls.push({ activity, key });
    await this.gates.get(activity);
    const failure = this.failures.findIndex((of) => of.activity === activity);
    if (failure >= 0) throw this.failures.splice(failure, 1)[0]!.error;
  }

  /** Outcomes as a topology sees them: repeated numbers dropped. */
  outcomes(workflowId: string): OrderOutcome[] {
    let last = 0;
    return this.published
      .flatMap(({ outcomes }) => outcomes)
      .filter((outcome) => outcome.workflowId === workflowId)
      .filter(({ outSeq }) => outSeq > last && (last = outSeq) > 0)
      .map(({ payload }) => payload as unknown as OrderOutcome);
  }
}

export function start(key: string, historyEventsMax?: number): WorkflowStart {
  return { v: 1, key, replyTo: { topic: 'outcomes', partition: 0 }, ...(historyEventsMax === undefined ? {} : { historyEventsMax }) };
}

export function command(workflowId: string, seq: number, of: { kind: string; payload: unknown }, over: Partial<Command> = {}): Command {
  return {
    v: 1,
    workflowType: 'OrderWorkflow',
    workflowId,
    op: 'signal',
    kind: of.kind,
    seq,
    key: workflowId,
    payload: of.payload as Command['payload'],
    replyTo: { topic: 'outcomes', partition: 0 },
    source: { topic: 'orders', partition: 0, offset: seq },
    at: 1_000,
    notAfter: Date.now() + 3_600_000,
    ...over,
  };
}

export async function signalWithStart(env: TestWorkflowEnvironment, taskQueue: string, command: Command, historyEventsMax?: number): Promise<void> {
  await env.client.workflow.signalWithStart(command.workflowType, {
    workflowId: command.workflowId,
    taskQueue,
    args: [start(command.key, historyEventsMax)],
    signal: COMMAND_SIGNAL,
    signalArgs: [command],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  });
}

export async function eventually<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>, timeoutMs = 30_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
