// The right side of a foreign-key join: it keeps who wants to hear about which row, answers each registration, and tells all subscribers of a row when it changes.

import type { StreamRecord } from '../../record/record.ts';
import { pairSerde, type PairSerde } from '../../serdes/composite-key.ts';
import { changelogTopic } from '../graph/node.ts';
import type { Processor, ProcessorContext } from '../processor.ts';
import { Stores, type OrderedKeyValueStore, type OrderedKeyValueStoreSpec } from '../store-spec.ts';
import type { Change, TableReader, TableRecord, TableView } from '../table-origin.ts';
import type { ForeignKeyPlan } from './foreign-key-plan.ts';
import { partSerde, SUBSCRIPTION, type Answer, type Registration, type Subscription } from './foreign-key-wire.ts';

/** An answer, and the partition of the task that it is for. */
export interface AddressedAnswer<V> extends Answer<V> {
  readonly partition: number;
}

type SubscriptionKey<K, FK> = readonly [foreignKey: FK, primaryKey: K];

/** Ordered by foreign key, then by primary key: those of one right row lie side by side. */
export class Subscriptions<K, FK> {
  readonly spec: OrderedKeyValueStoreSpec<SubscriptionKey<K, FK>, Subscription>;
  readonly #keys: PairSerde<FK, K>;

  constructor(plan: ForeignKeyPlan<K, any, FK>) {
    this.#keys = pairSerde(partSerde(plan.foreignKey, 'fk'), partSerde(plan.key, 'pk'));
    this.spec = Stores.keyValue({ name: `${plan.name}-subscriptions`, key: this.#keys, value: SUBSCRIPTION, ordered: true });
  }

  open(context: ProcessorContext<any, any>): OrderedKeyValueStore<SubscriptionKey<K, FK>, Subscription> {
    return context.store(this.spec);
  }

  prefix(context: ProcessorContext<any, any>): (foreignKey: FK) => Buffer {
    const topic = changelogTopic(context.applicationId, this.spec.name);
    return (foreignKey) => this.#keys.prefix(topic, foreignKey);
  }
}

/** Takes in registrations. */
export class Subscriber<K, FK, V2> implements Processor<FK | null, Registration<K>, K, AddressedAnswer<V2>> {
  readonly #subscriptions: Subscriptions<K, FK>;
  readonly #right: TableView<FK, V2>;
  #context!: ProcessorContext<K, AddressedAnswer<V2>>;
  #store!: OrderedKeyValueStore<SubscriptionKey<K, FK>, Subscription>;
  #rows!: TableReader<FK, V2>;

  constructor(subscriptions: Subscriptions<K, FK>, right: TableView<FK, V2>) {
    this.#subscriptions = subscriptions;
    this.#right = right;
  }

  init(context: ProcessorContext<K, AddressedAnswer<V2>>): void {
    this.#context = context;
    this.#store = this.#subscriptions.open(context);
    this.#rows = this.#right.reader(context);
  }

  process({ key: foreignKey, value: registration, timestamp, headers }: StreamRecord<FK | null, Registration<K>>): void {
    const { instruction, primaryKey, hash, partition } = registration;
    const isLeaving = instruction === 'unsubscribe' || instruction === 'unsubscribe and answer';
    if (foreignKey !== null) {
      if (isLeaving) this.#store.delete([foreignKey, primaryKey]);
      else this.#store.put([foreignKey, primaryKey], { hash, partition });
    }
    if (instruction === 'unsubscribe') return;
    const row = foreignKey === null ? undefined : this.#rows.get(foreignKey);
    this.#context.forward({
      key: primaryKey,
      value: { hash, partition, value: isLeaving ? null : (row?.value ?? null), isQuiet: instruction === 'subscribe quietly' && row === undefined },
      timestamp: row === undefined ? timestamp : Math.max(timestamp, row.timestamp),
      headers,
    });
  }
}

/** Passes on updates of right rows. */
export class RightUpdates<K, FK, V2> implements Processor<FK, Change<V2>, K, AddressedAnswer<V2>> {
  readonly #subscriptions: Subscriptions<K, FK>;
  readonly #isVersioned: boolean;
  #context!: ProcessorContext<K, AddressedAnswer<V2>>;
  #store!: OrderedKeyValueStore<SubscriptionKey<K, FK>, Subscription>;
  #prefix!: (foreignKey: FK) => Buffer;

  constructor(subscriptions: Subscriptions<K, FK>, isVersioned: boolean) {
    this.#subscriptions = subscriptions;
    this.#isVersioned = isVersioned;
  }

  init(context: ProcessorContext<K, AddressedAnswer<V2>>): void {
    this.#context = context;
    this.#store = this.#subscriptions.open(context);
    this.#prefix = this.#subscriptions.prefix(context);
  }

  process({ key: foreignKey, value: change, timestamp, headers }: TableRecord<FK, V2>): void {
    if (this.#isVersioned && !change.isLatest) return this.#context.count('dropped');
    for (const { key, value: subscription } of this.#store.prefix(this.#prefix(foreignKey))) {
      const { hash, partition } = subscription;
      this.#context.forward({ key: key[1], value: { hash, partition, value: change.newValue, isQuiet: false }, timestamp, headers });
    }
  }
}
