// Escalate: the operator no other stream processor has. Commands leave in the task's own transaction (an outbox without a database); outcomes come
// back through a topic and pass once each: at-least-once with a monotone number on both sides of Temporal, exactly-once inside Kafka.

import type { StreamRecord } from '../../record/record.ts';
import type { Command, Json, Outcome } from '../../escalation/protocol.ts';
import { outcomesTopic } from '../../escalation/protocol.ts';
import { InvalidRecordError } from '../../record/errors.ts';
import { jsonSerde } from '../../serdes/json.ts';
import { stringSerde } from '../../serdes/string.ts';
import type { CommandRejected, EscalationOutcome } from '../escalation-outcome.ts';
import type { InternalTopicRef } from '../graph/node.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import type { KStream } from './stream.ts';
import { Stores, type KeyValueStore } from '../store-spec.ts';

/** Which workflow a record is for, and what that is told. */
export interface EscalateOptions<V> {
  /** Names the topics `<applicationId>-<name>-commands` and `…-outcomes` and the stores. */
  readonly name: string;
  /** Workflow type, as the bridge and the worker know it. */
  readonly workflow: string;
  /** The business key; the workflow id in Temporal. All commands for one id must come from records of one key. */
  readonly workflowId: (value: V, key: string) => string;
  /** What to tell the workflow. */
  readonly command: (value: V, key: string) => { readonly kind: string; readonly payload: Json; readonly op?: 'signal' | 'cancel' };
  /**
   * How long (ms, wall clock) a command may take to reach Temporal before it is answered `stale`. Keep it below the namespace's retention: beyond that a
   * repeated command would start a finished workflow anew. Default 12 h (the development server keeps 24 h).
   */
  readonly commandTtlMs?: number;
}

const HOUR_MS = 3_600_000;
const TOPIC_RETENTION_MS = 7 * 24 * HOUR_MS;
const pipe = (suffix: string): InternalTopicRef => ({ suffix, use: 'pipe', retentionMs: TOPIC_RETENTION_MS });
// Outcomes come back to the partition number of the task that asked, so both topics have the same count.

/** @throws {TopologyError} */
export function escalate<V>(stream: KStream<string | null, V>, options: EscalateOptions<V>): KStream<string, EscalationOutcome<Json>> {
  const { name } = options;
  const keys = stringSerde();
  // The number of a command is counted where its key is: in two tasks, one workflow would be told two different things under one number, and drop one of them.
  const { graph, parents } = stream.inPlace(`escalate "${name}"`).parts;

  const sequence = Stores.keyValue<string, number>({ name: `${name}-sequence`, key: keys, value: jsonSerde<number>() });
  const commander = graph.processor(name, parents, () => new Commander(options, sequence), [sequence]);
  graph.sink(pipe(`${name}-commands`), [commander], { key: keys, value: jsonSerde<Command>() }, `${name}-commands-sink`);

  const heard = Stores.keyValue<string, Heard>({ name: `${name}-heard`, key: keys, value: jsonSerde<Heard>() });
  const outcomes = graph.source([{ ...pipe(`${name}-outcomes`), sameAs: `${name}-commands` }], { key: keys, value: jsonSerde<Outcome>() });
  const once = graph.processor(`${name}-outcomes`, [outcomes], () => new OutcomesOnce(heard), [heard]);
  return stream.apart(once, outcomes);
}

class Commander<V> implements Processor<string | null, V, string, Command> {
  readonly #options: EscalateOptions<V>;
  readonly #spec: ReturnType<typeof Stores.keyValue<string, number>>;
  #context!: ProcessorContext<string, Command>;
  #sequence!: KeyValueStore<string, number>;

  constructor(options: EscalateOptions<V>, spec: ReturnType<typeof Stores.keyValue<string, number>>) {
    this.#options = options;
    this.#spec = spec;
  }

  init(context: ProcessorContext<string, Command>): void {
    this.#context = context;
    this.#sequence = context.store(this.#spec);
  }

  process(record: StreamRecord<string | null, V>): void {
    const { name, workflow, workflowId, command, commandTtlMs = 12 * HOUR_MS } = this.#options;
    const { key } = record;
    if (key === null) throw new InvalidRecordError(`A record without a key came to escalate "${name}", which goes by the key: filter such records out before, or give them one.`);
    const id = workflowId(record.value, key);
    const { kind, payload, op = 'signal' } = command(record.value, key);
    const seq = (this.#sequence.get(id) ?? 0) + 1;
    this.#sequence.put(id, seq);
    this.#context.count('commands');
    const source = this.#context.source() ?? { topic: '', partition: -1, offset: -1 };
    this.#context.forward({
      ...record,
      key: id,
      value: {
        v: 1,
        workflowType: workflow,
        workflowId: id,
        op,
        kind,
        seq,
        key,
        payload,
        replyTo: { topic: outcomesTopic(this.#context.applicationId, name), partition: this.#context.taskId.partition },
        source: { topic: source.topic, partition: source.partition, offset: source.offset },
        at: record.timestamp,
        notAfter: this.#context.wallClockTime() + commandTtlMs,
      },
    });
  }
}

/** Per workflow: the highest outcome number seen, and the highest command number known to be rejected. */
interface Heard {
  readonly outSeq: number;
  readonly rejectedSeq: number;
}

/** A zombie attempt can repeat an outcome, never overtake (each is awaited before the next), so the highest number seen is a complete fence. */
class OutcomesOnce implements Processor<string, Outcome, string, EscalationOutcome<Json>> {
  readonly #spec: ReturnType<typeof Stores.keyValue<string, Heard>>;
  #context!: ProcessorContext<string, EscalationOutcome<Json>>;
  #heard!: KeyValueStore<string, Heard>;

  constructor(spec: ReturnType<typeof Stores.keyValue<string, Heard>>) {
    this.#spec = spec;
  }

  init(context: ProcessorContext<string, EscalationOutcome<Json>>): void {
    this.#context = context;
    this.#heard = context.store(this.#spec);
  }

  process(record: StreamRecord<string, Outcome>): void {
    const outcome = record.value as Outcome | null;
    if (outcome === null) throw new InvalidRecordError('An outcome record has no value.');
    const before = this.#heard.get(outcome.workflowId) ?? { outSeq: 0, rejectedSeq: 0 };
    if (outcome.origin === 'workflow') {
      if (outcome.outSeq <= before.outSeq) return this.#context.count('duplicates');
      this.#heard.put(outcome.workflowId, { ...before, outSeq: outcome.outSeq });
      const { workflowId, kind, payload, outSeq, at } = outcome;
      this.#context.count('outcomes');
      this.#context.forward({ ...record, value: { origin: 'workflow', workflowId, kind, payload, outSeq, at } });
      return;
    }
    const { workflowId, reason, command, at } = outcome;
    if (command.seq <= before.rejectedSeq) return this.#context.count('duplicates');
    this.#heard.put(workflowId, { ...before, rejectedSeq: command.seq });
    this.#context.count('rejected');
    const value: CommandRejected = { origin: 'bridge', workflowId, reason, command, isHeardOf: before.outSeq > 0, at };
    this.#context.forward({ ...record, value });
  }
}
