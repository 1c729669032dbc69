// Outcomes into Kafka: what one call hands over becomes visible in one transaction, or not at all. Calls that wait together share a transaction,
// because a transaction costs a few round trips whatever its size, and a worker runs many workflows.
//
// A call that fails may still have published (a lost commit answer). That is harmless: Temporal calls again with the same outSeq, and the topology
// drops what it has seen. So trouble here is never resolved cleverly: the producer is replaced, all waiting calls fail, Temporal retries them.

import { BrokerError, type Broker, type OutgoingRecord, type TransactionalProducer } from '../../ports/broker.ts';
import { NO_HEADERS } from '../../record/record.ts';
import type { PublishOutcomes } from '../activity-calls.ts';

/** How outcomes are written to Kafka. Times in ms. */
export interface OutcomePublisherOptions {
  readonly broker: Broker;
  /** Of this process alone: two processes with the same id fence each other. */
  readonly transactionalId: string;
  /** How long one call may take, waiting included. Below the activity's start-to-close (30 s), so that late attempts stay rare. Default 20 s. */
  readonly publishTimeoutMs?: number;
  /** Default 10 s: how long an abandoned transaction can hold back readers of the outcome topic. */
  readonly transactionTimeoutMs?: number;
  /** Outcome records in one transaction. Default 1000; a single call is never split. */
  readonly recordsPerTransactionMax?: number;
  readonly onTrouble?: (message: string) => void;
}

/** Writes outcomes of workflows to Kafka, many in one transaction. */
export interface OutcomePublisher {
  /** Resolves when the outcomes are committed. @throws PublishError when that is not known: call again with the same outcomes. */
  publish(call: PublishOutcomes): Promise<void>;
  readonly metrics: PublisherMetrics;
  /** Fails what is waiting, aborts what is open. */
  close(): Promise<void>;
}

/** Counters since the start. */
export interface PublisherMetrics {
  calls: number;
  records: number;
  transactions: number;
  failures: number;
  fencings: number;
}

/** Worth repeating: outcomes carry their sequence number, so a repetition is dropped by the reader. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
}

interface WaitingCall {
  readonly records: readonly OutgoingRecord[];
  readonly deadlineMs: number;
  resolve(): void;
  reject(error: PublishError): void;
}

/** One for each worker process: its calls share transactions. */
export function outcomePublisher(options: OutcomePublisherOptions): OutcomePublisher {
  const { broker, transactionalId, onTrouble } = options;
  const publishTimeoutMs = options.publishTimeoutMs ?? 20_000;
  const recordsMax = options.recordsPerTransactionMax ?? 1_000;
  const metrics: PublisherMetrics = { calls: 0, records: 0, transactions: 0, failures: 0, fencings: 0 };

  let waiting: WaitingCall[] = [];
  let running: Promise<void> | undefined;
  let isClosed = false;
  let producer: TransactionalProducer | undefined;

  /** Takes calls in order until the transaction is full; calls that ran out of time meanwhile are failed, not sent. */
  function nextGroup(): WaitingCall[] {
    const group: WaitingCall[] = [];
    let records = 0;
    while (waiting[0] !== undefined && (group.length === 0 || records + waiting[0].records.length <= recordsMax)) {
      const call = waiting.shift() as WaitingCall;
      if (call.deadlineMs <= Date.now()) {
        call.reject(new PublishError(`Not published: still waiting for the transaction before it after ${publishTimeoutMs} ms. It is tried again.`));
        continue;
      }
      group.push(call);
      records += call.records.length;
    }
    return group;
  }

  async function transact(group: readonly WaitingCall[]): Promise<void> {
    // Held in a constant: after a timeout this function may still be running, and must not touch the producer that replaced its own.
    const mine = producer ?? broker.transactionalProducer({ transactionalId, transactionTimeoutMs: options.transactionTimeoutMs ?? 10_000 });
    if (mine !== producer) {
      producer = mine;
      await mine.init();
    }
    const records = group.flatMap((call) => call.records);
    await mine.send(records);
    await mine.commit();
    metrics.transactions++;
    metrics.records += records.length;
  }

  async function run(): Promise<void> {
    while (waiting.length > 0 && !isClosed) {
      const group = nextGroup();
      if (group.length === 0) continue;
      try {
        await withinMs(Math.min(...group.map((call) => call.deadlineMs)) - Date.now(), transact(group));
        for (const call of group) call.resolve();
      } catch (error) {
        await replaceProducer(group, error);
      }
    }
    running = undefined;
  }

  async function replaceProducer(group: readonly WaitingCall[], error: unknown): Promise<void> {
    metrics.failures++;
    const failed = producer;
    producer = undefined;
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof BrokerError && error.kind === 'fenced') {
      // Somebody else initialised our transactional id: a second process with our settings, or a new one while we were frozen. Both sides may go
      // on, since repeated outcomes are dropped by their readers, but they would fence each other for ever; that deserves a loud message.
      metrics.fencings++;
      onTrouble?.(
        `Fenced: another process publishes with transactional id ${transactionalId}. ` +
          'This one takes the id back as long as it has outcomes to publish. Give every worker process an id of its own.',
      );
    } else onTrouble?.(`Outcomes were not published, Temporal repeats them: ${reason}`);
    // No abort on this producer: after a timeout a request of it may still be under way. The next one's init aborts what it left.
    failed?.close().catch(() => undefined);
    for (const call of [...group, ...waiting.splice(0)]) call.reject(new PublishError(`Not published: ${reason}`, { cause: error }));
  }

  return {
    metrics,
    publish(call) {
      metrics.calls++;
      if (isClosed) return Promise.reject(new PublishError('Not published: this worker is shutting down. Another one repeats the call.'));
      return new Promise<void>((resolve, reject) => {
        waiting.push({ records: call.outcomes.map((outcome) => recordOf(call, outcome)), deadlineMs: Date.now() + publishTimeoutMs, resolve, reject });
        running ??= run();
      });
    },
    async close() {
      isClosed = true;
      for (const call of waiting.splice(0)) call.reject(new PublishError('Not published: this worker is shutting down. Another one repeats the call.'));
      await running;
      await producer?.close();
      producer = undefined;
    },
  };
}

function recordOf(call: PublishOutcomes, outcome: PublishOutcomes['outcomes'][number]): OutgoingRecord {
  return {
    topic: call.replyTo.topic,
    partition: call.replyTo.partition,
    key: Buffer.from(call.key),
    value: Buffer.from(JSON.stringify(outcome)),
    timestamp: outcome.at,
    headers: NO_HEADERS,
  };
}

async function withinMs(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PublishError('Kafka did not answer in time')), Math.max(0, ms));
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
