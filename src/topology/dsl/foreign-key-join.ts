// Joining two tables where rows of the left one name rows of the right one: orders with their customers. Rows stand in other partitions than what they name, so
// updates go to the right side through one internal topic and answers come back through another (KIP-213).

import type { StreamRecord } from '../../record/record.ts';
import type { SerdeFor } from '../../record/serde.ts';
import { storeSpec } from './materialized.ts';
import { ForeignKeyPlan } from '../operators/foreign-key-plan.ts';
import { Registrar } from '../operators/foreign-key-registrar.ts';
import { Resolver } from '../operators/foreign-key-resolver.ts';
import { RightUpdates, Subscriber, Subscriptions, type AddressedAnswer } from '../operators/foreign-key-subscriptions.ts';
import { answerSerde, registrationSerde } from '../operators/foreign-key-wire.ts';
import { tableSource } from '../operators/table-source.ts';
import type { AnyStoreSpec } from '../store-spec.ts';
import { KTable } from './table.ts';
import { StoredTable } from '../table-origin.ts';

/** Both sides travel, so all serdes are asked for. */
export interface ForeignKeyJoinOptions<K, V, FK, V2, R> {
  /**
   * Names the topics `<applicationId>-<name>-subscription-registration` and `…-subscription-response`, and the stores: `<name>` for the results, where they are stored,
   * `<name>-registered`, `<name>-subscriptions`.
   */
  readonly name: string;
  /** Of the left table's keys, which are the result's too. */
  readonly key: SerdeFor<NonNullable<K>>;
  /** Of the left table's values. What has changed meanwhile is told by its bytes, so equal values must have equal ones. */
  readonly value: SerdeFor<NonNullable<V>>;
  /** Of the right table's keys, and as their writer wrote them: the foreign key's bytes say in which partition its row is. */
  readonly foreignKey: SerdeFor<NonNullable<FK>>;
  /** Of the right table's values. */
  readonly otherValue: SerdeFor<NonNullable<V2>>;
  readonly result: SerdeFor<NonNullable<R>>;
  /** Results are kept in a store always, not only where an operator below needs them. */
  readonly materialized?: boolean;
  /** In a versioned store, with this much of their past (ms of event time). */
  readonly historyMs?: number;
}

interface Parts<K, V, FK, V2, R> {
  readonly left: KTable<K, V>;
  readonly right: KTable<FK, V2>;
  readonly foreignKey: (value: V, key: K) => FK | null | undefined;
  readonly joiner: (left: V, right: V2 | null, key: K) => R;
  readonly isLeft: boolean;
  readonly options: ForeignKeyJoinOptions<K, V, FK, V2, R>;
}

/** @internal */
export function joinByForeignKey<K, V, FK, V2, R>({ left, right, foreignKey, joiner, isLeft, options }: Parts<K, V, FK, V2, R>): KTable<K, NonNullable<R>> {
  const { name } = options;
  const { graph, node, sources, origin: rows } = left.parts;
  const { node: rightNode, sources: rightSources, origin: rightRows } = right.parts;
  graph.meet(right.parts.graph);
  const plan = new ForeignKeyPlan<K, V, FK>(name, isLeft, options as never);
  const origin = new StoredTable<K, NonNullable<R>>(storeSpec({ ...options, value: options.result }) as never, options.materialized === true || options.historyMs !== undefined);
  rows.requireOldValues();
  // Nothing here looks at them; but a filter above is then silent about rows that never passed, as in Kafka Streams.
  rightRows.requireOldValues();
  const leftView = rows.view();
  const rightView = rightRows.view();

  const registrations = registrationSerde(plan.key, plan.comparedValue);
  const registrar = graph.processor(`${name}-subscription-registration`, [node], () => new Registrar({ plan, extract: foreignKey, isVersioned: rows.isVersioned }), [plan.leftRows]);
  graph.sink(plan.registrations, [registrar], { key: plan.foreignKey, value: registrations }, `${name}-subscription-registration-sink`);
  const registered = graph.source([plan.registrations], { key: plan.foreignKey, value: registrations }, `${name}-subscription-registration-source`);
  graph.copartition([...rightSources, registered]);

  const subscriptions = new Subscriptions(plan);
  const rightStores = (): AnyStoreSpec[] => [subscriptions.spec, ...rightView.stores()];
  const subscriber = graph.processor(`${name}-subscription`, [registered], () => new Subscriber(subscriptions, rightView), rightStores);
  const updates = graph.processor(`${name}-right-update`, [rightNode], () => new RightUpdates(subscriptions, rightRows.isVersioned), [subscriptions.spec]);
  const answers = answerSerde<V2>(options.otherValue as never);
  // Back to the task that asked, wherever the left table's own writer may have put the row.
  const partition = ({ value }: StreamRecord<K, AddressedAnswer<V2>>): number => value.partition;
  graph.sink(plan.answers, [subscriber, updates], { key: plan.key, value: answers, partition }, `${name}-subscription-response-sink`);
  const answered = graph.source([plan.answers], { key: plan.key, value: answers }, `${name}-subscription-response-source`);
  graph.copartition([...sources, answered]);

  const resolver = graph.processor(`${name}-resolve`, [answered], () => new Resolver({ plan, left: leftView, joiner }), () => [plan.leftRows, ...leftView.stores()]);
  const result = graph.processor(name, [resolver], tableSource(origin), origin.stores);
  return new KTable<K, NonNullable<R>>({ graph, node: result, sources: new Set([...sources, answered]), origin });
}
