// What every implementation of the broker port must do, told by the port alone. Run against Kafka (test/broker) and against the broker in memory (src/testing).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerError, type Broker, type GroupAssignor, type OutgoingRecord, type TransactionalProducer } from '../../src/ports/broker.ts';
import { NO_HEADERS, partitionName, type RawRecord, type TopicPartition } from '../../src/record/record.ts';
import { eventually, failure, generator, joined, pause, plain, pollFor, pollUntil, readUntil, SESSION_TIMEOUT_MS, spread, unique, value, values, type Joined } from './broker-contract-kit.ts';

export interface ContractCluster {
  /** A new connection to the same cluster. */
  broker(): Broker;
  close(): Promise<void>;
}

export function brokerContract(name: string, makeBroker: () => Promise<ContractCluster>): void {
  describe(`${name} keeps the broker contract`, { timeout: 60_000 }, () => {
    let cluster: ContractCluster;
    let broker: Broker;
    const opened: Broker[] = [];

    beforeAll(async () => {
      cluster = await makeBroker();
      broker = cluster.broker();
      await broker.admin.waitUntilReachable();
    });
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });
    afterAll(async () => {
      await broker?.close();
      await cluster?.close();
    });

    /** A connection that ends with the test. */
    function another(): Broker {
      const one = cluster.broker();
      opened.push(one);
      return one;
    }

    async function newTopic(partitions = 1): Promise<string> {
      const topic = unique('topic');
      await broker.admin.ensureTopics([{ topic, partitions }]);
      return topic;
    }

    async function transactional(transactionalId = unique('tx'), at: Broker = another()): Promise<TransactionalProducer> {
      const producer = at.transactionalProducer({ transactionalId, transactionTimeoutMs: 20_000 });
      await producer.init();
      return producer;
    }

    async function produce(records: readonly OutgoingRecord[]): Promise<void> {
      await another().producer().send(records);
    }

    async function read(tp: TopicPartition, from: number, until: number, isolation: 'committed' | 'uncommitted' = 'committed'): Promise<RawRecord[]> {
      const fetcher = broker.fetcher({ isolation });
      try {
        fetcher.assign(tp, from);
        return (await readUntil(fetcher, new Map([[partitionName(tp), until]]))).get(partitionName(tp)) ?? [];
      } finally {
        await fetcher.close();
      }
    }

    async function end(tp: TopicPartition): Promise<number> {
      return (await broker.admin.listOffsets([tp], 'latest')).get(partitionName(tp))!;
    }

    describe('topics', () => {
      it('creates the missing ones, leaves the others alone, and counts partitions', async () => {
        const [first, second] = [unique('first'), unique('second')];
        expect(await broker.admin.partitionCount(first)).toBeUndefined();
        await broker.admin.ensureTopics([{ topic: first, partitions: 3 }]);
        await broker.admin.ensureTopics([
          { topic: first, partitions: 3 },
          { topic: second, partitions: 1, config: { 'cleanup.policy': 'compact' } },
        ]);
        expect(await broker.admin.partitionCount(first)).toBe(3);
        expect(await broker.admin.partitionCount(second)).toBe(1);
        expect(await broker.admin.listTopics()).toEqual(expect.arrayContaining([first, second]));
      });

      it('refuses an existing topic with another partition count, naming both numbers', async () => {
        const topic = await newTopic(2);
        const error = await failure(broker.admin.ensureTopics([{ topic, partitions: 5 }]));
        expect(error.kind).toBe('fatal');
        expect(error.message).toContain(topic);
        expect(error.message).toMatch(/\b2\b/);
        expect(error.message).toMatch(/\b5\b/);
      });

      it('knows for how long they show deletions, where they are compacted', async () => {
        const [plain, compacted, brief] = [await newTopic(), unique('compacted'), unique('brief')];
        await broker.admin.ensureTopics([
          { topic: compacted, partitions: 1, config: { 'cleanup.policy': 'compact' } },
          { topic: brief, partitions: 1, config: { 'cleanup.policy': 'compact,delete', 'delete.retention.ms': '1000' } },
        ]);
        expect(await broker.admin.deletionsKeptMs([plain, compacted, brief])).toEqual(new Map([[plain, Number.POSITIVE_INFINITY], [compacted, 86_400_000], [brief, 1_000]]));
      });

      it('deletes them', async () => {
        const topic = await newTopic();
        await broker.admin.deleteTopics([topic]);
        expect(await broker.admin.partitionCount(topic)).toBeUndefined();
      });
    });

    describe('producing and fetching', () => {
      it('brings records back as they were sent, with positions in the acknowledgement', async () => {
        const topic = await newTopic();
        const headers = [['a', Buffer.from('1')], ['a', null], ['ü', Buffer.alloc(0)]] as const;
        const sent: OutgoingRecord[] = [
          { topic, partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1_700_000_000_000, headers },
          { topic, partition: 0, key: null, value: Buffer.alloc(0), timestamp: 1_600_000_000_000, headers: NO_HEADERS },
          { topic, partition: 0, key: Buffer.alloc(0), value: null, timestamp: 1_650_000_000_000, headers: NO_HEADERS },
        ];
        const acks = await another().producer().send(sent);
        expect(acks).toEqual([{ topic, partition: 0, nextPosition: 3 }]);
        const records = await read({ topic, partition: 0 }, 0, 3);
        expect(records.map(plain)).toEqual(sent.map((record, offset) => plain({ ...record, offset })));
      });

      it('keeps the order of each partition over many records and several sends', async () => {
        const topic = await newTopic(3);
        const producer = another().producer();
        const sends: Promise<unknown>[] = [];
        for (let batch = 0; batch < 5; batch += 1) {
          sends.push(producer.send(Array.from({ length: 600 }, (_, i) => value(topic, i % 3, `${batch * 600 + i}`))));
        }
        await Promise.all(sends);
        const fetcher = broker.fetcher();
        const partitions = [0, 1, 2].map((partition) => ({ topic, partition }));
        for (const tp of partitions) fetcher.assign(tp, 0);
        const read = await readUntil(fetcher, new Map(partitions.map((tp) => [partitionName(tp), 1_000])));
        await fetcher.close();
        for (const tp of partitions) {
          const expected = Array.from({ length: 3_000 }, (_, i) => i).filter((i) => (i % 600) % 3 === tp.partition);
          expect(values(read.get(partitionName(tp))!)).toEqual(expected.map(String));
        }
      });

      it('starts at the assigned position, and moves when assigned again', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        await produce(['a', 'b', 'c', 'd'].map((text) => value(topic, 0, text)));
        const fetcher = broker.fetcher();
        fetcher.assign(tp, 2);
        expect(values((await readUntil(fetcher, new Map([[partitionName(tp), 4]]))).get(partitionName(tp))!)).toEqual(['c', 'd']);
        fetcher.assign(tp, 1);
        expect(values((await readUntil(fetcher, new Map([[partitionName(tp), 4]]))).get(partitionName(tp))!)).toEqual(['b', 'c', 'd']);
        await fetcher.close();
      });

      it('delivers nothing of a partition that is paused or no longer assigned', async () => {
        const topic = await newTopic(3);
        const [paused, dropped, kept] = [0, 1, 2].map((partition) => ({ topic, partition })) as [TopicPartition, TopicPartition, TopicPartition];
        await produce([0, 1, 2].map((partition) => value(topic, partition, `p${partition}`)));
        const fetcher = broker.fetcher();
        for (const tp of [paused, dropped, kept]) fetcher.assign(tp, 0);
        fetcher.pause(paused);
        fetcher.unassign(dropped);
        const seen = await readUntil(fetcher, new Map([[partitionName(kept), 1]]));
        seen.set('later', (await pollFor(fetcher, 400)).filter(({ partition }) => partition !== kept.partition).flatMap(({ records }) => records));
        expect(values(seen.get(partitionName(kept))!)).toEqual(['p2']);
        expect([...seen.values()].flat()).toHaveLength(1);
        fetcher.resume(paused);
        expect(values((await readUntil(fetcher, new Map([[partitionName(paused), 1]]))).get(partitionName(paused))!)).toEqual(['p0']);
        await fetcher.close();
      });

      it('gives only what has arrived when it may not wait, and knowledge about an empty partition', async () => {
        const topic = await newTopic();
        const fetcher = broker.fetcher();
        expect(await fetcher.poll(0)).toEqual([]);
        fetcher.assign({ topic, partition: 0 }, 0);
        const known = (await pollUntil(fetcher, (arrived) => arrived.length > 0))[0]!;
        expect(known).toMatchObject({ topic, partition: 0, records: [], nextPosition: 0, highWatermark: 0, lastStableOffset: 0 });
        await produce([value(topic, 0, 'x')]);
        const arrived = await pollUntil(fetcher, (all) => all.some(({ records }) => records.length > 0));
        expect(arrived.at(-1)).toMatchObject({ nextPosition: 1, highWatermark: 1, lastStableOffset: 1 });
        await fetcher.close();
      });

      it('says which partition has no such position', async () => {
        const topic = await newTopic();
        await produce([value(topic, 0, 'x')]);
        const fetcher = broker.fetcher();
        fetcher.assign({ topic, partition: 0 }, 17);
        const error = await failure(pollUntil(fetcher, () => false));
        expect(error).toMatchObject({ kind: 'out-of-range', partition: { topic, partition: 0 } });
        fetcher.assign({ topic, partition: 0 }, 0);
        expect((await readUntil(fetcher, new Map([[`${topic}-0`, 1]]))).get(`${topic}-0`)).toHaveLength(1);
        await fetcher.close();
      });

      it('removes records below a position', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        await produce(['a', 'b', 'c'].map((text) => value(topic, 0, text)));
        await broker.admin.deleteRecords([{ ...tp, offset: 2 }]);
        expect(await broker.admin.listOffsets([tp], 'earliest')).toEqual(new Map([[partitionName(tp), 2]]));
        expect(values(await read(tp, 2, 3))).toEqual(['c']);
      });
    });

    describe('transactions', () => {
      it('shows records after the commit only, and tells the log end from the stable end meanwhile', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        await produce([value(topic, 0, 'before')]);
        const producer = await transactional();
        const acks = await producer.send([value(topic, 0, 'in')]);
        expect(acks).toEqual([{ ...tp, nextPosition: 2 }]);
        expect(await broker.admin.listOffsets([tp], 'latest')).toEqual(new Map([[partitionName(tp), 2]]));
        expect(await broker.admin.listOffsets([tp], 'stable')).toEqual(new Map([[partitionName(tp), 1]]));

        const fetcher = broker.fetcher();
        fetcher.assign(tp, 0);
        expect(values((await readUntil(fetcher, new Map([[partitionName(tp), 1]]))).get(partitionName(tp))!)).toEqual(['before']);
        expect(values((await pollFor(fetcher, 300)).flatMap(({ records }) => records))).toEqual([]);
        await producer.commit();
        expect(values((await readUntil(fetcher, new Map([[partitionName(tp), 3]]))).get(partitionName(tp))!)).toEqual(['in']);
        await fetcher.close();
        await eventually(async () => {
          expect(await broker.admin.listOffsets([tp], 'stable')).toEqual(new Map([[partitionName(tp), 3]]));
        });
      });

      it('never shows an aborted one to a committed reader, and positions still pass it', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        const producer = await transactional();
        await producer.send([value(topic, 0, 'no')]);
        await producer.abort();
        await producer.send([value(topic, 0, 'yes')]);
        await producer.commit();
        const until = await logEndAfterMarkers(tp, 4);
        expect(values(await read(tp, 0, until))).toEqual(['yes']);
        expect(values(await read(tp, 0, until, 'uncommitted'))).toEqual(['no', 'yes']);
      });

      it('filters interleaved transactions of several producers from whatever position a reader starts', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        const shared = another();
        const producers = await Promise.all([0, 1, 2, 3].map(() => transactional(unique('tx'), shared)));
        const expected: { offset: number; text: string }[] = [];
        const open = producers.map(() => [] as { offset: number; text: string }[]);
        const random = generator(7);
        for (let step = 0; step < 60; step += 1) {
          const who = Math.floor(random() * producers.length);
          if (random() < 0.7) {
            const count = 1 + Math.floor(random() * 3);
            const texts = Array.from({ length: count }, (_, i) => `${who}:${step}:${i}`);
            const [ack] = await producers[who]!.send(texts.map((text) => ({ ...value(topic, 0, text), key: Buffer.alloc(4) })));
            open[who]!.push(...texts.map((text, i) => ({ offset: ack!.nextPosition - count + i, text })));
          } else if (random() < 0.5) {
            await producers[who]!.commit();
            expected.push(...open[who]!.splice(0));
          } else {
            await producers[who]!.abort();
            open[who]!.splice(0);
          }
        }
        for (const [who, producer] of producers.entries()) {
          await producer.commit();
          expected.push(...open[who]!.splice(0));
        }
        expected.sort((a, b) => a.offset - b.offset);
        await eventually(async () => {
          const stable = (await broker.admin.listOffsets([tp], 'stable')).get(partitionName(tp));
          expect(stable).toBe(await end(tp));
        });
        const until = await end(tp);
        for (let from = 0; from < until; from += 3) {
          const records = await read(tp, from, until);
          expect(records.map(({ offset, value: bytes }) => ({ offset, text: String(bytes) }))).toEqual(expected.filter(({ offset }) => offset >= from));
        }
      });

      it('fences the producer that had the id before, and undoes its open transaction', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        const transactionalId = unique('tx');
        const first = await transactional(transactionalId);
        await first.send([value(topic, 0, 'first')]);
        const second = await transactional(transactionalId);
        expect((await failure(first.commit())).kind).toBe('fenced');
        expect((await failure(first.send([value(topic, 0, 'zombie')]))).kind).toBe('fenced');
        await second.send([value(topic, 0, 'second')]);
        await second.commit();
        expect(values(await read(tp, 0, await logEndAfterMarkers(tp, 4)))).toEqual(['second']);
      });

      it('fences a producer whose successor came while it was idle', async () => {
        const topic = await newTopic();
        const transactionalId = unique('tx');
        const first = await transactional(transactionalId);
        await first.send([value(topic, 0, 'a')]);
        await first.commit();
        await transactional(transactionalId);
        expect((await failure(first.send([value(topic, 0, 'zombie')]).then(() => first.commit()))).kind).toBe('fenced');
      });

      it('commits or aborts nothing without complaint, and refuses to be used before init', async () => {
        const producer = await transactional();
        await producer.commit();
        await producer.abort();
        const raw = another().transactionalProducer({ transactionalId: unique('tx'), transactionTimeoutMs: 20_000 });
        expect(await failure(raw.send([value('any', 0, 'x')]))).toBeInstanceOf(BrokerError);
      });

      it('writes several partitions of several topics in one transaction', async () => {
        const [left, right] = [await newTopic(2), await newTopic(2)];
        const producer = await transactional();
        const all = [left, right].flatMap((topic) => [0, 1].map((partition) => ({ topic, partition })));
        for (let round = 0; round < 3; round += 1) {
          await producer.send(all.map(({ topic, partition }) => value(topic, partition, `${round}`)));
          await producer.commit();
        }
        for (const tp of all) expect(values(await read(tp, 0, await logEndAfterMarkers(tp, 6)))).toEqual(['0', '1', '2']);
      });

      it('commits offsets with their metadata together with the records, or not at all', async () => {
        const topic = await newTopic(2);
        const [p0, p1] = [{ topic, partition: 0 }, { topic, partition: 1 }];
        const member = await joined(another(), topic);
        const producer = await transactional();
        await producer.sendOffsets(member.group(), [{ ...p0, offset: 5, metadata: 'n=1' }]);
        await producer.abort();
        expect(await broker.admin.committedOffsets(member.group().groupId, [p0, p1])).toEqual(new Map());
        await producer.send([value(topic, 0, 'x')]);
        await producer.sendOffsets(member.group(), [{ ...p0, offset: 7, metadata: 'n=2' }]);
        await producer.commit();
        expect(await broker.admin.committedOffsets(member.group().groupId, [p0, p1])).toEqual(new Map([[partitionName(p0), { offset: 7, metadata: 'n=2' }]]));
        await member.membership.leave();
      });

      it('waits with committed offsets while a transaction that changes them is open', async () => {
        const topic = await newTopic();
        const tp = { topic, partition: 0 };
        const member = await joined(another(), topic);
        const producer = await transactional();
        await producer.sendOffsets(member.group(), [{ ...tp, offset: 3, metadata: '' }]);
        let answered = false;
        const asking = another()
          .admin.committedOffsets(member.group().groupId, [tp])
          .then((offsets) => {
            answered = true;
            return offsets;
          });
        await pause(300);
        expect(answered).toBe(false);
        await producer.commit();
        expect((await asking).get(partitionName(tp))).toEqual({ offset: 3, metadata: '' });
        await member.membership.leave();
      });

      it('refuses offsets of an old generation, and the transaction can then be aborted', async () => {
        const topic = await newTopic(2);
        const tp = { topic, partition: 0 };
        const member = await joined(another(), topic);
        const old = member.group();
        const second = await joined(another(), topic, { groupId: old.groupId });
        await eventually(async () => expect(member.group().generationId).toBeGreaterThan(old.generationId));
        const producer = await transactional();
        await producer.send([value(topic, 0, 'x')]);
        expect((await failure(producer.sendOffsets(old, [{ ...tp, offset: 1, metadata: '' }]))).kind).toBe('rebalance');
        expect(await failure(producer.commit())).toBeInstanceOf(BrokerError);
        await producer.abort();
        await producer.send([value(topic, 0, 'y')]);
        await producer.sendOffsets(member.group(), [{ ...tp, offset: 2, metadata: '' }]);
        await producer.commit();
        expect((await broker.admin.committedOffsets(old.groupId, [tp])).get(partitionName(tp))?.offset).toBe(2);
        expect(values(await read(tp, 0, await logEndAfterMarkers(tp, 4)))).toEqual(['y']);
        await second.membership.leave();
        await member.membership.leave();
      });

      it('never commits offsets without a generation', async () => {
        const topic = await newTopic();
        const producer = await transactional();
        const nobody = { groupId: unique('group'), generationId: -1, memberId: '' };
        expect((await failure(producer.sendOffsets(nobody, [{ topic, partition: 0, offset: 1, metadata: '' }]))).kind).toBe('rebalance');
      });

      /** Commit and abort answer before their marker is in the log. */
      async function logEndAfterMarkers(tp: TopicPartition, expected: number): Promise<number> {
        await eventually(async () => expect(await end(tp)).toBe(expected));
        return expected;
      }
    });

    describe('groups', () => {
      it('gives one member everything, under a generation that can commit', async () => {
        const topic = await newTopic(3);
        const member = await joined(another(), topic);
        expect(member.partitions()).toEqual([0, 1, 2]);
        expect(member.group()).toMatchObject({ memberId: expect.stringMatching(/.+/) });
        await broker.admin.commitOffsets(member.group(), [{ topic, partition: 1, offset: 4, metadata: 'm' }]);
        expect(await broker.admin.committedOffsets(member.group().groupId, [{ topic, partition: 1 }])).toEqual(
          new Map([[`${topic}-1`, { offset: 4, metadata: 'm' }]]),
        );
        const stale = { ...member.group(), generationId: member.group().generationId + 5 };
        expect((await failure(broker.admin.commitOffsets(stale, [{ topic, partition: 1, offset: 9, metadata: '' }]))).kind).toBe('rebalance');
        await member.membership.leave();
        expect(member.log.at(-1)).toBe('revoked');
      });

      it('shares with a second member, after the first has given up and committed what it had', async () => {
        const topic = await newTopic(4);
        const tp = { topic, partition: 0 };
        const producer = await transactional();
        let committedInside = false;
        const first = await joined(another(), topic, {
          onRevoked: async (group) => {
            if (committedInside) return;
            await pause(1_000); // longer than several heartbeats: the others wait
            await producer.sendOffsets(group, [{ ...tp, offset: 11, metadata: 'late' }]);
            await producer.commit();
            committedInside = true;
          },
        });
        const second = await joined(another(), topic, { groupId: first.group().groupId });
        expect(committedInside).toBe(true);
        await eventually(async () => expect(first.partitions().length + second.partitions().length).toBe(4));
        expect([...first.partitions(), ...second.partitions()].sort()).toEqual([0, 1, 2, 3]);
        expect(first.partitions()).toHaveLength(2);
        expect(first.group().generationId).toBe(second.group().generationId);
        expect(first.log).toEqual(['assigned', 'revoked', 'assigned']);
        expect((await broker.admin.committedOffsets(first.group().groupId, [tp])).get(partitionName(tp))).toEqual({ offset: 11, metadata: 'late' });

        await first.membership.leave();
        await eventually(async () => expect(second.partitions()).toEqual([0, 1, 2, 3]));
        await second.membership.leave();
        expect(first.overlaps + second.overlaps).toBe(0);
      });

      it('tells a member that was taken out that all is lost, and takes it in again', async () => {
        const topic = await newTopic(2);
        const member = await joined(another(), topic);
        const before = member.group();
        await broker.admin.removeMember(before.groupId, before.memberId);
        await eventually(async () => expect(member.log).toEqual(['assigned', 'lost', 'assigned']));
        await eventually(async () => expect(member.partitions()).toEqual([0, 1]));
        expect(member.group().memberId).not.toBe(before.memberId);
        const producer = await transactional();
        expect((await failure(producer.sendOffsets(before, [{ topic, partition: 0, offset: 1, metadata: '' }]))).kind).toBe('rebalance');
        await member.membership.leave();
      });

      it('does not mind removing members and groups that do not exist', async () => {
        await broker.admin.removeMember(unique('group'), 'nobody');
      });

      it('gives the partitions of a member that vanished to the others', async () => {
        const topic = await newTopic(2);
        const doomed = another();
        const first = await joined(doomed, topic);
        const second = await joined(another(), topic, { groupId: first.group().groupId });
        await eventually(async () => expect(second.partitions()).toHaveLength(1));
        await doomed.close();
        await eventually(async () => expect(second.partitions()).toEqual([0, 1]), SESSION_TIMEOUT_MS * 3);
        await second.membership.leave();
      });

      it('carries what members say about themselves to the assignor', async () => {
        const topic = await newTopic(2);
        const seen: string[] = [];
        const assignor = spread((texts) => seen.push(...texts));
        const first = await joined(another(), topic, { assignor, userData: 'from the first' });
        const second = await joined(another(), topic, { assignor, userData: 'from the second', groupId: first.group().groupId });
        await eventually(async () => expect(seen).toEqual(expect.arrayContaining(['from the first', 'from the second'])));
        await second.membership.leave();
        await first.membership.leave();
      });

      it('can be closed while it is still waiting for others to join', async () => {
        const topic = await newTopic(2);
        let release = () => {};
        const holding = new Promise<void>((resolve) => (release = resolve));
        const first = await joined(another(), topic, { onRevoked: () => holding });
        const waiting = another();
        const joining = joined(waiting, topic, { groupId: first.group().groupId }).catch((error: unknown) => error);
        await pause(500);
        await waiting.close();
        expect(await joining).toBeInstanceOf(BrokerError);
        release();
        await first.membership.leave();
      });

      it('gives up joining when its signal says so, and the others go on without it', async () => {
        const topic = await newTopic(2);
        let release = () => {};
        const holding = new Promise<void>((resolve) => (release = resolve));
        const first = await joined(another(), topic, { onRevoked: () => holding });
        const giveUp = new AbortController();
        const joining = joined(another(), topic, { groupId: first.group().groupId, signal: giveUp.signal }).catch((error: unknown) => error);
        await eventually(async () => expect(first.log.at(-1)).toBe('revoked'));
        giveUp.abort();
        expect(await joining).toBeInstanceOf(BrokerError); // must not wait for the first one
        release();
        await eventually(async () => expect(first.partitions()).toEqual([0, 1]), SESSION_TIMEOUT_MS / 2);
        await first.membership.leave();
        const never = joined(another(), topic, { signal: AbortSignal.abort() }).catch((error: unknown) => error);
        expect(await never).toBeInstanceOf(BrokerError);
      });

      it('leaves when its signal says so', async () => {
        const topic = await newTopic(2);
        const giveUp = new AbortController();
        const first = await joined(another(), topic, { signal: giveUp.signal });
        const second = await joined(another(), topic, { groupId: first.group().groupId });
        giveUp.abort();
        await eventually(async () => expect(second.partitions()).toEqual([0, 1]), SESSION_TIMEOUT_MS / 2);
        expect(first.log.at(-1)).toBe('revoked');
        expect(first.failures).toEqual([]);
        await first.membership.leave();
        await second.membership.leave();
      });

      it('ends a membership whose assignor has no answer any more, and says why', async () => {
        const topic = await newTopic(2);
        const reason = new Error('two are one too many');
        const { assign } = spread();
        const choosy: GroupAssignor = {
          name: 'contract-choosy',
          assign: (members, counts) => {
            if (members.length > 1) throw reason;
            return assign(members, counts);
          },
        };
        const members = [await joined(another(), topic, { assignor: choosy })];
        const { groupId } = members[0]!.group();
        const second = await joined(another(), topic, { assignor: choosy, groupId }).catch((error: unknown) => error);
        if (second instanceof BrokerError) expect(second).toMatchObject({ kind: 'fatal', cause: reason });
        else members.push(second as Joined);
        // The one that led is out, the other has everything.
        const failed = members.filter(({ failures }) => failures.length > 0);
        await eventually(async () => expect(members.filter(({ failures }) => failures.length === 0).map((member) => member.partitions())).toEqual([[0, 1]]));
        for (const { failures, log } of failed) {
          expect(failures).toMatchObject([{ kind: 'fatal', cause: reason }]);
          expect(log.at(-1)).toBe('revoked');
        }
        for (const { membership } of members) await membership.leave();
      });

      it('lets nobody in who brings an assignor of another name, and disturbs nobody by that', async () => {
        const topic = await newTopic(2);
        const first = await joined(another(), topic);
        const { groupId } = first.group();
        const stranger = joined(another(), topic, { groupId, assignor: { ...spread(), name: 'contract-other' } });
        await expect(stranger).rejects.toMatchObject({ kind: 'fatal', code: 'INCONSISTENT_GROUP_PROTOCOL' });
        expect(first.log).toEqual(['assigned']);
        await first.membership.leave();
        const alone = await joined(another(), topic, { groupId, assignor: { ...spread(), name: 'contract-other' } });
        expect(alone.partitions()).toEqual([0, 1]);
        await alone.membership.leave();
      });

      it('can leave while a rebalance waits for somebody else', async () => {
        const topic = await newTopic(2);
        let release = () => {};
        const holding = new Promise<void>((resolve) => (release = resolve));
        let mayHold = false;
        const slow = await joined(another(), topic, { onRevoked: () => (mayHold ? holding : Promise.resolve()) });
        const leaver = await joined(another(), topic, { groupId: slow.group().groupId });
        await eventually(async () => expect(slow.partitions()).toHaveLength(1));
        mayHold = true;
        const third = joined(another(), topic, { groupId: slow.group().groupId });
        await eventually(async () => expect(leaver.log.at(-1)).toBe('revoked'));
        await leaver.membership.leave(); // must not wait for the slow one
        release();
        const last = await third;
        await eventually(async () => expect([...slow.partitions(), ...last.partitions()].sort()).toEqual([0, 1]));
        await last.membership.leave();
        await slow.membership.leave();
      });
    });
  });
}
