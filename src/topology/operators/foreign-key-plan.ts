// What both sides of a foreign-key join agree on: topics, serdes, and how one value and one foreign key are told from another.

import type { Serde } from '../../record/serde.ts';
import { topicName, type InternalTopicRef } from '../graph/node.ts';
import type { ProcessorContext } from '../processor.ts';
import type { KeyValueStoreSpec } from '../store-spec.ts';
import { hash128 } from './foreign-key-hash.ts';
import { leftRowsSpec } from './foreign-key-left-rows.ts';
import { partSerde, type LeftRow } from './foreign-key-wire.ts';

type Context = ProcessorContext<any, any>;

export class ForeignKeyPlan<K, V, FK> {
  readonly name: string;
  /** Left rows have results of their own, with null where there is no right row. */
  readonly isLeft: boolean;
  readonly registrations: InternalTopicRef;
  readonly answers: InternalTopicRef;
  readonly leftRows: KeyValueStoreSpec<K, LeftRow>;
  readonly key: Serde<K>;
  readonly foreignKey: Serde<FK>;
  /** Left values are serialized to be compared, not to be written. */
  readonly comparedValue: Serde<V>;

  constructor(name: string, isLeft: boolean, serdes: { readonly key: Serde<K>; readonly value: Serde<V>; readonly foreignKey: Serde<FK> }) {
    this.name = name;
    this.isLeft = isLeft;
    this.registrations = { suffix: `${name}-subscription-registration`, use: 'repartition' };
    this.answers = { suffix: `${name}-subscription-response`, use: 'repartition' };
    this.leftRows = leftRowsSpec(name, serdes.key);
    this.key = serdes.key;
    this.foreignKey = serdes.foreignKey;
    this.comparedValue = partSerde(serdes.value, 'vh');
  }

  /** A left row's value as registrations and answers name it. */
  hashing(context: Context): (value: V) => Buffer {
    const topic = topicName(this.registrations, context.applicationId);
    return (value) => hash128(this.comparedValue.serialize(topic, value));
  }

  /** Foreign keys are the same if their bytes are: that is what partitions and stores go by. */
  comparing(context: Context): (one: FK, other: FK) => boolean {
    const topic = topicName(this.registrations, context.applicationId);
    return (one, other) => this.foreignKey.serialize(topic, one).equals(this.foreignKey.serialize(topic, other));
  }
}
