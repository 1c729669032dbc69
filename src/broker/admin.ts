// What is asked of the cluster outside the data path. Every call waits out passing trouble for a while, then says what it was.

import {
  BrokerError,
  type BrokerAdmin,
  type CommittedOffset,
  type GroupMetadata,
  type OffsetToCommit,
  type TopicSpec,
} from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import { isUnknownTopic, partitionErrors, topError, type Connections } from './connections.ts';
import { code, codeKind, isRetriable, messageOf, protocolError, readError, readKind } from './errors.ts';
import { Patience, sleep } from './patience.ts';
import { metadataRequest, type TopicMetadata } from './protocol/cluster.ts';
import { leaveGroupRequest } from './protocol/groups.ts';
import { EARLIEST, LATEST, listOffsetsRequest, offsetCommitRequest, offsetFetchRequest } from './protocol/offsets.ts';
import { createTopicsRequest, deleteRecordsRequest, deleteTopicsRequest, describeTopicConfigRequest, type PartitionResult, type TopicResult } from './protocol/topics.ts';
import type { KafkaRequest } from './protocol/request.ts';

const PATIENCE_MS = 60_000;
const OPERATION_TIMEOUT_MS = 20_000;
const SETTLE_PATIENCE_MS = 15_000;
const REACHABLE_INTERVAL_MS = 1_000;
const REACHABLE_WAIT_MS = 200;

export class KafkaAdmin implements BrokerAdmin {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async waitUntilReachable(options: { onWaiting?(reason: string): void; signal?: AbortSignal } = {}): Promise<void> {
    let toldAt = -Infinity;
    for (;;) {
      try {
        await this.#connections.refresh([]);
        return;
      } catch (error) {
        if (!isRetriable(error) || this.#connections.closing.aborted) throw error;
        if (performance.now() - toldAt >= REACHABLE_INTERVAL_MS) {
          toldAt = performance.now();
          options.onWaiting?.(messageOf(error));
        }
      }
      if (options.signal?.aborted) throw options.signal.reason;
      await sleep(REACHABLE_WAIT_MS, AbortSignal.any([this.#connections.closing, ...(options.signal ? [options.signal] : [])]));
      if (options.signal?.aborted) throw options.signal.reason;
    }
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    return (await this.#describe([topic])).get(topic)?.partitions.length;
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    if (specs.length === 0) return;
    const names = specs.map(({ topic }) => topic);
    const existing = await this.#describe(names);
    const missing = specs.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) {
      const request = createTopicsRequest(
        missing.map(({ topic, partitions, replicationFactor, config }) => ({ topic, partitions, replicationFactor: replicationFactor ?? -1, config: config ?? {} })),
        OPERATION_TIMEOUT_MS,
      );
      await this.#toController(request, 'create topic', code.topicExists); // somebody else may have been faster: their topic is checked below
    }
    const settled = await this.#untilSettled(names, (found) => names.every((name) => hasLeaders(found.get(name))), 'have a leader for every partition');
    const wrong = specs.filter(({ topic, partitions }) => settled.get(topic)!.partitions.length !== partitions);
    if (wrong.length === 0) return;
    const list = wrong.map(({ topic, partitions }) => `${topic} has ${settled.get(topic)!.partitions.length} partitions, ${partitions} are needed`).join('; ');
    throw new BrokerError(
      'fatal',
      'PARTITION_COUNT_MISMATCH',
      `Topics exist with another partition count: ${list}. Records of one key would end up in different tasks. Delete the topic if its data may go, or configure that number.`,
    );
  }

  async batchBytesMax(topics: readonly string[]): Promise<Map<string, number>> {
    const values = await this.#settingOf(topics, 'max.message.bytes');
    return new Map([...values].map(([topic, value]) => [topic, Number(value)]));
  }

  async deletionsKeptMs(topics: readonly string[]): Promise<Map<string, number>> {
    const [policies, times] = await Promise.all([this.#settingOf(topics, 'cleanup.policy'), this.#settingOf(topics, 'delete.retention.ms')]);
    return new Map(topics.map((topic) => [topic, policies.get(topic)?.includes('compact') === true ? Number(times.get(topic)) : Number.POSITIVE_INFINITY]));
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return;
    await this.#toController(deleteTopicsRequest(topics, OPERATION_TIMEOUT_MS), 'delete topic', code.unknownTopic);
    await this.#untilSettled(topics, (found) => topics.every((topic) => !found.has(topic)), 'be gone');
  }

  async listTopics(): Promise<string[]> {
    return this.#patiently(async () => {
      const { topics } = await this.#connections.sendToAny(metadataRequest(null));
      return topics.filter((topic) => !topic.isInternal && topic.errorCode === 0).map(({ topic }) => topic);
    });
  }

  async listOffsets(partitions: readonly TopicPartition[], at: 'earliest' | 'latest' | 'stable'): Promise<Map<string, number>> {
    const offsets = new Map<string, number>();
    const timestamp = at === 'earliest' ? EARLIEST : LATEST;
    const isolation = at === 'stable' ? 'committed' : 'uncommitted';
    await this.#toLeaders(
      partitions,
      (group) => listOffsetsRequest(group, timestamp, isolation),
      (result) => offsets.set(partitionName(result), result.offset),
      'list offsets',
    );
    return offsets;
  }

  async deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    await this.#toLeaders(before, (group) => deleteRecordsRequest(group, OPERATION_TIMEOUT_MS), () => {}, 'delete records');
  }

  async committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>> {
    const patience = this.#patience();
    const unstablePatience = new Patience(Infinity, this.#connections.closing); // its transaction ends, at the latest by its timeout
    for (;;) {
      try {
        const answer = await this.#connections.sendToCoordinator('group', groupId, offsetFetchRequest(groupId, partitions), ({ errorCode, partitions: each }) => [
          errorCode,
          ...each.map((one) => one.errorCode),
        ]);
        const codes = [answer.errorCode, ...answer.partitions.map(({ errorCode }) => errorCode)].filter((errorCode) => errorCode !== 0);
        if (codes.length > 0) throw readError(codes.find((each) => readKind(each) !== 'retriable') ?? codes[0]!, `read committed offsets of group ${groupId}`);
        return new Map(
          answer.partitions
            .filter(({ offset }) => offset >= 0)
            .map((committed) => [partitionName(committed), { offset: committed.offset, metadata: committed.metadata }]),
        );
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await (error.code === 'UNSTABLE_OFFSET_COMMIT' ? unstablePatience : patience).wait(error);
      }
    }
  }

  async commitOffsets(group: GroupMetadata, offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.#patiently(async () => {
      const results = await this.#connections.sendToCoordinator('group', group.groupId, offsetCommitRequest(group, offsets), partitionErrors);
      throwFirst(results, `commit offsets of group ${group.groupId}`);
    });
  }

  async removeMember(groupId: string, memberId: string): Promise<void> {
    await this.#patiently(async () => {
      const { errorCode } = await this.#connections.sendToCoordinator('group', groupId, leaveGroupRequest(groupId, memberId), topError);
      if (errorCode === 0 || errorCode === code.unknownMember || errorCode === code.groupIdNotFound) return;
      throw protocolError(errorCode, `remove member ${memberId} from group ${groupId}`);
    });
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #settingOf(topics: readonly string[], setting: string): Promise<Map<string, string | null>> {
    return this.#patiently(async () => {
      const configs = await this.#connections.sendToAny(describeTopicConfigRequest(topics, setting));
      const failed = configs.find(({ errorCode }) => errorCode !== 0);
      if (failed !== undefined) throw readError(failed.errorCode, `describe the settings of topic ${failed.topic}`, { message: failed.message });
      return new Map(configs.map(({ topic, value }) => [topic, value]));
    });
  }

  /** The topics among `names` that exist. */
  async #describe(names: readonly string[]): Promise<Map<string, TopicMetadata>> {
    return this.#patiently(async () => {
      const { topics } = await this.#connections.refresh(names);
      for (const topic of topics) {
        if (topic.errorCode !== 0 && !isUnknownTopic(topic)) throw readError(topic.errorCode, `describe topic ${topic.topic}`);
      }
      return new Map(topics.filter((topic) => topic.errorCode === 0).map((topic) => [topic.topic, topic]));
    });
  }

  async #untilSettled(names: readonly string[], isSettled: (found: Map<string, TopicMetadata>) => boolean, expected: string): Promise<Map<string, TopicMetadata>> {
    const patience = new Patience(SETTLE_PATIENCE_MS, this.#connections.closing);
    for (;;) {
      const found = await this.#describe(names);
      if (isSettled(found)) return found;
      await patience.wait(new BrokerError('retriable', 'LEADER_NOT_AVAILABLE', `Topics do not ${expected} after ${SETTLE_PATIENCE_MS / 1000} s: ${names.join(', ')}.`));
    }
  }

  async #toController(request: KafkaRequest<TopicResult[]>, doing: string, tolerated: number): Promise<void> {
    await this.#patiently(async () => {
      for (const { topic, errorCode, message } of await this.#connections.sendToController(request)) {
        if (errorCode !== 0 && errorCode !== tolerated) throw protocolError(errorCode, `${doing} ${topic}`, { message });
      }
    });
  }

  /** One request per leader, until every partition has been answered without error. */
  async #toLeaders<T extends TopicPartition, Result extends PartitionResult>(
    partitions: readonly T[],
    request: (group: readonly T[]) => KafkaRequest<Result[]>,
    onResult: (result: Result) => void,
    doing: string,
  ): Promise<void> {
    const done = new Set<string>();
    await this.#patiently(async () => {
      const open = partitions.filter((tp) => !done.has(partitionName(tp)));
      if (open.some((tp) => this.#connections.leaderOf(tp) === undefined)) await this.#findLeaders(open, doing);
      const groups = Map.groupBy(open, (tp) => this.#connections.leaderOf(tp)!);
      const answers = await Promise.allSettled([...groups].map(([leader, group]) => this.#connections.send(leader, request(group))));
      const problems: unknown[] = [];
      for (const answer of answers) {
        if (answer.status === 'rejected') {
          problems.push(answer.reason);
          continue;
        }
        for (const result of answer.value) {
          const { topic, partition, errorCode } = result;
          if (errorCode !== 0) {
            problems.push(readError(errorCode, doing, { partition: { topic, partition } }));
          } else {
            done.add(partitionName(result));
            onResult(result);
          }
        }
      }
      if (problems.length > 0) {
        await this.#connections.refresh([...new Set(open.map(({ topic }) => topic))]);
        throw problems.find((problem) => !isRetriable(problem)) ?? problems[0];
      }
    });
  }

  async #findLeaders(partitions: readonly TopicPartition[], doing: string): Promise<void> {
    const found = await this.#describe([...new Set(partitions.map(({ topic }) => topic))]);
    for (const { topic, partition } of partitions) {
      const count = found.get(topic)?.partitions.length;
      if (count === undefined || partition >= count) {
        throw new BrokerError(
          'fatal',
          'UNKNOWN_TOPIC_OR_PARTITION',
          `Could not ${doing}: ${count === undefined ? `topic ${topic} does not exist` : `topic ${topic} has ${count} partitions, and partition ${partition} was asked for`}.`,
          { partition: { topic, partition } },
        );
      }
      if (this.#connections.leaderOf({ topic, partition }) === undefined) throw protocolError(5, doing, { partition: { topic, partition } });
    }
  }

  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const patience = this.#patience();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await patience.wait(error);
      }
    }
  }

  #patience(): Patience {
    return new Patience(PATIENCE_MS, this.#connections.closing);
  }
}

function hasLeaders(topic: TopicMetadata | undefined): boolean {
  return topic !== undefined && topic.partitions.length > 0 && topic.partitions.every(({ leader }) => leader >= 0);
}

function throwFirst(results: readonly PartitionResult[], doing: string): void {
  const failed = results.filter(({ errorCode }) => errorCode !== 0);
  const worst = failed.find(({ errorCode }) => codeKind(errorCode) !== 'retriable') ?? failed[0];
  if (worst !== undefined) throw protocolError(worst.errorCode, doing, { partition: { topic: worst.topic, partition: worst.partition } });
}
