import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bridge, type BridgeOptions, startBridgeTo } from '../../src/escalation/bridge.ts';
import { TemporalRefusedError } from '../../src/escalation/delivery.ts';
import { BrokerError, type Broker } from '../../src/ports/broker.ts';
import { aCommand, cluster as newCluster, COMMANDS, committedOf, DEAD, GROUP, OUTCOMES, outcomesOf, put, recordsOf, until } from './commands.ts';
import { busyWorkflow, denied, FakeTemporal, type Fate, invalid, noNamespace, rateLimited, unavailable } from './fake-temporal.ts';

const open: Bridge[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((bridge) => bridge.close()));
});

async function bridgeTo(temporal: FakeTemporal, broker: Broker, over: Partial<BridgeOptions> = {}): Promise<Bridge> {
  const bridge = await startBridgeTo(temporal, {
    broker,
    groupId: GROUP,
    commandsTopics: [COMMANDS],
    workflows: { OrderWorkflow: { taskQueue: 'orders' } },
    commitIntervalMs: 10,
    drainTimeoutMs: 200,
    ...over,
  });
  open.push(bridge);
  return bridge;
}

/** The same broker with other parts. */
function withParts(broker: Broker, parts: Partial<Pick<Broker, 'producer'> & Pick<Broker['admin'], 'commitOffsets'>>): Broker {
  const { admin } = broker;
  return {
    admin: new Proxy(admin, {
      get: (of, name) => (name === 'commitOffsets' && parts.commitOffsets !== undefined ? parts.commitOffsets : (Reflect.get(of, name) as () => unknown).bind(of)),
    }),
    fetcher: (options) => broker.fetcher(options),
    transactionalProducer: (options) => broker.transactionalProducer(options),
    producer: parts.producer ?? (() => broker.producer()),
    join: (options) => broker.join(options),
    close: () => broker.close(),
  };
}

describe('the bridge', () => {
  it('delivers each workflow its commands in order, and commits behind them', async () => {
    const { cluster, broker } = await newCluster();
    const temporal = new FakeTemporal();
    temporal.latencyMs = () => Math.random() * 5;
    for (let seq = 1; seq <= 20; seq++) {
      await put(broker, 0, aCommand('a', seq), aCommand('b', seq));
      await put(broker, 1, aCommand('c', seq));
    }
    const bridge = await bridgeTo(temporal, broker);
    await until('all are committed', () => committedOf(cluster, 0) === 40 && committedOf(cluster, 1) === 20);
    const inOrder = Array.from({ length: 20 }, (_, i) => i + 1);
    for (const id of ['a', 'b', 'c']) expect(temporal.applied(id)).toEqual(inOrder);
    expect(temporal.starts).toBe(3);
    expect(bridge.metrics()).toMatchObject({ received: 60, delivered: 60, unacked: 0, deadLetters: 0, partitions: 2 });
  });

  it('waits out an outage with the same command, and skips nothing', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.fates = ([unavailable, 'applied-but-lost', unavailable, busyWorkflow, 'ok'] as Fate[])[Symbol.iterator]();
    const messages: string[] = [];
    await put(broker, 0, aCommand('a', 1), aCommand('a', 2), aCommand('a', 3));
    const bridge = await bridgeTo(temporal, broker, { logger: (_level, message) => messages.push(message) });
    await until('all are committed', () => committedOf(cluster, 0) === 3);
    expect(temporal.applied('a')).toEqual([1, 2, 3]);
    expect(bridge.metrics()).toMatchObject({ delivered: 3, retries: 4, throttled: { 'busy-workflow': 1 }, temporalAwaySinceMs: undefined });
    expect(messages.some((message) => /does not take commands/.test(message) && /ECONNREFUSED/.test(message))).toBe(true);
    expect(messages.some((message) => /answers again/.test(message))).toBe(true);
  });

  it('stays in its group and says so while Temporal is away', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.fates = (function* (): Generator<Fate> {
      for (;;) yield unavailable;
    })();
    await put(broker, 0, aCommand('a', 1));
    const bridge = await bridgeTo(temporal, broker);
    await until('it tried', () => bridge.metrics().retries >= 3);
    expect(cluster.group(GROUP).members.size).toBe(1);
    expect(bridge.metrics().temporalAwaySinceMs).toBeTypeOf('number');
    expect(committedOf(cluster, 0) ?? 0).toBe(0);
    temporal.fates = [][Symbol.iterator]();
    await until('it is delivered', () => committedOf(cluster, 0) === 1);
    expect(temporal.applied('a')).toEqual([1]);
  });

  it('halves the calls in flight when the namespace is throttled', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.fates = ([rateLimited, rateLimited] as Fate[])[Symbol.iterator]();
    await put(broker, 0, aCommand('a', 1), aCommand('b', 1));
    const bridge = await bridgeTo(temporal, broker, { maxInFlight: 8 });
    await until('all are committed', () => committedOf(cluster, 0) === 2);
    expect(bridge.metrics()).toMatchObject({ throttled: { 'rps-limit': 2 }, inFlightLimit: 4 });
  });

  it('never has more calls in flight than it may', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.latencyMs = () => 3;
    await put(broker, 0, ...Array.from({ length: 60 }, (_, i) => aCommand(`w${i}`, 1)));
    await bridgeTo(temporal, broker, { maxInFlight: 5 });
    await until('all are committed', () => committedOf(cluster, 0) === 60);
    expect(temporal.maxInFlight).toBe(5);
  });

  it('answers a command for a finished workflow with `closed`, and commits behind the answer', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.end('a', 2);
    const late = aCommand('a', 3, { key: 'order-a' });
    await put(broker, 0, late);
    const bridge = await bridgeTo(temporal, broker);
    await until('it is committed', () => committedOf(cluster, 0) === 1);
    expect(outcomesOf(cluster)).toMatchObject([{ v: 1, origin: 'bridge', workflowId: 'a', reason: 'closed', command: late }]);
    expect(recordsOf(cluster, OUTCOMES)[0]?.key?.toString()).toBe('order-a');
    expect(bridge.metrics()).toMatchObject({ rejectedClosed: 1, delivered: 0 });
  });

  it('acks in silence what a finished workflow had read before', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.end('a', 2);
    await put(broker, 0, aCommand('a', 1), aCommand('a', 2));
    const bridge = await bridgeTo(temporal, broker);
    await until('they are committed', () => committedOf(cluster, 0) === 2);
    expect(outcomesOf(cluster)).toEqual([]);
    expect(bridge.metrics()).toMatchObject({ appliedBefore: 2 });
  });

  it('starts nothing with a command past its time, but still asks whether it got through', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    const past = { notAfter: Date.now() - 1 };
    temporal.end('finished', 4);
    await temporal.signalWithStart(aCommand('running', 1));
    await put(broker, 0, aCommand('unknown', 1, past), aCommand('finished', 4, past), aCommand('finished', 5, past), aCommand('running', 2, past));
    await bridgeTo(temporal, broker);
    await until('they are committed', () => committedOf(cluster, 0) === 4);
    expect(temporal.workflows.has('unknown')).toBe(false);
    expect(temporal.applied('running')).toEqual([1, 2]);
    expect(outcomesOf(cluster).map((outcome) => outcome.origin === 'bridge' && [outcome.workflowId, outcome.reason])).toEqual(
      expect.arrayContaining([
        ['unknown', 'stale'],
        ['finished', 'closed'],
      ]),
    );
    expect(outcomesOf(cluster)).toHaveLength(2);
  });

  it('cancels, and takes a workflow that is not there for cancelled', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    await put(broker, 0, aCommand('a', 1), aCommand('a', 2, { op: 'cancel' }), aCommand('b', 1, { op: 'cancel' }));
    const bridge = await bridgeTo(temporal, broker);
    await until('they are committed', () => committedOf(cluster, 0) === 3);
    expect(temporal.cancelled).toEqual(['a']);
    expect(temporal.starts).toBe(1);
    expect(bridge.metrics()).toMatchObject({ delivered: 1, cancelled: 1 });
  });

  it('sets poison aside with its reason and raw bytes, and goes on', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.fates = ([invalid] as Fate[])[Symbol.iterator]();
    const junk = Buffer.from([0xff, 0x00]);
    await put(broker, 0, aCommand('too-big', 1));
    const bridge = await bridgeTo(temporal, broker);
    await until('it is committed', () => committedOf(cluster, 0) === 1);
    await put(broker, 0, junk, null, { ...aCommand('a', 1), v: 2 } as never, aCommand('a', 1, { workflowType: 'Other' }), aCommand('a', 1));
    await until('they are committed', () => committedOf(cluster, 0) === 6);
    expect(temporal.applied('a')).toEqual([1]);
    const letters = recordsOf(cluster, DEAD);
    const header = (i: number, name: string) => letters[i]?.headers.find(([of]) => of === `__streams.errors.${name}`)?.[1]?.toString();
    const byOffset = letters.map((_, i) => `${header(i, 'offset')} ${header(i, 'exception')}`).sort();
    expect(byOffset).toEqual(['0 REFUSED_BY_TEMPORAL', '1 UNREADABLE_COMMAND', '2 UNREADABLE_COMMAND', '3 UNREADABLE_COMMAND', '4 UNKNOWN_WORKFLOW_TYPE']);
    expect(letters.some(({ value }) => value?.equals(junk))).toBe(true);
    expect(bridge.metrics().deadLetters).toBe(5);
  });

  it('answers `refused` to what it sets aside, before it commits: whoever sent the command must hear that nobody reads it', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.fates = ([invalid] as Fate[])[Symbol.iterator]();
    const tooBig = aCommand('too-big', 1, { key: 'order-too-big' });
    await put(broker, 0, tooBig);
    const bridge = await bridgeTo(temporal, broker);
    await until('it is committed', () => committedOf(cluster, 0) === 1);
    expect(outcomesOf(cluster)).toMatchObject([{ v: 1, origin: 'bridge', workflowId: 'too-big', reason: 'refused', command: tooBig }]);
    expect(recordsOf(cluster, OUTCOMES)[0]?.key?.toString()).toBe('order-too-big');
    const unknown = aCommand('a', 1, { workflowType: 'Other' });
    await put(broker, 0, unknown, Buffer.from('junk'));
    await until('they are committed', () => committedOf(cluster, 0) === 3);
    expect(outcomesOf(cluster).slice(1)).toMatchObject([{ reason: 'refused', command: unknown }]);
    expect(bridge.metrics()).toMatchObject({ rejectedRefused: 2, deadLetters: 3 });
  });

  it('sets a command aside once, with both reasons, when its refusal has nowhere to go', async () => {
    const { cluster, broker } = await newCluster(1);
    await put(broker, 0, aCommand('a', 1, { workflowType: 'Other', replyTo: { topic: 'gone', partition: 0 } }));
    const bridge = await bridgeTo(new FakeTemporal(), broker);
    await until('it is committed', () => committedOf(cluster, 0) === 1);
    const [letter, ...others] = recordsOf(cluster, DEAD);
    expect(others).toEqual([]);
    const message = letter?.headers.find(([name]) => name === '__streams.errors.message')?.[1]?.toString();
    expect(message).toMatch(/not Other.*no partition gone-0/);
    expect(bridge.metrics()).toMatchObject({ rejectedRefused: 0, deadLetters: 1 });
  });

  it('sets aside a rejection that has nowhere to go', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.end('a', 0);
    await put(broker, 0, aCommand('a', 1, { replyTo: { topic: OUTCOMES, partition: 7 } }), aCommand('a', 2, { replyTo: { topic: 'gone', partition: 0 } }));
    const bridge = await bridgeTo(temporal, broker);
    await until('they are committed', () => committedOf(cluster, 0) === 2);
    expect(bridge.metrics()).toMatchObject({ deadLetters: 2, rejectedClosed: 0 });
  });

  it.each([
    ['permission', denied],
    ['a namespace that is not there', noNamespace],
  ])('stops with a clear message for want of %s, and sets nothing aside', async (_name, error) => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.fates = (function* (): Generator<Fate> {
      for (;;) yield error;
    })();
    await put(broker, 0, aCommand('a', 1), aCommand('b', 1));
    const bridge = await bridgeTo(temporal, broker);
    await expect(bridge.done).rejects.toThrow(TemporalRefusedError);
    await expect(bridge.done).rejects.toThrow(/TEMPORAL_NAMESPACE/);
    expect(committedOf(cluster, 0) ?? 0).toBe(0);
    expect(recordsOf(cluster, DEAD)).toEqual([]);
    expect(cluster.group(GROUP).members.size).toBe(0);
  });

  it('does not commit past an answer that Kafka has not acknowledged', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.end('a', 0);
    let isAway = true;
    const flaky = withParts(broker, {
      producer: () => ({
        send: (records) => (isAway ? Promise.reject(new BrokerError('retriable', 'ECONNRESET', 'connection lost')) : broker.producer().send(records)),
        close: () => Promise.resolve(),
      }),
    });
    await put(broker, 0, aCommand('a', 1), aCommand('b', 1));
    await bridgeTo(temporal, flaky);
    await until('b is delivered', () => temporal.applied('b').length === 1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(committedOf(cluster, 0) ?? 0).toBe(0);
    isAway = false;
    await until('both are committed', () => committedOf(cluster, 0) === 2);
    expect(outcomesOf(cluster)).toHaveLength(1);
  });

  it('pauses a partition when too much is unacknowledged, and resumes', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    let isAway = true;
    temporal.fates = (function* (): Generator<Fate> {
      while (isAway) yield unavailable;
    })();
    const bridge = await bridgeTo(temporal, broker, { unackedMax: 10 });
    for (let seq = 1; seq <= 30; seq++) {
      await put(broker, 0, aCommand('a', seq));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await until('it paused', () => bridge.metrics().pausedPartitions === 1);
    expect(bridge.metrics().unacked).toBeLessThan(20);
    isAway = false;
    await until('all are committed', () => committedOf(cluster, 0) === 30);
    expect(temporal.applied('a')).toHaveLength(30);
    expect(bridge.metrics().pausedPartitions).toBe(0);
  });

  it('hands over to another bridge without losing or overtaking anything', async () => {
    const { cluster, broker } = await newCluster(4);
    const temporal = new FakeTemporal();
    temporal.latencyMs = () => Math.random() * 4;
    const ids = Array.from({ length: 12 }, (_, i) => `w${i}`);
    const first = await bridgeTo(temporal, broker);
    let second: Bridge | undefined;
    for (let seq = 1; seq <= 30; seq++) {
      for (const [i, id] of ids.entries()) await put(broker, i % 4, aCommand(id, seq));
      if (seq === 10) second = await bridgeTo(temporal, cluster.connect());
      if (seq === 20) await first.close();
    }
    await until('all are committed', () => [0, 1, 2, 3].every((partition) => committedOf(cluster, partition) === 90));
    const inOrder = Array.from({ length: 30 }, (_, i) => i + 1);
    for (const id of ids) expect(temporal.applied(id)).toEqual(inOrder);
    expect(second?.metrics().partitions).toBe(4);
  });

  it('repeats, never skips, when it dies between ack and commit', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    // Commits that go nowhere are what a kill leaves behind.
    const doomed = withParts(broker, { commitOffsets: () => Promise.reject(new BrokerError('rebalance', 'UNKNOWN_MEMBER_ID', 'gone')) });
    await put(broker, 0, aCommand('a', 1), aCommand('a', 2));
    const first = await bridgeTo(temporal, doomed);
    await until('both are delivered', () => first.metrics().delivered === 2);
    await first.close();
    expect(committedOf(cluster, 0) ?? 0).toBe(0);
    await put(broker, 0, aCommand('a', 3));
    await bridgeTo(temporal, broker);
    await until('all are committed', () => committedOf(cluster, 0) === 3);
    expect(temporal.applied('a')).toEqual([1, 2, 3]);
  });

  it('gives up its partitions in bounded time while a call hangs, and the next owner repeats that command', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    temporal.latencyMs = () => 400;
    await put(broker, 0, aCommand('a', 1), aCommand('a', 2));
    const first = await bridgeTo(temporal, broker, { drainTimeoutMs: 50 });
    await until('the call is under way', () => temporal.inFlight === 1);
    const before = Date.now();
    await first.close();
    expect(Date.now() - before).toBeLessThan(300);
    expect(committedOf(cluster, 0) ?? 0).toBe(0);
    temporal.latencyMs = () => 0;
    await bridgeTo(temporal, broker);
    await until('all are committed', () => committedOf(cluster, 0) === 2);
    await until('the late call has ended', () => temporal.inFlight === 0);
    expect(temporal.applied('a')).toEqual([1, 2]);
  });

  it('goes on at the start of the log, with an error message, when retention has removed commands', async () => {
    const { cluster, broker } = await newCluster(1);
    const temporal = new FakeTemporal();
    for (let seq = 1; seq <= 5; seq++) await put(broker, 0, aCommand(`w${seq}`, 1));
    await broker.admin.commitOffsets({ groupId: GROUP, generationId: -1, memberId: '' }, [{ topic: COMMANDS, partition: 0, offset: 1, metadata: '' }]);
    await broker.admin.deleteRecords([{ topic: COMMANDS, partition: 0, offset: 3 }]);
    const errors: string[] = [];
    await bridgeTo(temporal, broker, { logger: (level, message) => level === 'error' && errors.push(message) });
    await until('the rest is committed', () => committedOf(cluster, 0) === 5);
    expect([...temporal.workflows.keys()]).toEqual(['w4', 'w5']);
    expect(errors).toEqual([expect.stringMatching(/retention removed commands.*Reading goes on at 3/s)]);
  });

  it('says which topic it waits for', async () => {
    const { cluster, broker } = await newCluster(1);
    await broker.admin.deleteTopics([COMMANDS]);
    const messages: string[] = [];
    const starting = bridgeTo(new FakeTemporal(), broker, { logger: (_level, message) => messages.push(message) });
    await until('it says so', () => messages.some((message) => message.includes(COMMANDS)));
    await broker.admin.ensureTopics([{ topic: COMMANDS, partitions: 1 }]);
    await starting;
    expect(cluster.topics.has(DEAD)).toBe(true);
  });
});

describe('whatever Temporal answers', () => {
  const fate: fc.Arbitrary<Fate> = fc.oneof(
    { weight: 5, arbitrary: fc.constant<Fate>('ok') },
    { weight: 2, arbitrary: fc.constant<Fate>('applied-but-lost') },
    { weight: 1, arbitrary: fc.constant<Fate>(unavailable) },
    { weight: 1, arbitrary: fc.constant<Fate>(busyWorkflow) },
  );

  it('every command is applied once and in order, or answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { maxLength: 12 }), fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 }), fc.boolean(), async (fates, ids, endsEarly) => {
        const { cluster, broker } = await newCluster(1);
        const temporal = new FakeTemporal();
        temporal.fates = fates[Symbol.iterator]();
        if (endsEarly) temporal.end('w0', 2);
        const seqs = new Map<string, number>();
        for (const i of ids) {
          const id = `w${i}`;
          const seq = (seqs.get(id) ?? 0) + 1;
          seqs.set(id, seq);
          await put(broker, 0, aCommand(id, seq));
        }
        const bridge = await bridgeTo(temporal, broker, { lanes: 3, maxInFlight: 3 });
        await until('all are committed', () => committedOf(cluster, 0) === ids.length, 20_000);
        await bridge.close();
        for (const [id, last] of seqs) {
          const all = Array.from({ length: last }, (_, i) => i + 1);
          if (endsEarly && id === 'w0') {
            const rejected = outcomesOf(cluster).flatMap((outcome) => (outcome.origin === 'bridge' ? [outcome.command.seq] : []));
            expect(rejected).toEqual(all.filter((seq) => seq > 2));
          } else expect(temporal.applied(id)).toEqual(all);
        }
      }),
      { numRuns: 10 },
    );
  }, 60_000);
});
