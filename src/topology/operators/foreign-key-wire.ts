// What a foreign-key join writes into its own topics and stores. Every format begins with a version byte: instances of two releases may share the topics for a while.

import type { Serde } from '../../record/serde.ts';
import { undecodable } from '../../serdes/misfit.ts';
import { HASH_BYTES } from './foreign-key-hash.ts';

const VERSION = 1;

/**
 * What the left side asks of the right: to tell it about this foreign key from now on, or not any more. `subscribe` is answered in any case; `subscribe quietly` too,
 * but where there is no right row the answer only takes back a result, if there is one.
 */
export type Instruction = 'unsubscribe' | 'unsubscribe and answer' | 'subscribe' | 'subscribe quietly';

/** By their number on the wire. */
const INSTRUCTIONS: readonly Instruction[] = ['unsubscribe', 'unsubscribe and answer', 'subscribe', 'subscribe quietly'];

/** From left to right, keyed by foreign key. */
export interface Registration<K> {
  readonly instruction: Instruction;
  readonly primaryKey: K;
  /** Of the left row's value; null: the row is gone. */
  readonly hash: Buffer | null;
  /** Of the task that asks: where answers go. */
  readonly partition: number;
}

/** What the right side remembers of a registration, by foreign key and primary key. */
export interface Subscription {
  readonly hash: Buffer | null;
  readonly partition: number;
}

/** What the left side remembers of a row. */
export interface LeftRow {
  /** Of the value that was told to the right side last; null: that there is none. */
  readonly hash: Buffer | null;
  /** Only known of inner joins. */
  readonly hasResult: boolean;
}

/** From right to left, keyed by primary key. */
export interface Answer<V> {
  /** Of the left value that it answers. */
  readonly hash: Buffer | null;
  /** The right row; null: there is none. */
  readonly value: V | null;
  /** There is no right row, and nobody but a result that is still there needs to know. */
  readonly isQuiet: boolean;
}

/** Version, instruction, partition, hash, primary key. `compared` is opened too: the left value's serde, whose bytes are only hashed. */
export function registrationSerde<K>(primaryKey: Serde<K>, compared: Serde<any>): Serde<Registration<K>> {
  const name = `registration(${primaryKey.name})`;
  const key = partSerde(primaryKey, 'pk');
  return {
    name,
    async open(topic) {
      await key.open?.(topic, 'key');
      await compared.open?.(topic, 'value');
    },
    serialize(topic, { instruction, primaryKey: own, hash, partition }) {
      const head = Buffer.allocUnsafe(6);
      head[0] = VERSION;
      head[1] = INSTRUCTIONS.indexOf(instruction);
      head.writeUInt32BE(partition, 2);
      return Buffer.concat([head, ...hashBytes(hash), key.serialize(topic, own)]);
    },
    prepare(topic, data) {
      const from = data[0] === VERSION ? hashEnd(data, 6) : undefined;
      return from === undefined ? undefined : key.prepare?.(topic, data.subarray(from));
    },
    deserialize(topic, data) {
      const from = checked(topic, name, data, 6);
      const instruction = INSTRUCTIONS[data[1]!];
      if (instruction === undefined) throw undecodable(topic, name, `there is no instruction ${data[1]}`);
      return { instruction, partition: data.readUInt32BE(2), hash: readHash(data, 6), primaryKey: key.deserialize(topic, data.subarray(from)) };
    },
  };
}

/** Version, partition, hash. */
export const SUBSCRIPTION: Serde<Subscription> = {
  name: 'subscription',
  serialize(_topic, { hash, partition }) {
    const head = Buffer.allocUnsafe(5);
    head[0] = VERSION;
    head.writeUInt32BE(partition, 1);
    return Buffer.concat([head, ...hashBytes(hash)]);
  },
  deserialize(topic, data) {
    checked(topic, 'subscription', data, 5);
    return { partition: data.readUInt32BE(1), hash: readHash(data, 5) };
  },
};

const QUIET = 1;
const HAS_VALUE = 2;

/** Version, what it is, hash, the right row's value. */
export function answerSerde<V>(value: Serde<V>): Serde<Answer<V>> {
  const name = `answer(${value.name})`;
  return {
    name,
    open: async (topic, side) => value.open?.(topic, side),
    serialize(topic, answer) {
      const head = Buffer.of(VERSION, (answer.isQuiet ? QUIET : 0) | (answer.value === null ? 0 : HAS_VALUE));
      return Buffer.concat([head, ...hashBytes(answer.hash), ...(answer.value === null ? [] : [value.serialize(topic, answer.value)])]);
    },
    prepare(topic, data) {
      const from = data[0] === VERSION && (data[1]! & HAS_VALUE) !== 0 ? hashEnd(data, 2) : undefined;
      return from === undefined ? undefined : value.prepare?.(topic, data.subarray(from));
    },
    deserialize(topic, data) {
      const from = checked(topic, name, data, 2);
      return { hash: readHash(data, 2), isQuiet: (data[1]! & QUIET) !== 0, value: (data[1]! & HAS_VALUE) === 0 ? null : value.deserialize(topic, data.subarray(from)) };
    },
  };
}

/** Version, whether it has a result, hash. */
export const LEFT_ROW: Serde<LeftRow> = {
  name: 'left row',
  serialize: (_topic, { hash, hasResult }) => Buffer.concat([Buffer.of(VERSION, hasResult ? 1 : 0), ...hashBytes(hash)]),
  deserialize(topic, data) {
    checked(topic, 'left row', data, 2);
    return { hash: readHash(data, 2), hasResult: data[1] === 1 };
  },
};

/** Several serdes write into one topic: each under a name of its own, or the registry would take their schemas for versions of one. */
export function partSerde<T>(serde: Serde<T>, part: 'fk' | 'pk' | 'vh'): Serde<T> {
  return {
    name: serde.name,
    open: async (topic, side) => serde.open?.(`${topic}-${part}`, side),
    serialize: (topic, data) => serde.serialize(`${topic}-${part}`, data),
    prepare: (topic, data) => serde.prepare?.(`${topic}-${part}`, data),
    deserialize: (topic, data) => serde.deserialize(`${topic}-${part}`, data),
  };
}

/** Its length (0: none), then the hash. */
function hashBytes(hash: Buffer | null): Buffer[] {
  return hash === null ? [Buffer.of(0)] : [Buffer.of(HASH_BYTES), hash];
}

/** Where what follows the hash begins; undefined when it is cut off. */
function hashEnd(data: Buffer, at: number): number | undefined {
  const length = data[at];
  const end = at + 1 + (length ?? 0);
  return (length === 0 || length === HASH_BYTES) && data.length >= end ? end : undefined;
}

function readHash(data: Buffer, at: number): Buffer | null {
  return data[at] === 0 ? null : data.subarray(at + 1, at + 1 + HASH_BYTES);
}

/** Where what follows the hash begins. */
function checked(topic: string, name: string, data: Buffer, hashAt: number): number {
  if (data[0] !== VERSION) throw undecodable(topic, name, `its format version is ${data[0] ?? 'missing'}, and this release reads version ${VERSION}`);
  const end = hashEnd(data, hashAt);
  if (end === undefined) throw undecodable(topic, name, 'it is cut off');
  return end;
}
