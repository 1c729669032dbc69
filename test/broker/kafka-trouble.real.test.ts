// Connections that break at the worst moments. Nothing may be lost, repeated, or left hanging.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectKafka, kafkaSettingsFromEnv, type KafkaSettings } from '../../src/broker/index.ts';
import type { Broker, OutgoingRecord, TransactionalProducer } from '../../src/ports/broker.ts';
import { NO_HEADERS } from '../../src/record/record.ts';
import { startProxy, type Proxy } from './proxy.ts';

const PRODUCE = 0;
const FETCH = 1;
const ADD_PARTITIONS = 24;
const END_TXN = 26;
const TXN_OFFSET_COMMIT = 28;

const direct = kafkaSettingsFromEnv(process.env);
const [host, port] = direct.brokers[0]!.split(':') as [string, string];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('trouble on the way to Kafka', () => {
  let proxy: Proxy;
  let sound: Broker;
  let shaky: Broker;
  let topic: string;
  const troubles: string[] = [];
  const opened: Broker[] = [];

  beforeEach(async () => {
    proxy = await startProxy({ host, port: Number(port) });
    troubles.length = 0;
    sound = open(direct);
    shaky = open(throughProxy());
    topic = `trouble-${randomUUID().slice(0, 8)}`;
    await sound.admin.ensureTopics([{ topic, partitions: 2 }]);
  });
  afterEach(async () => {
    for (const broker of opened.splice(0)) await broker.close();
    await proxy.close();
  });

  function open(settings: KafkaSettings): Broker {
    const broker = connectKafka(settings);
    opened.push(broker);
    return broker;
  }

  function throughProxy(more: Partial<KafkaSettings> = {}): KafkaSettings {
    return { ...direct, ...more, route: () => ({ host: '127.0.0.1', port: proxy.port }), logger: (line) => troubles.push(line) };
  }

  const record = (value: string, partition = 0): OutgoingRecord => ({ topic, partition, key: null, value: Buffer.from(value), timestamp: Date.now(), headers: NO_HEADERS });

  async function committed(partition = 0): Promise<string[]> {
    const tp = { topic, partition };
    const until = (await sound.admin.listOffsets([tp], 'stable')).get(`${topic}-${partition}`)!;
    const fetcher = sound.fetcher();
    const found: string[] = [];
    fetcher.assign(tp, 0);
    for (let position = 0; position < until; ) {
      for (const data of await fetcher.poll(500)) {
        found.push(...data.records.map(({ value }) => String(value)));
        position = data.nextPosition;
      }
    }
    await fetcher.close();
    return found;
  }

  async function transactional(more: Partial<KafkaSettings> = {}, transactionalId = `tx-${topic}`): Promise<TransactionalProducer> {
    const producer = open(throughProxy(more)).transactionalProducer({ transactionalId, transactionTimeoutMs: 20_000 });
    await producer.init();
    return producer;
  }

  /** Once, at the given request. */
  function once(apiKey: number, fate: 'lose request' | 'lose answer', after = () => {}): void {
    proxy.onRequest = (key) => {
      if (key !== apiKey) return 'pass';
      proxy.onRequest = () => 'pass';
      after();
      return fate;
    };
  }

  it('writes every record once and in order while connections are cut and answers are lost', async () => {
    let requests = 0;
    proxy.onRequest = (key) => {
      if (key !== PRODUCE) return 'pass';
      requests += 1;
      return requests % 5 === 2 ? 'lose answer' : requests % 5 === 4 ? 'lose request' : 'pass';
    };
    const producer = shaky.producer();
    const expected: string[] = [];
    for (let i = 0; i < 25; i += 1) {
      const batch = Array.from({ length: 20 }, (_, n) => `${i}:${n}`);
      expected.push(...batch);
      await producer.send(batch.map((value) => record(value)));
    }
    expect(requests).toBeGreaterThan(30);
    expect(await committed()).toEqual(expected);
  });

  it('reads every record once and in order while connections are cut, and tells of it', async () => {
    const expected = Array.from({ length: 400 }, (_, i) => `${i}`);
    await sound.producer().send(expected.map((value) => record(value)));
    let fetches = 0;
    proxy.onRequest = (key) => (key === FETCH && (fetches += 1) % 3 !== 0 ? 'lose answer' : 'pass');
    const fetcher = shaky.fetcher({ maxBytesPerPartition: 1_000 });
    fetcher.assign({ topic, partition: 0 }, 0);
    const found: string[] = [];
    while (found.length < expected.length) found.push(...(await fetcher.poll(500)).flatMap(({ records }) => records.map(({ value }) => String(value))));
    proxy.onRequest = () => 'pass';
    expect(found).toEqual(expected);
    expect(troubles).toContainEqual(expect.stringMatching(/gave no answer to Fetch/));
  });

  it('takes up a half-received answer from its beginning', async () => {
    const expected = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(50_000, '.'));
    await sound.producer().send(expected.map((value) => record(value)));
    const fetcher = shaky.fetcher({ maxBytesPerPartition: 1_000_000 });
    fetcher.assign({ topic, partition: 0 }, 0);
    const found: string[] = [];
    const cutting = setInterval(() => proxy.cut(), 15);
    setTimeout(() => clearInterval(cutting), 1_500);
    while (found.length < expected.length) found.push(...(await fetcher.poll(500)).flatMap(({ records }) => records.map(({ value }) => String(value))));
    clearInterval(cutting);
    expect(found).toEqual(expected);
  });

  describe.each([
    ['TV2', 2],
    ['TV1', 1],
  ] as const)('under %s', (_, transactionVersionMax) => {
    const requests = transactionVersionMax === 1 ? [ADD_PARTITIONS, PRODUCE, TXN_OFFSET_COMMIT, END_TXN] : [PRODUCE, TXN_OFFSET_COMMIT, END_TXN];

    it.each(requests.flatMap((apiKey) => [[apiKey, 'lose request'] as const, [apiKey, 'lose answer'] as const]))(
      'a transaction survives request %d with fate "%s"',
      async (apiKey, fate) => {
        const member = await joinGroup(sound, topic);
        const producer = await transactional({ transactionVersionMax });
        for (let i = 0; i < 3; i += 1) {
          let happened = false;
          if (i === 1) once(apiKey, fate, () => (happened = true));
          await producer.send([record(`${i}`), record(`${i}`, 1)]);
          await producer.sendOffsets(member.group, [{ topic, partition: 0, offset: i + 1, metadata: '' }]);
          await producer.commit();
          expect(happened).toBe(i === 1);
        }
        expect(await committed(0)).toEqual(['0', '1', '2']);
        expect(await committed(1)).toEqual(['0', '1', '2']);
        expect((await sound.admin.committedOffsets(member.group.groupId, [{ topic, partition: 0 }])).get(`${topic}-0`)?.offset).toBe(3);
        await member.leave();
      },
    );

    it('an abort survives a lost answer', async () => {
      const producer = await transactional({ transactionVersionMax });
      await producer.send([record('no')]);
      once(END_TXN, 'lose answer');
      await producer.abort();
      await producer.send([record('yes')]);
      await producer.commit();
      await expect.poll(() => committed()).toEqual(['yes']);
    });

    it.each(['lose request', 'lose answer'] as const)('says so when the outcome of a commit cannot be known (%s)', async (fate) => {
      const producer = await transactional({ transactionVersionMax });
      await producer.send([record('perhaps')]);
      once(END_TXN, fate, () => {
        proxy.refusing = true;
      });
      const committing = producer.commit().catch((error: unknown) => error);
      await pause(300);
      const successor = sound.transactionalProducer({ transactionalId: `tx-${topic}`, transactionTimeoutMs: 20_000 });
      await successor.init();
      proxy.refusing = false;
      expect(await committing).toMatchObject({ kind: 'commit-unknown' });
      await expect(producer.abort()).rejects.toMatchObject({ kind: 'commit-unknown' });
      expect(await committed()).toEqual(fate === 'lose answer' ? ['perhaps'] : []);
    });
  });

  it('keeps its membership through a short outage', async () => {
    const member = await joinGroup(shaky, topic);
    proxy.refusing = true;
    proxy.cut();
    await pause(1_500);
    proxy.refusing = false;
    await pause(1_500);
    expect(member.log).toEqual(['assigned']);
    await sound.admin.commitOffsets(member.group, [{ topic, partition: 0, offset: 1, metadata: '' }]);
    await member.leave();
  });

  it('joins once the broker is there, waiting with a message until then', async () => {
    proxy.refusing = true;
    const waiting: string[] = [];
    const reachable = shaky.admin.waitUntilReachable({ onWaiting: (reason) => waiting.push(reason) });
    const joining = joinGroup(shaky, topic);
    await pause(1_600);
    expect(waiting.length).toBeGreaterThanOrEqual(1);
    expect(waiting.length).toBeLessThanOrEqual(3);
    expect(waiting[0]).toMatch(/No Kafka broker answers/);
    proxy.refusing = false;
    await reachable;
    await (await joining).leave();
  });

  it('lets waiting for a broker be given up', async () => {
    proxy.refusing = true;
    const giveUp = new AbortController();
    const waiting = shaky.admin.waitUntilReachable({ signal: giveUp.signal });
    setTimeout(() => giveUp.abort(new Error('enough')), 200);
    await expect(waiting).rejects.toThrow('enough');
  });

  it.each(['close', 'close while away'])('leaves nothing behind that keeps a process alive (%s)', async (how) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./use-and-close.ts', import.meta.url)), topic, `127.0.0.1:${proxy.port}`, how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (text.includes('ready') && how === 'close while away') {
        proxy.refusing = true;
        proxy.cut();
      }
    });
    const exit = await new Promise<number | null>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`Still running: ${output}`));
      }, 30_000);
      child.on('exit', (code) => {
        clearTimeout(timer);
        resolve(code);
      });
    });
    expect(exit).toBe(0);
    const closedIn = Number(/exited after (\d+) ms/.exec(output)?.[1]);
    expect(closedIn).toBeLessThan(2_000);
  });
});

async function joinGroup(broker: Broker, topic: string) {
  const log: string[] = [];
  let group = { groupId: '', generationId: -1, memberId: '' };
  const membership = await broker.join({
    groupId: `g-${topic}-${randomUUID().slice(0, 4)}`,
    topics: [topic],
    assignor: { name: 'all-to-one', assign: (members, counts) => new Map([[members[0]!.memberId, [...counts].flatMap(([name, count]) => Array.from({ length: count }, (_, partition) => ({ topic: name, partition })))]]) },
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 10_000,
    heartbeatIntervalMs: 200,
    userData: () => Buffer.alloc(0),
    onRevoked: async () => void log.push('revoked'),
    onLost: async () => void log.push('lost'),
    onFatal: () => void log.push('failed'),
    onAssigned: async (_, metadata) => {
      log.push('assigned');
      group = metadata;
    },
  });
  return {
    log,
    get group() {
      return group;
    },
    leave: () => membership.leave(),
  };
}
