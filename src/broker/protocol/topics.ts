// Creating and deleting topics, and cutting partitions.

import type { TopicPartition } from '../../record/record.ts';
import { groupByTopic, type KafkaRequest } from './request.ts';

export interface TopicToCreate {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicResult {
  readonly topic: string;
  readonly errorCode: number;
  readonly message: string | null;
}

export function createTopicsRequest(topics: readonly TopicToCreate[], timeoutMs: number): KafkaRequest<TopicResult[]> {
  return {
    apiKey: 19,
    apiName: 'CreateTopics',
    version: 4,
    flexible: false,
    write(w) {
      w.array(topics, ({ topic, partitions, replicationFactor, config }) => {
        w.string(topic).int32(partitions).int16(replicationFactor);
        w.array([], () => {}); // explicit replica assignments
        w.array(Object.entries(config), ([name, value]) => w.string(name).string(value));
      });
      w.int32(timeoutMs).boolean(false);
    },
    read(r) {
      r.throttle();
      return r.array(() => ({ topic: r.string(), errorCode: r.int16(), message: r.nullableString() }));
    },
  };
}

export interface TopicConfig extends TopicResult {
  /** Of the one setting that was asked for; null when the broker does not say. */
  readonly value: string | null;
}

const TOPIC_RESOURCE = 2;

/** One setting of each topic, with the broker's default where the topic has none of its own. */
export function describeTopicConfigRequest(topics: readonly string[], setting: string): KafkaRequest<TopicConfig[]> {
  return {
    apiKey: 32,
    apiName: 'DescribeConfigs',
    version: 1,
    flexible: false,
    write(w) {
      w.array(topics, (topic) => {
        w.int8(TOPIC_RESOURCE).string(topic).array([setting], (name) => w.string(name));
      });
      w.boolean(false); // synonyms
    },
    read(r) {
      r.throttle();
      return r.array(() => {
        const errorCode = r.int16();
        const message = r.nullableString();
        r.int8(); // resource type
        const topic = r.string();
        const [value = null] = r.array(() => {
          r.string(); // the setting's name
          const found = r.nullableString();
          r.boolean(); // read only
          r.int8(); // where it comes from
          r.boolean(); // sensitive
          r.array(() => [r.string(), r.nullableString(), r.int8()]); // synonyms
          return found;
        });
        return { topic, errorCode, message, value };
      });
    },
  };
}

export function deleteTopicsRequest(topics: readonly string[], timeoutMs: number): KafkaRequest<TopicResult[]> {
  return {
    apiKey: 20,
    apiName: 'DeleteTopics',
    version: 3,
    flexible: false,
    write(w) {
      w.array(topics, (topic) => w.string(topic)).int32(timeoutMs);
    },
    read(r) {
      r.throttle();
      return r.array(() => ({ topic: r.string(), errorCode: r.int16(), message: null }));
    },
  };
}

export interface PartitionResult extends TopicPartition {
  readonly errorCode: number;
}

export function deleteRecordsRequest(
  before: readonly (TopicPartition & { readonly offset: number })[],
  timeoutMs: number,
): KafkaRequest<PartitionResult[]> {
  return {
    apiKey: 21,
    apiName: 'DeleteRecords',
    version: 1,
    flexible: false,
    write(w) {
      w.array(groupByTopic(before), ({ topic, partitions }) => {
        w.string(topic).array(partitions, ({ partition, offset }) => w.int32(partition).int64(offset));
      });
      w.int32(timeoutMs);
    },
    read(r) {
      r.throttle();
      return r
        .array(() => {
          const topic = r.string();
          return r.array(() => {
            const partition = r.int32();
            r.int64(); // low watermark
            return { topic, partition, errorCode: r.int16() };
          });
        })
        .flat();
    },
  };
}
