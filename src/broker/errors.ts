// From Kafka's error numbers and socket errors to the few kinds the runtime decides on, in words that say what to do.

import { BrokerError, type BrokerErrorKind } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';

/** Number → name, kind when nothing more is known about the situation, and advice where the name alone does not say it. */
const KNOWN: Readonly<Record<number, readonly [name: string, kind: BrokerErrorKind, advice?: string]>> = {
  [-1]: ['UNKNOWN_SERVER_ERROR', 'fatal', 'Look into the broker’s log.'],
  1: ['OFFSET_OUT_OF_RANGE', 'out-of-range'],
  2: ['CORRUPT_MESSAGE', 'retriable'],
  3: ['UNKNOWN_TOPIC_OR_PARTITION', 'retriable'],
  5: ['LEADER_NOT_AVAILABLE', 'retriable'],
  6: ['NOT_LEADER_OR_FOLLOWER', 'retriable'],
  7: ['REQUEST_TIMED_OUT', 'retriable'],
  8: ['BROKER_NOT_AVAILABLE', 'retriable'],
  9: ['REPLICA_NOT_AVAILABLE', 'retriable'],
  10: ['MESSAGE_TOO_LARGE', 'too-large', 'Raise max.message.bytes of the topic, or send smaller records.'],
  12: ['OFFSET_METADATA_TOO_LARGE', 'fatal', 'Raise offset.metadata.max.bytes on the brokers.'],
  13: ['NETWORK_EXCEPTION', 'retriable'],
  14: ['COORDINATOR_LOAD_IN_PROGRESS', 'retriable'],
  15: ['COORDINATOR_NOT_AVAILABLE', 'retriable'],
  16: ['NOT_COORDINATOR', 'retriable'],
  17: ['INVALID_TOPIC_EXCEPTION', 'fatal', 'Topic names have 1 to 249 letters, digits, dots, underscores and hyphens.'],
  18: ['RECORD_LIST_TOO_LARGE', 'too-large', 'Raise segment.bytes of the topic.'],
  19: ['NOT_ENOUGH_REPLICAS', 'retriable'],
  20: ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'retriable'],
  22: ['ILLEGAL_GENERATION', 'rebalance'],
  23: ['INCONSISTENT_GROUP_PROTOCOL', 'fatal', 'Its members are of another application, or of a version of this one with another layout of tasks. Stop all of them first, or give this one a group id of its own.'],
  24: ['INVALID_GROUP_ID', 'fatal'],
  25: ['UNKNOWN_MEMBER_ID', 'rebalance'],
  26: ['INVALID_SESSION_TIMEOUT', 'fatal', 'It must lie between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers.'],
  27: ['REBALANCE_IN_PROGRESS', 'rebalance'],
  28: ['INVALID_COMMIT_OFFSET_SIZE', 'fatal'],
  29: ['TOPIC_AUTHORIZATION_FAILED', 'fatal', 'Grant this user READ, WRITE and DESCRIBE on the topic.'],
  30: ['GROUP_AUTHORIZATION_FAILED', 'fatal', 'Grant this user READ on the group.'],
  31: ['CLUSTER_AUTHORIZATION_FAILED', 'fatal', 'Grant this user the operation on the cluster (IDEMPOTENT_WRITE or CREATE).'],
  32: ['INVALID_TIMESTAMP', 'fatal', 'The record’s timestamp is outside message.timestamp.before.max.ms / after.max.ms of the topic.'],
  35: ['UNSUPPORTED_VERSION', 'fatal', 'This client needs Kafka 2.8 or newer.'],
  36: ['TOPIC_ALREADY_EXISTS', 'fatal'],
  37: ['INVALID_PARTITIONS', 'fatal'],
  38: ['INVALID_REPLICATION_FACTOR', 'fatal', 'Ask for no more replicas than there are brokers.'],
  40: ['INVALID_CONFIG', 'fatal'],
  41: ['NOT_CONTROLLER', 'retriable'],
  42: ['INVALID_REQUEST', 'fatal'],
  44: ['POLICY_VIOLATION', 'fatal'],
  45: ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'abort'],
  46: ['DUPLICATE_SEQUENCE_NUMBER', 'abort'],
  47: ['INVALID_PRODUCER_EPOCH', 'fenced'],
  48: ['INVALID_TXN_STATE', 'fenced', 'The coordinator no longer has this transaction: it timed out, or another producer took over.'],
  49: ['INVALID_PRODUCER_ID_MAPPING', 'fenced', 'The coordinator has forgotten this producer (transactional.id.expiration.ms).'],
  50: ['INVALID_TRANSACTION_TIMEOUT', 'fatal', 'Choose a transaction timeout not above transaction.max.timeout.ms of the brokers.'],
  51: ['CONCURRENT_TRANSACTIONS', 'retriable'],
  52: ['TRANSACTION_COORDINATOR_FENCED', 'retriable'],
  53: ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'fatal', 'Grant this user WRITE and DESCRIBE on the transactional id.'],
  55: ['OPERATION_NOT_ATTEMPTED', 'retriable'],
  56: ['KAFKA_STORAGE_ERROR', 'retriable'],
  58: ['SASL_AUTHENTICATION_FAILED', 'fatal', 'Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.'],
  59: ['UNKNOWN_PRODUCER_ID', 'abort'],
  60: ['REASSIGNMENT_IN_PROGRESS', 'retriable'],
  69: ['GROUP_ID_NOT_FOUND', 'rebalance'],
  72: ['LISTENER_NOT_FOUND', 'retriable'],
  73: ['TOPIC_DELETION_DISABLED', 'fatal', 'Set delete.topic.enable=true on the brokers.'],
  74: ['FENCED_LEADER_EPOCH', 'retriable'],
  75: ['UNKNOWN_LEADER_EPOCH', 'retriable'],
  76: ['UNSUPPORTED_COMPRESSION_TYPE', 'fatal'],
  78: ['OFFSET_NOT_AVAILABLE', 'retriable'],
  79: ['MEMBER_ID_REQUIRED', 'retriable'],
  81: ['GROUP_MAX_SIZE_REACHED', 'fatal', 'Raise group.max.size on the brokers, or start fewer instances.'],
  82: ['FENCED_INSTANCE_ID', 'rebalance'],
  87: ['INVALID_RECORD', 'fatal', 'The broker refused a record; a compacted topic, for example, refuses records without a key.'],
  88: ['UNSTABLE_OFFSET_COMMIT', 'retriable'],
  89: ['THROTTLING_QUOTA_EXCEEDED', 'retriable'],
  90: ['PRODUCER_FENCED', 'fenced'],
  100: ['UNKNOWN_TOPIC_ID', 'retriable'],
  103: ['INCONSISTENT_TOPIC_ID', 'retriable'],
  120: ['TRANSACTION_ABORTABLE', 'abort'],
};

export const code = {
  unknownServerError: -1,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopic: 3,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicExists: 36,
  invalidTxnState: 48,
  concurrentTransactions: 51,
  groupIdNotFound: 69,
  memberIdRequired: 79,
  unstableOffsets: 88,
} as const;

export function codeName(errorCode: number): string {
  return KNOWN[errorCode]?.[0] ?? `KAFKA_ERROR_${errorCode}`;
}

export function codeKind(errorCode: number): BrokerErrorKind {
  return KNOWN[errorCode]?.[1] ?? 'fatal';
}

/** The coordinator must be looked up again before the next try. */
export function meansCoordinatorMoved(errorCode: number): boolean {
  return errorCode === 15 || errorCode === 16;
}

/** `doing` completes "Could not …". */
export function protocolError(
  errorCode: number,
  doing: string,
  more: { partition?: TopicPartition; message?: string | null; kind?: BrokerErrorKind } = {},
): BrokerError {
  const advice = KNOWN[errorCode]?.[2];
  const where = more.partition === undefined ? '' : ` (${partitionName(more.partition)})`;
  const text = [`Could not ${doing}${where}: ${codeName(errorCode)}.`, more.message, advice].filter(Boolean).join(' ');
  return new BrokerError(more.kind ?? codeKind(errorCode), codeName(errorCode), text, {
    ...(more.partition === undefined ? {} : { partition: more.partition }),
  });
}

/** Of requests that change nothing, or the same again: a broker that stumbled over one may well answer the next. */
export function readKind(errorCode: number): BrokerErrorKind {
  return errorCode === code.unknownServerError ? 'retriable' : codeKind(errorCode);
}

/** As `protocolError`, with the kind that `readKind` says. */
export function readError(errorCode: number, doing: string, more: { partition?: TopicPartition; message?: string | null } = {}): BrokerError {
  return protocolError(errorCode, doing, { ...more, kind: readKind(errorCode) });
}

/** A request went out and no answer came: it may or may not have taken effect. */
export class NoAnswerError extends BrokerError {}

export function unreachable(where: string, cause: unknown): BrokerError {
  const reason = socketCode(cause);
  if (isAuthenticationFailure(cause)) {
    return new BrokerError(
      'fatal',
      'SASL_AUTHENTICATION_FAILED',
      `Kafka at ${where} refused the login: ${messageOf(cause)}. Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`,
      { cause },
    );
  }
  return new BrokerError('retriable', reason, `Cannot reach Kafka at ${where} (${reason}: ${messageOf(cause)}).`, { cause });
}

export function noAnswer(where: string, apiName: string, cause: unknown): NoAnswerError {
  const reason = socketCode(cause);
  return new NoAnswerError('retriable', reason, `Kafka at ${where} gave no answer to ${apiName} (${reason}: ${messageOf(cause)}).`, { cause });
}

export function closedError(what: string): BrokerError {
  return new BrokerError('fatal', 'CLOSED', `The ${what} has been closed.`);
}

export function isRetriable(error: unknown): error is BrokerError {
  return error instanceof BrokerError && error.kind === 'retriable';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** kafkajs wraps errors in errors; the innermost knows what happened. */
function innermost(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < 8; depth += 1) {
    const cause = (current as { cause?: unknown } | undefined)?.cause;
    if (cause === undefined || cause === null) break;
    current = cause;
  }
  return current;
}

function socketCode(error: unknown): string {
  const inner = innermost(error) as { code?: unknown; type?: unknown; name?: unknown };
  for (const candidate of [inner?.type, inner?.code, inner?.name]) if (typeof candidate === 'string') return candidate;
  return 'UNKNOWN';
}

function isAuthenticationFailure(error: unknown): boolean {
  const inner = innermost(error) as { name?: unknown; type?: unknown };
  return inner?.name === 'KafkaJSSASLAuthenticationError' || inner?.type === 'SASL_AUTHENTICATION_FAILED' || inner?.type === 'UNSUPPORTED_SASL_MECHANISM';
}
