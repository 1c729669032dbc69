// The classic group protocol, and the two small structures that consumers put inside it: subscription and assignment.

import type { TopicPartition } from '../../record/record.ts';
import { groupByTopic, PROMPT_TIMEOUT_MS, type KafkaRequest } from './request.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** Only the leader gets them. */
  readonly members: readonly { readonly memberId: string; readonly subscription: Buffer }[];
}

export function joinGroupRequest(join: {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly assignorName: string;
  readonly subscription: Buffer;
}): KafkaRequest<JoinAnswer> {
  return {
    apiKey: 11,
    apiName: 'JoinGroup',
    version: 5,
    flexible: false,
    timeoutMs: join.rebalanceTimeoutMs + 10_000, // held back until every member has joined
    write(w) {
      w.string(join.groupId).int32(join.sessionTimeoutMs).int32(join.rebalanceTimeoutMs).string(join.memberId).nullableString(null);
      w.string('consumer').array([join], ({ assignorName, subscription }) => w.string(assignorName).nullableBytes(subscription));
    },
    read(r) {
      r.throttle();
      const errorCode = r.int16();
      const generationId = r.int32();
      r.nullableString(); // chosen assignor: we offer only one
      return {
        errorCode,
        generationId,
        leaderId: r.string(),
        memberId: r.string(),
        members: r.array(() => {
          const memberId = r.string();
          r.nullableString(); // static instance id
          return { memberId, subscription: r.nullableBytes() ?? Buffer.alloc(0) };
        }),
      };
    },
  };
}

export interface MemberRef {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
}

export function syncGroupRequest(
  member: MemberRef,
  assignments: ReadonlyMap<string, Buffer>,
  timeoutMs: number,
): KafkaRequest<{ errorCode: number; assignment: Buffer }> {
  return {
    apiKey: 14,
    apiName: 'SyncGroup',
    version: 3,
    flexible: false,
    timeoutMs, // held back until the leader has assigned
    write(w) {
      w.string(member.groupId).int32(member.generationId).string(member.memberId).nullableString(null);
      w.array([...assignments], ([memberId, assignment]) => w.string(memberId).nullableBytes(assignment));
    },
    read(r) {
      r.throttle();
      return { errorCode: r.int16(), assignment: r.nullableBytes() ?? Buffer.alloc(0) };
    },
  };
}

export function heartbeatRequest(member: MemberRef): KafkaRequest<{ errorCode: number }> {
  return {
    apiKey: 12,
    apiName: 'Heartbeat',
    version: 3,
    flexible: false,
    timeoutMs: PROMPT_TIMEOUT_MS,
    write(w) {
      w.string(member.groupId).int32(member.generationId).string(member.memberId).nullableString(null);
    },
    read(r) {
      r.throttle();
      return { errorCode: r.int16() };
    },
  };
}

export function leaveGroupRequest(groupId: string, memberId: string): KafkaRequest<{ errorCode: number }> {
  return {
    apiKey: 13,
    apiName: 'LeaveGroup',
    version: 3,
    flexible: false,
    write(w) {
      w.string(groupId).array([memberId], (id) => w.string(id).nullableString(null));
    },
    read(r) {
      r.throttle();
      const groupError = r.int16();
      const memberErrors = r.array(() => {
        r.string();
        r.nullableString();
        return r.int16();
      });
      return { errorCode: groupError === 0 ? (memberErrors[0] ?? 0) : groupError };
    },
  };
}

export function encodeSubscription(topics: readonly string[], userData: Buffer): Buffer {
  const w = new Writer(false);
  return w.int16(0).array(topics, (topic) => w.string(topic)).nullableBytes(userData).bytes();
}

export function decodeSubscription(bytes: Buffer): { topics: string[]; userData: Buffer } {
  const r = new Reader(bytes, false);
  r.int16(); // version; later ones only append fields
  return { topics: r.array(() => r.string()), userData: r.nullableBytes() ?? Buffer.alloc(0) };
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const w = new Writer(false);
  w.int16(0).array(groupByTopic(partitions), (group) => {
    w.string(group.topic).array(group.partitions, ({ partition }) => w.int32(partition));
  });
  return w.nullableBytes(Buffer.alloc(0)).bytes();
}

/** A member that joined while the leader had not yet known it gets no bytes at all. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  const r = new Reader(bytes, false);
  r.int16();
  return r
    .array(() => {
      const topic = r.string();
      return r.array(() => ({ topic, partition: r.int32() }));
    })
    .flat();
}
