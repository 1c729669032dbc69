// Who is in the cluster, who leads what, who coordinates whom, and what the cluster can do.

import { PROMPT_TIMEOUT_MS, type KafkaRequest } from './request.ts';

export interface NodeAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  readonly isInternal: boolean;
  readonly partitions: readonly { readonly partition: number; readonly errorCode: number; readonly leader: number }[];
}

export interface ClusterMetadata {
  readonly nodes: readonly NodeAddress[];
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

/** `topics` null = all. Topics are never created by asking. */
export function metadataRequest(topics: readonly string[] | null): KafkaRequest<ClusterMetadata> {
  return {
    apiKey: 3,
    apiName: 'Metadata',
    version: 8,
    flexible: false,
    timeoutMs: PROMPT_TIMEOUT_MS,
    write(w) {
      w.array(topics, (topic) => w.string(topic));
      w.boolean(false).boolean(false).boolean(false);
    },
    read(r) {
      r.throttle();
      const nodes = r.array(() => ({ nodeId: r.int32(), host: r.string(), port: r.int32(), rack: r.nullableString() }));
      r.nullableString(); // cluster id
      const controllerId = r.int32();
      const answers = r.array(() => {
        const topic = {
          errorCode: r.int16(),
          topic: r.string(),
          isInternal: r.boolean(),
          partitions: r.array(() => {
            const partition = { errorCode: r.int16(), partition: r.int32(), leader: r.int32() };
            r.int32(); // leader epoch
            r.array(() => r.int32()); // replicas
            r.array(() => r.int32()); // in sync
            r.array(() => r.int32()); // offline
            return partition;
          }),
        };
        r.int32(); // authorized operations
        return topic;
      });
      return { nodes, controllerId, topics: answers };
    },
  };
}

export type CoordinatorKind = 'group' | 'transaction';

export interface CoordinatorAnswer extends NodeAddress {
  readonly errorCode: number;
  readonly message: string | null;
}

export function findCoordinatorRequest(kind: CoordinatorKind, key: string): KafkaRequest<CoordinatorAnswer> {
  return {
    apiKey: 10,
    apiName: 'FindCoordinator',
    version: 2,
    flexible: false,
    timeoutMs: PROMPT_TIMEOUT_MS,
    write(w) {
      w.string(key).int8(kind === 'group' ? 0 : 1);
    },
    read(r) {
      r.throttle();
      return {
        errorCode: r.int16(),
        message: r.nullableString(),
        nodeId: r.int32(),
        host: r.string(),
        port: r.int32(),
        rack: null,
      };
    },
  };
}

export interface ClusterAbilities {
  /** Highest version per API key that this broker speaks. */
  readonly maxVersions: ReadonlyMap<number, number>;
  /** Finalized cluster features, such as `transaction.version`. */
  readonly features: ReadonlyMap<string, number>;
}

export function apiVersionsRequest(): KafkaRequest<ClusterAbilities & { errorCode: number }> {
  return {
    apiKey: 18,
    apiName: 'ApiVersions',
    version: 3,
    flexible: true,
    write(w) {
      w.string('millrace').string('0.1.0').endStruct();
    },
    read(r) {
      const errorCode = r.int16();
      const maxVersions = new Map<number, number>();
      r.array(() => {
        const apiKey = r.int16();
        r.int16(); // lowest version
        maxVersions.set(apiKey, r.int16());
        r.endStruct();
      });
      r.throttle();
      const features = new Map<string, number>();
      r.taggedFields((tag, field) => {
        if (tag !== 2) return; // 2 = finalized features (KIP-584)
        field.array(() => {
          features.set(field.string(), field.int16());
          field.int16(); // lowest finalized level
          field.endStruct();
        });
      });
      return { errorCode, maxVersions, features };
    },
  };
}
