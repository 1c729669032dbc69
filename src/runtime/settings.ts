// Settings of a KafkaStreams instance: plain values, checked together, then frozen. Past `resolveSettings` nothing is optional.

import { StreamsError } from '../record/errors.ts';
import type { RecordSource } from '../record/record.ts';

/**
 * fail: the instance stops, the record comes again after a restart. continue: the record is left out. dlq: it goes to `deadLetterTopic`, in the same
 * transaction as everything else.
 */
export type ErrorDecision = 'fail' | 'continue' | 'dlq';

/** The record that an error handler is asked about, as it was read. */
export interface FailedRecord {
  readonly source: RecordSource;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Decides what happens to a record that cannot be decoded or processed. Its effects are undone before this is asked. */
export type ErrorHandler = (error: unknown, record: FailedRecord) => ErrorDecision;

/**
 * How an instance runs. Only `applicationId` has no default. Times in ms, sizes in bytes. @throws {SettingsError} from `new KafkaStreams(…)`, for all that is
 * wrong at once.
 */
export interface StreamsSettings {
  /** Consumer group and prefix of internal topics and of the transactional id. */
  readonly applicationId: string;
  /** Folder for local state; instances on one computer may share it. Default `.millrace/state`. */
  readonly stateDir?: string;
  /** Upper bound between commits under load, ms; 0: after each round of records. When the input runs dry a commit is made at once. Default 100. */
  readonly commitIntervalMs?: number;
  /** How often, ms of wall-clock time, results that wait for a window to close are looked for. Default 0: whenever stream time moves; a look costs little. */
  readonly emitIntervalMs?: number;
  /** Bound of uncommitted state and outputs in bytes; reaching it commits early. Default 16 MiB. */
  readonly maxUncommittedBytes?: number;
  /** How long (ms, wall clock) a task waits for new data of an empty partition before it goes on with the others; data already on the broker is always waited for. −1: never wait. Default 0. */
  readonly maxTaskIdleMs?: number;
  /** After it the group gives a silent instance's tasks to others. Default 10,000 ms. */
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  /** How long a rebalance waits for instances to finish and commit. Default 60,000 ms. */
  readonly rebalanceTimeoutMs?: number;
  /** After it the coordinator aborts an abandoned transaction, and others stop waiting for it. Default 10,000 ms. */
  readonly transactionTimeoutMs?: number;
  /** Records held per input partition before fetching it pauses. Default 1,000. */
  readonly bufferedRecordsPerPartition?: number;
  /** Of internal topics; −1: the broker's default. */
  readonly replicationFactor?: number;
  /** Where `dlq` decisions go. With it, undecodable records and `InvalidRecordError`s go there by default; without it they fail. */
  readonly deadLetterTopic?: string;
  readonly errors?: { readonly deserialization?: ErrorHandler; readonly processing?: ErrorHandler };
}

export interface ResolvedSettings extends Required<Omit<StreamsSettings, 'deadLetterTopic' | 'errors'>> {
  readonly deadLetterTopic: string | undefined;
  readonly errors: { readonly deserialization: ErrorHandler; readonly processing: ErrorHandler };
}

/** Settings that cannot be used: `problems` lists all of them. */
export class SettingsError extends StreamsError {
  readonly code = 'INVALID_SETTINGS';
  readonly remedy = 'fix-settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`These settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** @throws {SettingsError} with all problems at once. */
export function resolveSettings(settings: StreamsSettings): ResolvedSettings {
  const { deadLetterTopic } = settings;
  const toDeadLetters: ErrorDecision = deadLetterTopic === undefined ? 'fail' : 'dlq';
  const resolved: ResolvedSettings = {
    applicationId: settings.applicationId,
    stateDir: settings.stateDir ?? '.millrace/state',
    commitIntervalMs: settings.commitIntervalMs ?? 100,
    emitIntervalMs: settings.emitIntervalMs ?? 0,
    maxUncommittedBytes: settings.maxUncommittedBytes ?? 16 * 1024 * 1024,
    maxTaskIdleMs: settings.maxTaskIdleMs ?? 0,
    sessionTimeoutMs: settings.sessionTimeoutMs ?? 10_000,
    heartbeatIntervalMs: settings.heartbeatIntervalMs ?? Math.min(3_000, Math.floor((settings.sessionTimeoutMs ?? 10_000) / 3)),
    rebalanceTimeoutMs: settings.rebalanceTimeoutMs ?? 60_000,
    transactionTimeoutMs: settings.transactionTimeoutMs ?? 10_000,
    bufferedRecordsPerPartition: settings.bufferedRecordsPerPartition ?? 1_000,
    replicationFactor: settings.replicationFactor ?? -1,
    deadLetterTopic,
    errors: {
      // An error of ours that is not the data's fault (a registry that was closed) must not cost a good record.
      deserialization: settings.errors?.deserialization ?? ((error) => (error instanceof StreamsError && error.remedy !== 'fix-data' ? 'fail' : toDeadLetters)),
      processing: settings.errors?.processing ?? ((error) => (error instanceof StreamsError && error.remedy === 'fix-data' ? toDeadLetters : 'fail')),
    },
  };
  const problems = [...unknownNames(settings, resolved), ...check(resolved)];
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.freeze(resolved);
}

/** A misspelt name would be ignored in silence. */
function unknownNames(given: StreamsSettings, resolved: ResolvedSettings): string[] {
  const unknown = Object.keys(given).filter((name) => !(name in resolved));
  return unknown.map((name) => `${name} is not a setting: there are ${Object.keys(resolved).join(', ')}`);
}

function check(settings: ResolvedSettings): string[] {
  const problems: string[] = [];
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(settings.applicationId ?? '')) {
    problems.push(`applicationId is ${JSON.stringify(settings.applicationId)}: it becomes part of topic names, so give 1 to 100 letters, digits, ".", "_" or "-"`);
  }
  const atLeast = (name: keyof ResolvedSettings, least: number): void => {
    const value = settings[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) problems.push(`${name} is ${String(value)}: give an integer of at least ${least}`);
  };
  atLeast('commitIntervalMs', 0);
  atLeast('emitIntervalMs', 0);
  atLeast('maxUncommittedBytes', 1);
  atLeast('maxTaskIdleMs', -1);
  atLeast('sessionTimeoutMs', 1_000);
  atLeast('heartbeatIntervalMs', 100);
  atLeast('rebalanceTimeoutMs', 1_000);
  atLeast('transactionTimeoutMs', 1_000);
  atLeast('bufferedRecordsPerPartition', 1);
  atLeast('replicationFactor', -1);
  if (settings.replicationFactor === 0) problems.push('replicationFactor is 0: no topic can have that; give −1 for the broker\'s default, or at least 1');
  if (typeof settings.stateDir !== 'string' || settings.stateDir === '') problems.push(`stateDir is ${JSON.stringify(settings.stateDir)}: give the folder for local state`);
  if (settings.deadLetterTopic !== undefined && !/^[A-Za-z0-9._-]{1,249}$/.test(settings.deadLetterTopic)) {
    problems.push(`deadLetterTopic is ${JSON.stringify(settings.deadLetterTopic)}: give a topic name, 1 to 249 letters, digits, ".", "_" or "-"`);
  }
  if (settings.heartbeatIntervalMs * 2 > settings.sessionTimeoutMs) {
    problems.push(`heartbeatIntervalMs (${settings.heartbeatIntervalMs}) must be at most half of sessionTimeoutMs (${settings.sessionTimeoutMs}), or one late heartbeat costs the membership`);
  }
  if (settings.commitIntervalMs > settings.transactionTimeoutMs) {
    problems.push(`commitIntervalMs (${settings.commitIntervalMs}) must not exceed transactionTimeoutMs (${settings.transactionTimeoutMs}): the broker would abort every transaction`);
  }
  return problems;
}
