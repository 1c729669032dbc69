// The bridge as a member of its group: topics that grow, ends that come while Kafka says nothing, errors that no retry cures.

import { expect, it } from 'vitest';
import { startBridgeTo, type BridgeOptions } from '../../src/escalation/bridge.ts';
import { BrokerError, type Broker, type MembershipOptions } from '../../src/ports/broker.ts';
import { aCommand, cluster as newCluster, COMMANDS, committedOf, GROUP, put, until } from './commands.ts';
import { FakeTemporal } from './fake-temporal.ts';

const optionsOn = (broker: Broker): Omit<BridgeOptions, 'temporal'> => ({
  broker,
  groupId: GROUP,
  commandsTopics: [COMMANDS],
  workflows: { OrderWorkflow: { taskQueue: 'orders' } },
  commitIntervalMs: 10,
  drainTimeoutMs: 200,
});

function withParts(broker: Broker, parts: { committedOffsets?: Broker['admin']['committedOffsets']; join?: Broker['join'] }): Broker {
  return {
    admin: new Proxy(broker.admin, {
      get: (of, name) => (name === 'committedOffsets' && parts.committedOffsets !== undefined ? parts.committedOffsets : (Reflect.get(of, name) as () => unknown).bind(of)),
    }),
    fetcher: (options) => broker.fetcher(options),
    transactionalProducer: (options) => broker.transactionalProducer(options),
    producer: () => broker.producer(),
    join: parts.join ?? ((options) => broker.join(options)),
    close: () => broker.close(),
  };
}

it('reads new partitions of its command topic', async () => {
  const { cluster, broker } = await newCluster(1);
  const temporal = new FakeTemporal();
  const bridge = await startBridgeTo(temporal, optionsOn(broker));
  const logs = cluster.topics.get(COMMANDS)!;
  cluster.topics.set(COMMANDS, [...logs, ...(await newCluster(1)).cluster.topics.get(COMMANDS)!]);
  await put(broker, 1, aCommand('a', 1));
  // Any rebalance will do: in Kafka the leader starts one when it sees the new count.
  for (const member of cluster.group(GROUP).members.keys()) cluster.expel(GROUP, member);
  await until('it is delivered', () => committedOf(cluster, 1) === 1);
  expect(temporal.applied('a')).toEqual([1]);
  await bridge.close();
});

it('closes while Kafka does not say what was committed', async () => {
  const { cluster, broker } = await newCluster(1);
  let isSilent = false;
  let asked = 0;
  const committedOffsets: Broker['admin']['committedOffsets'] = (groupId, partitions) => {
    asked += 1;
    return isSilent ? new Promise(() => {}) : broker.admin.committedOffsets(groupId, partitions);
  };
  const bridge = await startBridgeTo(new FakeTemporal(), optionsOn(withParts(broker, { committedOffsets })));
  isSilent = true;
  for (const member of cluster.group(GROUP).members.keys()) cluster.expel(GROUP, member);
  await until('it asks again', () => asked === 2);
  await bridge.close();
  expect(cluster.group(GROUP).members.size).toBe(0);
});

it('stops, and says why, when its membership has ended', async () => {
  const { broker } = await newCluster(1);
  let options: MembershipOptions | undefined;
  const join: Broker['join'] = (given) => broker.join((options = given));
  const bridge = await startBridgeTo(new FakeTemporal(), optionsOn(withParts(broker, { join })));
  options!.onFatal(new BrokerError('fatal', 'GROUP_AUTHORIZATION_FAILED', 'Grant this user READ on the group.'));
  await expect(bridge.done).rejects.toThrow('Grant this user READ');
});

it('says what stopped it while it was still joining', async () => {
  const { broker } = await newCluster(1);
  const refused = new BrokerError('fatal', 'TOPIC_AUTHORIZATION_FAILED', 'Grant this user READ on the topic.');
  const starting = startBridgeTo(new FakeTemporal(), optionsOn(withParts(broker, { committedOffsets: () => Promise.reject(refused), join: (options) => new Promise((_, reject) => {
    options.signal?.addEventListener('abort', () => reject(new Error('given up')));
    void options.onAssigned([{ topic: COMMANDS, partition: 0 }], { groupId: GROUP, generationId: 1, memberId: 'm' });
  }) })));
  await expect(starting).rejects.toBe(refused);
});
